"""Calendar budgets: integer counters, one row per period, settled into the period of the reservation."""

from typing import Final

from gateway.engine.calendar import span_at
from gateway.engine.reservation import Reservation
from gateway.engine.spec import BudgetSpec, Spec
from gateway.engine.verdict import Reading

UNBOUNDED = 1 << 62
KEEP_MS: Final = 86_400_000
"""How long an ended period is kept: a clock that steps back over midnight finds its counter again."""


class Row:
    """The counter of one period. `ceiling` is what a durable store has committed to at least; see stores/sqlite.py."""

    __slots__ = ("block", "budget", "ceiling", "end_ms", "gone", "held", "label", "opening", "start_ms", "used")

    def __init__(self, budget: "Budget", label: str, start_ms: int, end_ms: int) -> None:
        self.budget = budget
        self.label = label
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.used = 0
        self.held = 0
        self.opening = 0
        """What it started with (carried over, promoted, recovered), until a journal has written that down."""
        self.ceiling = budget.ceiling
        self.block = 0
        self.gone = False

    @property
    def key(self) -> str:
        return self.budget.key

    def droppable(self, now_ms: int) -> bool:
        """It holds nothing, and is empty or long over."""
        return not self.held and (not self.used or self.end_ms + KEEP_MS <= now_ms)

    @property
    def empty(self) -> bool:
        return not (self.used or self.held)

    def fit(self, amount: int, now_ms: int) -> int | None:
        """0 if `amount` fits, else the milliseconds to the end of the period, None if it never will."""
        size = self.budget.spec.amount
        if self.used + self.held + amount <= size or amount == 0:
            return 0
        return None if amount > size else max(1, self.end_ms - now_ms)

    def take(self, amount: int, _now_ms: int, _owner: Reservation) -> None:
        self.held += amount

    def charge(self, amount: int, now_ms: int, _owner: Reservation, spec: Spec) -> Reading:
        """`take`, then `reading`."""
        held = self.held = self.held + amount
        return Reading(spec, self.budget.spec.amount - self.used - held, max(0, self.end_ms - now_ms))

    def settle(self, reserved: int, actual: int, _now_ms: int, _owner: Reservation) -> bool:
        """Replace a hold by what was used; more than was reserved is debited without asking."""
        self.held -= reserved
        self.used += actual
        return False

    def correct(self, committed: int, actual: int, _since: int, _now_ms: int) -> None:
        """A settle that came after expiry had committed `committed`."""
        self.used += actual - committed

    def reading(self, spec: Spec, now_ms: int, wait_ms: int | None) -> Reading:
        return Reading(spec, self.budget.spec.amount - self.used - self.held, max(0, self.end_ms - now_ms), wait_ms)


class Budget:
    """All live rows of one key. `ceiling` is what a new row starts with: unbounded where nothing is durable."""

    __slots__ = ("ceiling", "current", "gone", "key", "rows", "spec")

    def __init__(self, key: str, spec: BudgetSpec, ceiling: int = UNBOUNDED) -> None:
        self.key = key
        self.spec = spec
        self.ceiling = ceiling
        self.rows: dict[str, Row] = {}
        self.current: Row | None = None
        self.gone = False

    def place(self, spec: Spec, now_ms: int) -> Row:
        """The row of the period that contains `now_ms`, made if it is new."""
        row = self.current
        if row is not None and row.start_ms <= now_ms < row.end_ms and (spec is self.spec or spec == self.spec):
            return row
        if not isinstance(spec, BudgetSpec):
            raise TypeError(f"limit {self.key!r} is a budget; {spec!r} must have another key")
        before = row
        label, start, end = span_at(now_ms, spec.period, spec.zone, spec.anchor_day)
        self.spec = spec
        row = self.rows.get(label)
        if row is None:
            row = self.rows[label] = Row(self, label, start, end)
        if row.empty:  # which is the same as none, and may have been dropped
            row.used = row.opening = _carried(before, start, now_ms)
        row.start_ms, row.end_ms = start, end
        self.current = row
        return row

    def peek(self, spec: Spec, now_ms: int) -> Reading:
        """What `place` and `reading` would say, without making a row."""
        if not isinstance(spec, BudgetSpec):
            raise TypeError(f"limit {self.key!r} is a budget; {spec!r} must have another key")
        label, start, end = span_at(now_ms, spec.period, spec.zone, spec.anchor_day)
        row = self.rows.get(label)
        used = _carried(self.current, start, now_ms) if row is None or row.empty else row.used + row.held
        return Reading(spec, spec.amount - used, max(0, end - now_ms), 0)

    def promoted(self, key: str, spec: BudgetSpec, now_ms: int, ceiling: int) -> "Budget":
        """An enforced budget that starts where this shadow is, at most used up."""
        twin = Budget(key, spec, ceiling)
        label = span_at(now_ms, spec.period, spec.zone, spec.anchor_day).label
        row = self.rows.get(label)
        if row is not None:
            own = twin.place(spec, now_ms)
            own.used = own.opening = min(row.used + row.held, spec.amount)
        return twin

    def prune(self, now_ms: int) -> list[Row]:
        """Forget rows that hold nothing and are long over, or empty; returns them."""
        old = [row for row in self.rows.values() if row.droppable(now_ms)]
        for row in old:
            row.gone = True
            del self.rows[row.label]
            if row is self.current:
                self.current = None
        return old

    def idle(self, now_ms: int) -> bool:
        """No row worth keeping: the same as no state at all."""
        return all(row.droppable(now_ms) for row in self.rows.values())


def _carried(before: Row | None, start_ms: int, now_ms: int) -> int:
    """What a new row starts with when the calendar itself changed.

    If the new period began before the one in use, everything counted there happened within the new one too. Usage
    is never carried forward, so a calendar that changes often cannot pile it up.
    """
    if before is not None and start_ms < before.start_ms <= now_ms < before.end_ms:
        return before.used + before.held
    return 0
