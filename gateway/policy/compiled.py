"""A policy ready to be asked: closures and plain values, nothing left to parse."""

from dataclasses import dataclass, replace
from typing import Literal

from gateway.core.account import Principal
from gateway.core.model import Model
from gateway.engine.spec import Spec
from gateway.limit_grammar import budget_spec, limit_spec, window_key
from gateway.policy.clause import clause_text
from gateway.policy.compiled_rule import CompiledOutput, CompiledRule, compile_output, compile_rule
from gateway.policy.compiling import Compiler, Unusable
from gateway.policy.conditions import AskedLeaf, Node, WhomLeaf, clock, leaves
from gateway.policy.mark_plan import MarkPlan
from gateway.policy.model import Access, Budget, Limit, Policy
from gateway.policy.names import names_model
from gateway.policy.scalars import Scope
from gateway.policy.statekey import home_of, scope_key
from gateway.policy.traffic import Traffic
from gateway.policy.watermark import mark_plan

Mode = Literal["enforce", "audit"]


@dataclass(frozen=True, slots=True)
class LimitRule:
    """One limit or budget of a policy, before it is known whose use it counts."""

    name: str
    per: Scope
    models: Literal["all", "each"] | tuple[str, ...]
    template: Spec
    window: str
    """The part of the state key between the unit and the set of requests."""

    def bind(self, principal: Principal, model: Model, traffic: Traffic) -> Spec | None:
        """The limit on this caller's counter; None when the limit is on a set without this model."""
        if self.models == "each":
            traffic = traffic.on_model(model.id)
        elif self.models != "all":
            if not names_model(self.models, model):
                return None
            traffic = traffic.on_models(self.models)
        key = f"{scope_key(self.per, principal)}|{self.template.unit.value}|{self.window}|{traffic}"
        return replace(self.template, key=key, home=home_of(self.per, principal))


@dataclass(frozen=True, slots=True)
class AccessRules:
    """The access block as plain values."""

    models: tuple[str, ...] | None
    dialects: frozenset[str] | None
    max_output_tokens: int | None
    max_n: int | None
    logprobs: bool
    terms: bool


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """One policy that is on."""

    id: str
    title: str
    mode: Mode
    clause: str
    message: str
    contact: str
    disclose: Literal["full", "clause"]
    match: Node
    limits: tuple[LimitRule, ...]
    access: AccessRules | None
    rules: tuple[CompiledRule, ...]
    output: tuple[CompiledOutput, ...]
    watermark: MarkPlan | None
    exceptions: tuple[tuple[str, int], ...]
    """Account id and the first millisecond at which the policy covers it again."""
    clock: tuple[WhomLeaf, ...]
    """What of `match` changes with time."""

    def exempt_until(self, account_id: str, now_ms: int) -> int | None:
        """When a running exception of this account ends; None when there is none."""
        ends = [until for account, until in self.exceptions if account == account_id and until > now_ms]
        return max(ends, default=None)


def compile_policy(policy: Policy, compiler: Compiler, output: Compiler) -> CompiledPolicy | None:
    """None when the policy is off. `output` collects the patterns that are looked for in answers.

    Raises compiling.Unusable for what the policy refers to and nobody defined.
    """
    mode = policy.effective_mode
    if mode == "off":
        return None
    shadow = mode == "audit"
    rules = [_limit_rule(name, limit, shadow=shadow) for name, limit in policy.limits.items()]
    rules += [_budget_rule(name, budget, shadow=shadow) for name, budget in policy.budgets.items()]
    match = _match(policy, compiler)
    return CompiledPolicy(
        id=policy.id,
        title=policy.title,
        mode=mode,
        clause=clause_text(policy.clause),
        message=policy.on_violation.message or "",
        contact=policy.on_violation.contact or "",
        disclose=policy.disclose,
        match=match,
        limits=tuple(sorted(rules, key=lambda rule: rule.name)),
        access=None if policy.access is None else _access_rules(policy.access),
        rules=tuple(compile_rule(policy, name, compiler) for name in sorted(policy.rules)),
        output=tuple(compile_output(policy, name, mode, output) for name in sorted(policy.output)),
        watermark=None if policy.watermark is None else mark_plan(policy.watermark),
        exceptions=tuple((exempt.account, exempt.until) for exempt in policy.exceptions),
        clock=clock(match),
    )


def _limit_rule(name: str, limit: Limit, *, shadow: bool) -> LimitRule:
    return LimitRule(name, limit.per, limit.models, limit_spec(limit, shadow=shadow), window_key(limit))


def _budget_rule(name: str, budget: Budget, *, shadow: bool) -> LimitRule:
    return LimitRule(name, budget.per, budget.models, budget_spec(budget, shadow=shadow), window_key(budget))


def _access_rules(access: Access) -> AccessRules:
    return AccessRules(
        models=access.models,
        dialects=None if access.dialects is None else frozenset(access.dialects),
        max_output_tokens=access.max_output_tokens,
        max_n=access.max_n,
        logprobs=access.logprobs is not False,
        terms=access.terms is True,
    )


def _match(policy: Policy, compiler: Compiler) -> Node:
    node = compiler.condition(policy.match, ("match",))
    for leaf in leaves(node):
        if isinstance(leaf, AskedLeaf):
            key = leaf.criterion.key
            raise Unusable(("match",), f"'{key}' depends on the request: it can stand in a rule, not in match")
    return node
