"""A policy ready to be asked: closures and plain values, nothing left to parse."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from gateway.core.account import Principal
from gateway.core.model import Model
from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec, Spec
from gateway.policy.matching import Matcher, compile_match, names_model
from gateway.policy.model import Access, Budget, Limit, MoneyBudget, Policy, PromptLimit, Scope, SlotLimit
from gateway.policy.statekey import Traffic, home_of, scope_key

Mode = Literal["enforce", "audit"]
UNBOUND: Final = "*"
"""The state key of a limit before it is known whose use it counts."""


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
    matcher: Matcher
    limits: tuple[LimitRule, ...]
    access: AccessRules | None
    exceptions: tuple[tuple[str, int], ...]
    """Account id and the first millisecond at which the policy covers it again."""

    def exempt_until(self, account_id: str, now_ms: int) -> int | None:
        """When a running exception of this account ends; None when there is none."""
        ends = [until for account, until in self.exceptions if account == account_id and until > now_ms]
        return max(ends, default=None)


def compile_policy(policy: Policy) -> CompiledPolicy | None:
    """None when the policy is off."""
    mode = policy.effective_mode
    if mode == "off":
        return None
    shadow = mode == "audit"
    rules = [_limit_rule(name, limit, shadow=shadow) for name, limit in policy.limits.items()]
    rules += [_budget_rule(name, budget, shadow=shadow) for name, budget in policy.budgets.items()]
    return CompiledPolicy(
        id=policy.id,
        title=policy.title,
        mode=mode,
        clause=_clause_text(policy),
        message=policy.on_violation.message or "",
        contact=policy.on_violation.contact or "",
        disclose=policy.disclose,
        matcher=compile_match(policy.match),
        limits=tuple(sorted(rules, key=lambda rule: rule.name)),
        access=None if policy.access is None else _access_rules(policy.access),
        exceptions=tuple((exempt.account, exempt.until) for exempt in policy.exceptions),
    )


def limit_spec(limit: Limit, *, shadow: bool) -> Spec:
    """A limit as the ledger sees it, on no counter yet."""
    if isinstance(limit, SlotLimit):
        return SlotSpec(UNBOUND, limit.amount, shadow)
    if isinstance(limit, PromptLimit):
        return DistinctSpec(UNBOUND, Unit(limit.unit), limit.amount, limit.window, shadow)
    burst = limit.amount if limit.burst is None else limit.burst
    return RateSpec(UNBOUND, Unit(limit.unit), limit.amount, limit.window, burst, shadow)


def budget_spec(budget: Budget, *, shadow: bool) -> Spec:
    """A budget as the ledger sees it, on no counter yet. Money is in nano-dollars."""
    unit = Unit.USD if isinstance(budget, MoneyBudget) else Unit(budget.unit)
    anchor = budget.anchor_day or 1
    return BudgetSpec(UNBOUND, unit, budget.amount, Period(budget.period), budget.zone, anchor, shadow)


def _limit_rule(name: str, limit: Limit, *, shadow: bool) -> LimitRule:
    window = "" if isinstance(limit, SlotLimit) else f"{limit.window}s"
    return LimitRule(name, limit.per, limit.models, limit_spec(limit, shadow=shadow), window)


def _budget_rule(name: str, budget: Budget, *, shadow: bool) -> LimitRule:
    window = f"{budget.period}:{budget.zone}"
    if budget.period == "month":
        window += f":{budget.anchor_day or 1}"
    return LimitRule(name, budget.per, budget.models, budget_spec(budget, shadow=shadow), window)


def _access_rules(access: Access) -> AccessRules:
    return AccessRules(
        models=access.models,
        dialects=None if access.dialects is None else frozenset(access.dialects),
        max_output_tokens=access.max_output_tokens,
        max_n=access.max_n,
        logprobs=access.logprobs is not False,
    )


def _clause_text(policy: Policy) -> str:
    if policy.clause is None:
        return ""
    parts = (policy.clause.document, policy.clause.section, policy.clause.url)
    return ", ".join(part for part in parts if part)
