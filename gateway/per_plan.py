"""What the archive says of every request of one plan alike, worked out with the first of them."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from gateway.core.account import Account
from gateway.core.model import Model
from gateway.limit_sheet import LimitSheet, SheetLimit, sheet_limit
from gateway.observe.batch_counts import Answered
from gateway.observe.metrics import Metrics
from gateway.observe.record_values import clean_name
from gateway.policy.compiled import Mode
from gateway.policy.plan import Plan

MOST: Final = 8192
"""Plans that are remembered, as many as a set of policies keeps; the one that came first makes room."""
Kind = tuple[str, bool, str]
"""Route, whether it streams, upstream."""


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """Requests whose answers count as the same."""

    kind: Kind
    model: str
    policies: tuple[tuple[str, Mode], ...]

    def count(self, metrics: Metrics, answers: list[Answered]) -> None:
        """Complete answers to requests that no policy refused."""
        route, stream, upstream = self.kind
        metrics.answered(route, self.model, upstream, stream=stream, answers=answers)
        metrics.allowed(self.policies, len(answers))


@dataclass(slots=True, eq=False)
class PerPlan:
    """Of one plan, and of the account and the model that it was made for. Names are as records write them."""

    plan: Plan
    account: Account
    model: Model
    account_id: str
    org: str
    tier: str
    model_id: str
    sheet: LimitSheet
    alike: dict[Kind, Alike] = field(default_factory=dict)


class Plans:
    """All that is remembered of plans, by identity: while one is in here no other object can have its id.

    Sheets and kinds are those of many plans: of all accounts of a tier.
    """

    __slots__ = ("_alike", "_generation", "_known", "_metrics", "_sheets")

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._generation = metrics.generation
        self._known: OrderedDict[int, PerPlan] = OrderedDict()
        self._sheets: dict[tuple[SheetLimit, ...], LimitSheet] = {}
        self._alike: dict[tuple[Kind, str, tuple[tuple[str, Mode], ...]], Alike] = {}

    def of(self, plan: Plan, account: Account, model: Model) -> PerPlan:
        """The same again for each request of this account, until it, the model or its policies change."""
        known = self._known.get(id(plan))
        if known is None or known.account is not account or known.model is not model:
            known = self._learn(plan, account, model)
        return known

    def alike(self, per: PerPlan, kind: Kind) -> Alike:
        """What its answers of this kind are counted with."""
        found = per.alike.get(kind)
        if found is None:
            key = (kind, per.model.id, per.plan.policies)
            if len(self._alike) >= MOST:
                self._alike.clear()
            found = per.alike[kind] = self._alike.setdefault(key, Alike(*key))
        return found

    def _learn(self, plan: Plan, account: Account, model: Model) -> PerPlan:
        if self._generation != self._metrics.generation:
            self._generation = self._metrics.generation
            for old in (self._known, self._sheets, self._alike):
                old.clear()  # a reload: its old plans need not be kept alive
        limits = tuple(map(sheet_limit, plan.limits))
        if len(self._sheets) >= MOST:
            self._sheets.clear()
        made = self._known[id(plan)] = PerPlan(
            plan,
            account,
            model,
            clean_name(account.id),
            clean_name(account.org),
            clean_name(account.tier),
            clean_name(model.id),
            self._sheets.setdefault(limits, LimitSheet(limits)),
        )
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return made
