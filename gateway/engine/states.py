"""All limit states by key: made on first use, started from their shadow on promotion, forgotten when idle."""

from collections import deque

from gateway.engine.bucket import Bucket
from gateway.engine.budget import UNBOUNDED, Budget, Row
from gateway.engine.distinct import Distinct
from gateway.engine.place import Place
from gateway.engine.slots import Slots
from gateway.engine.spec import BudgetSpec, DistinctSpec, RateSpec, Spec
from gateway.engine.verdict import Reading

State = Bucket | Budget | Slots | Distinct
AUDIT = "|audit"
"""A limit in audit mode keeps its state under its key with this suffix."""


def state_key(spec: Spec) -> str:
    return spec.key + AUDIT if spec.shadow else spec.key


class States:
    """The dictionary of states, bounded: whatever equals no state is dropped a few keys at a time.

    `dropped` collects what went, for a journal; it stays None where nobody keeps one.
    """

    __slots__ = ("_queue", "by_key", "ceiling", "dropped", "owed")

    def __init__(self, ceiling: int = UNBOUNDED) -> None:
        self.by_key: dict[str, State] = {}
        self.ceiling = ceiling
        self.owed = 0
        self.dropped: list[tuple[str, str]] | None = None
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
        return state.place(spec, now_ms)

    def revive(self, place: Place) -> Place:
        """What stands for a place dropped as idle, to which a reservation of nothing still points."""
        state = self.by_key.get(place.key)
        if not isinstance(place, Row):
            if type(state) is type(place):
                return state
            self.add(place)
            return place
        budget = state if isinstance(state, Budget) else place.budget
        if budget is not state:
            self.add(budget)
        row = budget.rows.setdefault(place.label, place)
        row.budget, row.gone = budget, False
        return row

    def add(self, state: State) -> None:
        state.gone = False
        self.by_key[state.key] = state
        self._queue.append(state.key)

    def make(self, key: str, spec: Spec, now_ms: int) -> State:
        """A new state for `spec`, not added yet."""
        shadow = None if spec.shadow else self.by_key.get(key + AUDIT)
        if isinstance(spec, RateSpec):
            return shadow.promoted(key, spec, now_ms) if isinstance(shadow, Bucket) else Bucket(key, spec, now_ms)
        if isinstance(spec, BudgetSpec):
            if isinstance(shadow, Budget):
                return shadow.promoted(key, spec, now_ms, self.ceiling)
            return Budget(key, spec, UNBOUNDED if spec.shadow else self.ceiling)
        if isinstance(spec, DistinctSpec):
            return shadow.copy(key) if isinstance(shadow, Distinct) else Distinct(key, spec)
        # Leases that a shadow counts end with their streams; an enforced limit starts empty.
        return Slots(key, spec)

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
                    self._note(key, row.label)
            if state.idle(now_ms):
                state.gone = True
                del self.by_key[key]
                self._note(key, "")
            else:
                queue.append(key)

    def _note(self, key: str, label: str) -> None:
        if self.dropped is not None:
            self.dropped.append((key, label))
