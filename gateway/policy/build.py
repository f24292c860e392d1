"""Plans in the making: which policies cover a caller here, what they limit, what they forbid."""

import sys
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from gateway.core import reasons
from gateway.core.account import Principal
from gateway.core.model import Model
from gateway.core.refusal import Refusal
from gateway.core.units import Unit
from gateway.engine.spec import DistinctSpec, Spec
from gateway.policy.compiled import AccessRules, CompiledPolicy
from gateway.policy.matching import Covered, names_model
from gateway.policy.plan import OUTPUT_RULE, AccessRule, BoundLimit, Finding, Plan, denied, strictest

FOREVER: Final = sys.maxsize
_OF_OUTPUT: Final = (
    Unit.OUTPUT_TOKENS, Unit.REASONING_TOKENS, Unit.DISTINCT_PROMPTS, Unit.UNIQUE_OUTPUT_TOKENS,
)  # fmt: skip


class Situation(NamedTuple):
    """What a plan is made for."""

    principal: Principal
    dialect: str
    model: Model
    now_ms: int


def build_plan(policies: Sequence[CompiledPolicy], revision: str, here: Situation) -> tuple[Plan, int]:
    """The plan, and the moment until which it holds: the first end of an exception."""
    covering = [policy for policy, _covered in _covering(policies, here)]
    limits = strictest(bound_limits(policies, here))
    denials = [
        (policy, rule, says)
        for policy in covering
        if policy.access is not None
        for rule, says in _standing_denials(policy.access, here.dialect, here.model)
    ]
    rules = [rule for policy in covering if policy.access is not None for rule in _request_rules(policy, policy.access)]
    enforced_caps = [
        policy.access.max_output_tokens
        for policy in covering
        if policy.mode == "enforce" and policy.access is not None and policy.access.max_output_tokens is not None
    ]
    plan = Plan(
        revision=revision,
        specs=tuple(limit.spec for limit in limits),
        limits=limits,
        denial=_first_denial(denials, revision),
        output_cap=min(enforced_caps, default=None),
        has_money=any(limit.spec.unit is Unit.USD and not limit.spec.shadow for limit in limits),
        counts_prompts=any(isinstance(limit.spec, DistinctSpec) for limit in limits),
        one_prompt=any(isinstance(limit.spec, DistinctSpec) and not limit.spec.shadow for limit in limits),
        policies=tuple((policy.id, policy.mode) for policy in covering),
        enforced=tuple(rule for rule in rules if rule.policy.mode == "enforce" and rule.name != OUTPUT_RULE),
        audited=tuple(rule for rule in rules if rule.policy.mode == "audit"),
        standing_findings=tuple(
            Finding(policy.id, rule, policy.mode, reasons.POLICY_DENIED.code)
            for policy, rule, _says in denials
            if policy.mode == "audit"
        ),
    )
    return plan, _holds_until(policies, here)


def bound_limits(policies: Sequence[CompiledPolicy], here: Situation) -> Iterator[BoundLimit]:
    """Every limit of every covering policy, several on one counter included."""
    for policy, covered in _covering(policies, here):
        for rule in policy.limits:
            spec = rule.bind(here.principal, here.model, covered.traffic)
            if spec is not None and _counts(spec, here.model):
                # How much others use is nobody's business.
                disclose = "clause" if rule.per == "all" else policy.disclose
                yield BoundLimit(
                    spec, rule.name, policy.id, policy.title, rule.per, policy.mode,
                    policy.clause, policy.message, policy.contact, disclose,
                )  # fmt: skip


def _covering(policies: Sequence[CompiledPolicy], here: Situation) -> Iterator[tuple[CompiledPolicy, Covered]]:
    for policy in policies:
        if policy.exempt_until(here.principal.account.id, here.now_ms) is not None:
            continue
        covered = policy.matcher.bind(here.principal.account)
        if covered is not None and covered.holds(here.dialect, here.model):
            yield policy, covered


def _holds_until(policies: Sequence[CompiledPolicy], here: Situation) -> int:
    ends = (policy.exempt_until(here.principal.account.id, here.now_ms) for policy in policies)
    return min((end for end in ends if end is not None), default=FOREVER)


def _counts(spec: Spec, model: Model) -> bool:
    """Whether a model can ever use this unit: a free one costs nothing, an embedding model writes nothing."""
    if spec.unit is Unit.USD:
        prices = model.prices
        if prices is None or model.dated_prices:
            return True
        return any((prices.input, prices.output, prices.cache_read, prices.cache_write))
    return spec.unit not in _OF_OUTPUT or model.max_output > 0


def _standing_denials(access: AccessRules, dialect: str, model: Model) -> Iterator[tuple[str, str]]:
    if access.models is not None and not names_model(access.models, model):
        yield "access.models", f"does not allow the model '{model.id}'; it allows {', '.join(access.models)}"
    if access.dialects is not None and dialect not in access.dialects:
        yield "access.dialects", f"does not allow the route '{dialect}'; it allows {', '.join(sorted(access.dialects))}"


def _first_denial(denials: Sequence[tuple[CompiledPolicy, str, str]], revision: str) -> Refusal | None:
    for policy, rule, says in denials:
        if policy.mode == "enforce":
            return denied(policy, rule, says, revision, param="model" if rule == "access.models" else None)
    return None


def _request_rules(policy: CompiledPolicy, access: AccessRules) -> Iterator[AccessRule]:
    most = access.max_n
    if most is not None:
        yield AccessRule(
            policy,
            "access.max_n",
            "n",
            f"allows at most {most} choices in a request (n)",
            lambda ask: ask.choices > most,
        )
    if not access.logprobs:
        yield AccessRule(
            policy, "access.logprobs", "logprobs", "does not allow log-probabilities", lambda ask: ask.logprobs
        )
    cap = access.max_output_tokens
    if cap is not None:
        yield AccessRule(
            policy,
            OUTPUT_RULE,
            "max_tokens",
            f"reduces output to {cap} tokens",
            lambda ask: ask.output_cap is None or ask.output_cap > cap,
        )
