"""All limit states by key: made on first use, started from their shadow on promotion, forgotten when idle."""

from collections import deque
from typing import Final, NamedTuple

from gateway.engine.bucket import Bucket
from gateway.engine.budget import KEEP_MS, UNBOUNDED, Budget, Row
from gateway.engine.calendar import span_at
from gateway.engine.distinct import Distinct
from gateway.engine.place import Place
from gateway.engine.reservation import Reservation
from gateway.engine.slots import Slots
from gateway.engine.spec import BudgetSpec, DistinctSpec, RateSpec, Spec
from gateway.engine.verdict import Reading

State = Bucket | Budget | Slots | Distinct
AUDIT: Final = "|audit"
"""A limit in audit mode keeps its state under its key with this suffix."""


def state_key(spec: Spec) -> str:
    return spec.key + AUDIT if spec.shadow else spec.key


class Dropped(NamedTuple):
    """A state that is no more, or one period of it; `used` is what a budget had counted there."""

    key: str
    label: str
    used: int
    at_ms: int


class States:
    """The dictionary of states, bounded: whatever equals no state is dropped a few keys at a time.

    `dropped` collects what went, for a journal; it stays None where nobody keeps one. `version` is another one whenever
    a place that somebody remembers may not be the right one any more.
    """

    __slots__ = ("_queue", "by_key", "ceiling", "dropped", "owed", "version")

    def __init__(self, ceiling: int = UNBOUNDED) -> None:
        self.by_key: dict[str, State] = {}
        self.ceiling = ceiling
        self.owed = self.version = 0
        self.dropped: list[Dropped] | None = None
        self._queue: deque[str] = deque()

    def place(self, key: str, spec: Spec, now_ms: int) -> Place:
        """Where `spec` is charged at `now_ms`."""
        state = self.by_key.get(key)
        if state is None:
            state = self.make(key, spec, now_ms)
            self.add(state)
            # Two looked at for each one made: the dictionary shrinks whenever most of it is idle. Not now, though,
            # since a caller between `fit` and `take` relies on its states staying.
            self.owed += 2
        before = state.spec
        place = state.place(spec, now_ms)
        if state.spec is not before:
            self.version += 1
        return place

    def present(self, reservation: Reservation, now_ms: int) -> None:
        """Make sure that every place of a reservation is one that is still looked at."""
        for hold in reservation.holds:
            if hold[0].gone:
                reservation.holds = [
                    (self.revive(p, spec, now_ms) if p.gone else p, spec, n) for p, spec, n in reservation.holds
                ]
                return

    def revive(self, place: Place, spec: Spec, now_ms: int) -> Place:
        """What stands for a place dropped as idle, to which a reservation of nothing or a late settle still points.

        If there is nothing under its key any more, it is what the reservation's limit makes new.
        """
        state = self.by_key.get(place.key)
        if isinstance(place, Row) and isinstance(spec, BudgetSpec):
            return self._revived_row(place, spec, state, now_ms)
        if type(state) is not type(place):
            state = self._new(place.key, spec, now_ms)
            self.add(state)
        assert not isinstance(state, Budget | None)
        return state

    def _revived_row(self, place: Row, spec: BudgetSpec, state: State | None, now_ms: int) -> Row:
        """The row of a period; one too long over to be looked at again is made for this call only."""
        row = state.rows.get(place.label) if isinstance(state, Budget) else None
        if row is not None:
            return row
        start_ms, end_ms = _own_span(place, spec)
        if end_ms + KEEP_MS <= now_ms:
            row = Row(Budget(place.key, spec), place.label, start_ms, end_ms)
            row.gone = True
            return row
        if not isinstance(state, Budget):
            state = Budget(place.key, spec, UNBOUNDED if spec.shadow else self.ceiling)
            self.add(state)
        row = state.rows[place.label] = Row(state, place.label, start_ms, end_ms)
        return row

    def add(self, state: State) -> None:
        if state.key in self.by_key:  # of another kind, after a late settle
            self.version += 1
        state.gone = False
        self.by_key[state.key] = state
        self._queue.append(state.key)

    def make(self, key: str, spec: Spec, now_ms: int) -> State:
        """A new state for `spec`, not added yet."""
        shadow = None if spec.shadow else self._shadow(key, now_ms)
        if isinstance(spec, RateSpec):
            return shadow.promoted(key, spec, now_ms) if isinstance(shadow, Bucket) else self._new(key, spec, now_ms)
        if isinstance(spec, BudgetSpec) and isinstance(shadow, Budget):
            return shadow.promoted(key, spec, now_ms, self.ceiling)
        if isinstance(spec, DistinctSpec) and isinstance(shadow, Distinct):
            return shadow.copy(key)
        # Leases that a shadow counts end with their streams; an enforced limit starts empty.
        return self._new(key, spec, now_ms)

    def _shadow(self, key: str, now_ms: int) -> State | None:
        """The state that audit mode keeps under this key; an idle one is the same as none."""
        shadow = self.by_key.get(key + AUDIT)
        return None if shadow is None or shadow.idle(now_ms) else shadow

    def _new(self, key: str, spec: Spec, now_ms: int) -> State:
        if isinstance(spec, RateSpec):
            return Bucket(key, spec, now_ms)
        if isinstance(spec, BudgetSpec):
            return Budget(key, spec, UNBOUNDED if spec.shadow else self.ceiling)
        return Distinct(key, spec) if isinstance(spec, DistinctSpec) else Slots(key, spec)

    def peek(self, spec: Spec, now_ms: int) -> Reading:
        key = state_key(spec)
        state = self.by_key.get(key) or self.make(key, spec, now_ms)
        return state.peek(spec, now_ms)

    def sweep(self, now_ms: int, at_most: int) -> None:
        """Look at the `at_most` states not looked at for longest and drop the idle ones."""
        self.owed = 0
        queue = self._queue
        for _ in range(min(at_most, len(queue))):
            key = queue.popleft()
            state = self.by_key[key]
            if isinstance(state, Budget):
                for row in state.prune(now_ms):
                    self.version += 1
                    self._note(Dropped(key, row.label, row.used - row.opening, now_ms))
            elif isinstance(state, Distinct):
                state.forget(now_ms)
            # Made again beside its shadow, a limit would start as the shadow stands: only a promotion may do that.
            if state.idle(now_ms) and self._shadow(key, now_ms) is None:
                state.gone = True
                self.version += 1
                del self.by_key[key]
                self._note(Dropped(key, "", 0, now_ms))
            else:
                queue.append(key)

    def _note(self, dropped: Dropped) -> None:
        if self.dropped is not None:
            self.dropped.append(dropped)


def _own_span(place: Row, spec: BudgetSpec) -> tuple[int, int]:
    """A period as the reservation's limit has it: another limit on the counter may have moved the row to its zone."""
    span = span_at((place.start_ms + place.end_ms) // 2, spec.period, spec.zone, spec.anchor_day)
    return (span.start_ms, span.end_ms) if span.label == place.label else (place.start_ms, place.end_ms)
