"""Lint of sizes: limits that can never bind, that nothing fits, or that nobody can count."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from gateway.core.model import Model
from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec, Spec
from gateway.limit_grammar import budget_spec, limit_spec
from gateway.policy.blocks import Match
from gateway.policy.lint import Complaints, Path, Rule, Scene
from gateway.policy.load import PolicyFile
from gateway.policy.model import Mode, Policy
from gateway.policy.names import names_model
from gateway.policy.overflow import overflows
from gateway.policy.scalars import Scope
from gateway.policy.words import size

_RANK: Final[dict[Scope, int]] = {"key": 0, "account": 1, "org": 2, "all": 3}
# The longest a period can be, an hour of clock change included.
_LONGEST_S: Final = {Period.DAY: 90_000, Period.MONTH: 31 * 86_400 + 3600}
_PARTS: Final = {
    Unit.TOTAL_TOKENS: (Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS, Unit.REASONING_TOKENS),
    Unit.OUTPUT_TOKENS: (Unit.REASONING_TOKENS,),
    Unit.REQUESTS: (Unit.LOGPROB_REQUESTS,),
}
"""What is counted by another unit as well. Prompts are not: one stays counted whose request was given back."""
_HOLDS_OUTPUT: Final = (Unit.OUTPUT_TOKENS, Unit.TOTAL_TOKENS, Unit.UNIQUE_OUTPUT_TOKENS)
"""Units that may have to hold all the output that a request asks for."""


@dataclass(frozen=True, slots=True)
class _Sized:
    """A limit or budget with what decides whether another one encloses it."""

    path: Path
    policy: str
    name: str
    per: Scope
    models: Literal["all", "each"] | tuple[str, ...]
    spec: Spec


def never_binds(file: PolicyFile, scene: Scene) -> Complaints:
    own = list(_sized(file.policy))
    others = [one for other in always_with(file, scene) for one in _sized(other.policy)] if own else []
    for inner in own:
        for outer in (*own, *others):
            if outer is not inner and _makes_inert(outer, inner):
                where = "" if outer.policy == inner.policy else f" of policy '{outer.policy}'"
                message = f"never reached: '{outer.name}'{where} allows only {size(outer.spec)} per {outer.per}"
                yield inner.path, f"'{inner.name}' ({size(inner.spec)} per {inner.per}) is {message}"
                break


def nothing_fits(file: PolicyFile, scene: Scene) -> Complaints:
    cap = _largest_output(file.policy, scene)
    for one in _sized(file.policy):
        most = one.spec.burst if isinstance(one.spec, RateSpec) else one.spec.amount
        if cap is not None and one.spec.unit in _HOLDS_OUTPUT and most < cap:
            message = f"a request that asks for the {cap} output tokens it may ask for never fits into {most}"
            yield one.path, f"'{one.name}': {message}"


def money_without_price(file: PolicyFile, scene: Scene) -> Complaints:
    models = scene.known.models
    money = [name for name, budget in file.policy.budgets.items() if budget.unit == "usd"]
    if models is None or not money:
        return
    unpriced = [model.id for model in _usable(file.policy, models) if model.prices is None and not model.dated_prices]
    if unpriced:
        message = f"models without a price are refused to everyone it covers: {', '.join(unpriced)}"
        yield ("budgets", money[0]), f"'{money[0]}' counts money, and {message}"


def overflow(file: PolicyFile, _scene: Scene) -> Complaints:
    yield from overflows(file.policy)


def _sized(policy: Policy) -> Iterator[_Sized]:
    for name, limit in policy.limits.items():
        spec = limit_spec(limit, shadow=False)
        yield _Sized(("limits", name, "amount"), policy.id, name, limit.per, limit.models, spec)
    for name, budget in policy.budgets.items():
        yield _Sized(
            ("budgets", name, "amount"), policy.id, name, budget.per, budget.models, budget_spec(budget, shadow=False)
        )


def always_with(file: PolicyFile, scene: Scene) -> Iterator[PolicyFile]:
    """The other policies that cover everything that this one does, in the same mode and for everyone."""
    groups, policy = scene.once(_alike), file.policy
    for match in (None,) if policy.match is None else (None, policy.match):
        for other in groups.get((policy.effective_mode, match), ()):
            if other is not file:
                yield other


def _alike(scene: Scene) -> dict[tuple[Mode, Match | None], list[PolicyFile]]:
    """Policies without exceptions by mode and by whom they cover."""
    groups: dict[tuple[Mode, Match | None], list[PolicyFile]] = {}
    for file in scene.files:
        if not file.policy.exceptions:
            groups.setdefault((file.policy.effective_mode, file.policy.match), []).append(file)
    return groups


def _makes_inert(outer: _Sized, inner: _Sized) -> bool:
    if _RANK[outer.per] < _RANK[inner.per] or outer.models not in ("all", inner.models):
        return False
    if outer.spec.unit != inner.spec.unit and inner.spec.unit not in _PARTS.get(outer.spec.unit, ()):
        return False
    if not _stricter(outer.spec, inner.spec):
        return False
    # Twins would accuse each other: the first by name stays; two policies may well say the same.
    same = (outer.per, outer.models, outer.spec.unit) == (inner.per, inner.models, inner.spec.unit)
    twins = same and _stricter(inner.spec, outer.spec)
    return not twins or (outer.policy == inner.policy and outer.name < inner.name)


def _stricter(outer: Spec, inner: Spec) -> bool:
    """Whether use that `outer` allows can never reach `inner`, on counters of which one holds the other."""
    if isinstance(outer, SlotSpec) or isinstance(inner, SlotSpec):
        return isinstance(outer, SlotSpec) and isinstance(inner, SlotSpec) and outer.amount <= inner.amount
    if isinstance(outer, DistinctSpec) or isinstance(inner, DistinctSpec):
        if not (isinstance(outer, DistinctSpec) and isinstance(inner, DistinctSpec)):
            return False
        return outer.amount <= inner.amount and outer.window_s >= inner.window_s
    if isinstance(outer, RateSpec):
        if isinstance(inner, RateSpec):
            slower = outer.amount * inner.window_s <= inner.amount * outer.window_s
            return slower and outer.burst <= inner.burst
        longest = _LONGEST_S[inner.period]
        return (outer.burst * outer.window_s + outer.amount * longest) <= inner.amount * outer.window_s
    return isinstance(inner, BudgetSpec) and _smaller_budget(outer, inner)


def _smaller_budget(outer: BudgetSpec, inner: BudgetSpec) -> bool:
    if outer.zone != inner.zone:
        return False
    if outer.period is inner.period:
        return outer.anchor_day == inner.anchor_day and outer.amount <= inner.amount
    days = 31 if outer.period is Period.DAY else 1
    return outer.amount * days <= inner.amount


def _largest_output(policy: Policy, scene: Scene) -> int | None:
    """The largest output cap that the policy lets a caller ask for; None when it is not known."""
    if policy.access is not None and policy.access.max_output_tokens is not None:
        return policy.access.max_output_tokens
    outputs = [model.max_output for model in _usable(policy, scene.known.models or ())]
    return max(outputs, default=None)


def _usable(policy: Policy, models: tuple[Model, ...]) -> Iterator[Model]:
    """The models that the policy covers and lets callers use."""
    wanted = policy.match.model if policy.match is not None else None
    allowed = policy.access.models if policy.access is not None else None
    for model in models:
        if all(patterns is None or names_model(patterns, model) for patterns in (wanted, allowed)):
            yield model


LIMIT_RULES: Final = (
    Rule("P301", "limit is never reached", "error", never_binds),
    Rule("P302", "nothing fits", "warning", nothing_fits),
    Rule("P303", "money without a price", "warning", money_without_price),
    Rule("P304", "too large to count", "error", overflow),
)
