"""What the archive says of every request of one plan alike: names as records write them, counters and histograms.

It is worked out with the first of them.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.core.account import Account
from gateway.core.model import Model
from gateway.core.units import Unit
from gateway.engine.spec import RateSpec, Spec
from gateway.observe.counters import Counter
from gateway.observe.metrics import Metrics
from gateway.observe.records import clean_text
from gateway.policy.plan import Plan

MOST: Final = 8192
"""Plans that are remembered, as many as a set of policies keeps; the one that came first makes room."""
_NAMES_A_PROMPT: Final = (Unit.DISTINCT_PROMPTS, Unit.UNIQUE_OUTPUT_TOKENS)


class PlanLimit(NamedTuple):
    """A limit of a plan: as records write it, and who is told how full it is."""

    policy: str
    name: str
    unit: str
    counted: Unit
    mode: str
    size: int
    fills: Callable[[float], None]


@dataclass(slots=True, eq=False)
class PerPlan:
    """Of one plan, and of the account and the model that it was made for."""

    plan: Plan
    account: Account
    model: Model
    generation: int
    """That of the metrics: what was bound before their labels changed is void."""
    account_id: str
    org: str
    tier: str
    model_id: str
    named: tuple[int, ...]
    """Which limits count in amounts that name a prompt, and must be translated."""
    limits: tuple[PlanLimit, ...] | None = None
    """Those of the plan, in its order."""
    allowed: tuple[Counter, ...] | None = None
    """One for each policy. Bound with the first request that it let pass, as limits are with the first that touched
    them: a series begins when it counts."""


class Plans:
    """All that is remembered of plans, by identity: while one is in here no other object can have its id."""

    __slots__ = ("_known", "_metrics")

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._known: OrderedDict[int, PerPlan] = OrderedDict()

    def of(self, plan: Plan, account: Account, model: Model) -> PerPlan:
        """The same again for each request of this account, until it, the model, its policies or the metrics change."""
        known = self._known.get(id(plan))
        if (
            known is None
            or known.generation != self._metrics.generation
            or known.account is not account
            or known.model is not model
        ):
            known = self._learn(plan, account, model)
        return known

    def _learn(self, plan: Plan, account: Account, model: Model) -> PerPlan:
        generation = self._metrics.generation
        if self._known and next(iter(self._known.values())).generation != generation:
            self._known.clear()  # a reload: its old plans need not be kept alive
        made = self._known[id(plan)] = PerPlan(
            plan,
            account,
            model,
            generation,
            clean_text(account.id),
            clean_text(account.org),
            clean_text(account.tier),
            clean_text(model.id),
            tuple(index for index, limit in enumerate(plan.limits) if limit.spec.unit in _NAMES_A_PROMPT),
        )
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return made

    def allowed(self, per: PerPlan) -> tuple[Counter, ...]:
        """The counters of its policies' consent."""
        if per.allowed is None:
            per.allowed = tuple(self._metrics.allowed(policy, mode) for policy, mode in per.plan.policies)
        return per.allowed

    def limits(self, per: PerPlan) -> tuple[PlanLimit, ...]:
        """What is said of its limits."""
        if per.limits is None:
            per.limits = tuple(
                PlanLimit(
                    clean_text(limit.policy_id),
                    clean_text(limit.name),
                    limit.spec.unit.value,
                    limit.spec.unit,
                    limit.mode,
                    _size(limit.spec),
                    self._metrics.saturation(limit.policy_id, limit.name).observe,
                )
                for limit in per.plan.limits
            )
        return per.limits


def _size(spec: Spec) -> int:
    return spec.burst if isinstance(spec, RateSpec) else spec.amount
