"""Plans in the making: which policies cover a caller here, what they limit, what they forbid."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from gateway.core.model import Model
from gateway.core.refusal import Refusal
from gateway.core.units import Unit
from gateway.engine.spec import DistinctSpec, Spec
from gateway.policy.bound_limit import BoundLimit
from gateway.policy.bound_rule import BoundRule
from gateway.policy.compiled import CompiledPolicy, Mode
from gateway.policy.conditions import bind, changes_ms, cover
from gateway.policy.finding import Finding
from gateway.policy.mark_plan import MarkPlan, added, joined
from gateway.policy.names import names_model
from gateway.policy.output.rule import OutputRules
from gateway.policy.plan import OUTPUT_RULE, AccessRule, Plan, denied, strictest
from gateway.policy.situation import Situation
from gateway.policy.switches import Switch
from gateway.policy.terms import Terms
from gateway.policy.terms_rules import Standing, reduction, standing_denials
from gateway.policy.traffic import Traffic
from gateway.texts.index import TextIndex

FOREVER: Final = sys.maxsize
_NOTHING: Final = TextIndex(())
"""For rules that only count characters."""
_OF_OUTPUT: Final = (
    Unit.OUTPUT_TOKENS, Unit.REASONING_TOKENS, Unit.DISTINCT_PROMPTS, Unit.UNIQUE_OUTPUT_TOKENS,
)  # fmt: skip


class Revision(NamedTuple):
    """The policies of a set, ready to be asked."""

    name: str
    policies: Sequence[CompiledPolicy]
    terms: Mapping[str, Terms]
    output_index: TextIndex | None = None
    switches: Sequence[Switch] = ()


def build_plan(revision: Revision, here: Situation) -> tuple[Plan, int]:
    """The plan, and the moment until which it holds: the end of an exception, a switch or a rule, a birthday."""
    covered = list(_covering(revision, here))
    covering = [policy for policy, _traffic in covered]
    limits = strictest(_limits(covered, here))
    terms = revision.terms.get(here.model.terms)
    denials = [(policy, denial) for policy in covering for denial in _standing_denials(policy, terms, here)]
    access = [rule for policy in covering for rule in _request_rules(policy, terms)]
    caps = [policy.access.max_output_tokens for policy in covering if policy.mode == "enforce" and policy.access]
    rules = sorted(_rules(covering, terms, here), key=lambda rule: rule.id)
    mark = _mark(covering, "enforce")
    plan = Plan(
        revision=revision.name,
        specs=tuple(limit.spec for limit in limits),
        limits=limits,
        denial=_first_denial(denials, revision.name),
        output_cap=min((cap for cap in caps if cap is not None), default=None),
        has_money=any(limit.spec.unit is Unit.USD and not limit.spec.shadow for limit in limits),
        counts_prompts=any(isinstance(limit.spec, DistinctSpec) for limit in limits),
        one_prompt=any(isinstance(limit.spec, DistinctSpec) and not limit.spec.shadow for limit in limits),
        policies=tuple((policy.id, policy.mode) for policy in covering),
        enforced=tuple(rule for rule in access if rule.policy.mode == "enforce" and rule.name != OUTPUT_RULE),
        audited=tuple(rule for rule in access if rule.policy.mode == "audit"),
        standing_findings=tuple(
            Finding(policy.id, denial.rule, policy.mode, denial.reason.code, "deny", policy.clause)
            for policy, denial in denials
            if policy.mode == "audit"
        ),
        rules=tuple(rule for rule in rules if not _can_wait(rule)),
        output=_output(covering, revision, here),
        late_rules=tuple(rule for rule in rules if _can_wait(rule)),
        watermark=mark,
        watermark_audit=added(mark, _mark(covering, "audit")),
        bias_refuser=_bias_refuser(covering),
    )
    return plan, _holds_until(revision, covering, here)


def _can_wait(rule: BoundRule) -> bool:
    return rule.mode == "audit" and rule.reads_text


def bound_limits(revision: Revision, here: Situation) -> Iterator[BoundLimit]:
    """Every limit of every covering policy, several on one counter included."""
    yield from _limits(_covering(revision, here), here)


def _limits(covered: Iterable[tuple[CompiledPolicy, Traffic]], here: Situation) -> Iterator[BoundLimit]:
    for policy, traffic in covered:
        for rule in policy.limits:
            spec = rule.bind(here.principal, here.model, traffic)
            if spec is not None and _counts(spec, here.model):
                # How much others use is nobody's business.
                disclose = "clause" if rule.per == "all" else policy.disclose
                yield BoundLimit(
                    spec, rule.name, policy.id, policy.title, rule.per, policy.mode,
                    policy.clause, policy.message, policy.contact, disclose,
                )  # fmt: skip


def _covering(revision: Revision, here: Situation) -> Iterator[tuple[CompiledPolicy, Traffic]]:
    account, now_ms, switches = here.principal.account.id, here.now_ms, revision.switches
    for policy in revision.policies:
        if switches and any(switch.covers(policy.id, now_ms) for switch in switches):
            continue
        if policy.exceptions and policy.exempt_until(account, now_ms) is not None:
            continue
        traffic = cover(policy.match, here)
        if traffic is not None:
            yield policy, traffic


def _rules(covering: Sequence[CompiledPolicy], terms: Terms | None, here: Situation) -> Iterator[BoundRule]:
    """The rules that may hold of this caller's requests."""
    for policy in covering:
        for rule in policy.rules:
            test = bind(rule.condition, here)
            if test is False or (rule.until_ms is not None and rule.until_ms <= here.now_ms):
                continue
            yield BoundRule(
                policy, rule.name, test, rule.then, rule.action, rule.clause, rule.share, rule.hold_ms, rule.reads_text,
                rule.acts_unknown, rule.revision,
            )  # fmt: skip
        less = reduction(terms) if terms is not None and policy.access is not None and policy.access.terms else None
        if less is not None:
            yield BoundRule(policy, "access.terms.reasoning", True, less, "reduce", policy.clause)


def _output(covering: Sequence[CompiledPolicy], revision: Revision, here: Situation) -> OutputRules | None:
    """The rules on answers; None where there is nothing to look for."""
    rules = tuple(
        output.rule
        for policy in covering
        for output in policy.output
        if output.until_ms is None or here.now_ms < output.until_ms
    )
    return OutputRules(rules, revision.output_index or _NOTHING) if rules else None


def _mark(covering: Sequence[CompiledPolicy], mode: Mode) -> MarkPlan | None:
    """What the policies of one mode ask together; None where none does."""
    return joined(policy.watermark for policy in covering if policy.mode == mode and policy.watermark is not None)


def _bias_refuser(covering: Sequence[CompiledPolicy]) -> CompiledPolicy | None:
    for policy in covering:
        if policy.mode == "enforce" and policy.watermark is not None and policy.watermark.caller_bias == "refuse":
            return policy
    return None


def _holds_until(revision: Revision, covering: Sequence[CompiledPolicy], here: Situation) -> int:
    account, now_ms = here.principal.account.id, here.now_ms
    ends: list[int | None] = [switch.until_ms for switch in revision.switches]
    for policy in revision.policies:
        if policy.exceptions:
            ends.append(policy.exempt_until(account, now_ms))
        if policy.clock:
            ends.append(changes_ms(policy.clock, here))
    for policy in covering:
        for rule in policy.rules:
            ends += (rule.until_ms, changes_ms(rule.clock, here))
        ends += [output.until_ms for output in policy.output]
    return min((end for end in ends if end is not None and end > now_ms), default=FOREVER)


def _counts(spec: Spec, model: Model) -> bool:
    """Whether a model can ever use this unit: a free one costs nothing, an embedding model writes nothing."""
    if spec.unit is Unit.USD:
        prices = model.prices
        if prices is None or model.dated_prices:
            return True
        return any((prices.input, prices.output, prices.cache_read, prices.cache_write))
    return spec.unit not in _OF_OUTPUT or model.max_output > 0


def _standing_denials(policy: CompiledPolicy, terms: Terms | None, here: Situation) -> Iterator[Standing]:
    access = policy.access
    if access is None:
        return
    if access.models is not None and not names_model(access.models, here.model):
        allowed = ", ".join(access.models)
        yield Standing("access.models", f"does not allow the model '{here.model.id}'; it allows {allowed}")
    if access.dialects is not None and here.dialect not in access.dialects:
        allowed = ", ".join(sorted(access.dialects))
        yield Standing("access.dialects", f"does not allow the route '{here.dialect}'; it allows {allowed}")
    if access.terms and terms is not None:
        yield from standing_denials(terms, here.principal.account)


def _first_denial(denials: Sequence[tuple[CompiledPolicy, Standing]], revision: str) -> Refusal | None:
    for policy, denial in denials:
        if policy.mode == "enforce":
            param = "model" if denial.rule == "access.models" else None
            return denied(policy, denial.rule, denial.says, revision, param=param, reason=denial.reason)
    return None


def _request_rules(policy: CompiledPolicy, terms: Terms | None) -> Iterator[AccessRule]:
    access = policy.access
    if access is None:
        return
    yield from _n_and_logprobs(policy, "access", access.max_n, logprobs=access.logprobs)
    if access.terms and terms is not None:
        yield from _n_and_logprobs(policy, "access.terms", terms.max_n, logprobs=terms.logprobs)
    cap = access.max_output_tokens
    if cap is not None:
        yield AccessRule(
            policy,
            OUTPUT_RULE,
            "max_tokens",
            f"reduces output to {cap} tokens",
            lambda ask: ask.output_cap is None or ask.output_cap > cap,
        )


def _n_and_logprobs(policy: CompiledPolicy, where: str, most: int | None, *, logprobs: bool) -> Iterator[AccessRule]:
    if most is not None:
        says = f"allows at most {most} choices in a request (n)"
        yield AccessRule(policy, f"{where}.max_n", "n", says, lambda ask: ask.choices > most)
    if not logprobs:
        says = "does not allow log-probabilities"
        yield AccessRule(policy, f"{where}.logprobs", "logprobs", says, lambda ask: ask.logprobs)
