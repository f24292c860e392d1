"""The places of a request's limits, looked up once for each tuple of limits and kept while that is true.

An account's requests come with the same tuple again and again. What was found for it holds until a state is dropped or
has another limit, or a budget's period ends; then it is looked up anew. Tuples are not compared: it is the same object,
or it is another one.

The loops here go over one kind of place at a time. The interpreter knows after a few rounds which method such a call
means; in one loop over all kinds it has to find out each time, which costs more than most of these methods.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from gateway.core.units import Amounts, Unit
from gateway.engine.bucket import Bucket
from gateway.engine.budget import UNBOUNDED, Row
from gateway.engine.distinct import Distinct
from gateway.engine.place import Hold, Place
from gateway.engine.reservation import Reservation
from gateway.engine.slots import Slots
from gateway.engine.spec import Spec
from gateway.engine.states import States, state_key
from gateway.engine.verdict import Reading

_CONCURRENT: Final = Unit.CONCURRENT
MOST: Final = 2048
"""Tuples that are remembered; the one that came first makes room."""
MOST_SEEN: Final = 1 << 16
"""Tuples of which it is known when they were asked for last."""


class Bound:
    """One tuple of limits and where they are charged, by kind and with the limit's index.

    It is right for one version of the states, from one instant to another.
    """

    __slots__ = ("from_ms", "holds", "news", "rates", "readings", "rows", "slots", "specs", "until_ms", "version")

    def __init__(self, specs: Sequence[Spec]) -> None:
        self.specs = specs
        self.version = -1
        self.from_ms = self.until_ms = 0

    def look_up(self, states: States, now_ms: int) -> None:
        """Raises ValueError where two limits share a place, TypeError where one has another one's key."""
        places = [states.place(state_key(spec), spec, now_ms) for spec in self.specs]
        _check_places(places, self.specs)
        # Slots hold 1, whatever is asked; the others' amounts are filled in by each request.
        self.holds: list[Hold] = [(place, spec, 1) for place, spec in zip(places, self.specs, strict=True)]
        self.readings = [Reading(spec, 0, 0) for spec in self.specs]
        self._sort(places)
        self.from_ms = max((row.start_ms for _, row, _ in self.rows), default=0)
        self.until_ms = min((row.end_ms for _, row, _ in self.rows), default=UNBOUNDED)
        self.version = states.version

    def _sort(self, places: Sequence[Place]) -> None:
        self.slots: list[tuple[int, Slots, Spec]] = []
        self.rates: list[tuple[int, Bucket, Spec]] = []
        self.rows: list[tuple[int, Row, Spec]] = []
        self.news: list[tuple[int, Distinct, Spec]] = []
        for index, (place, spec) in enumerate(zip(places, self.specs, strict=True)):
            if isinstance(place, Slots):
                self.slots.append((index, place, spec))
            elif isinstance(place, Bucket):
                self.rates.append((index, place, spec))
            elif isinstance(place, Row):
                self.rows.append((index, place, spec))
            else:
                self.news.append((index, place, spec))

    def ask(self, amounts: Amounts, now_ms: int) -> tuple[list[Hold], bool]:
        """What each limit is to hold, in their order, and whether all of it fits. Raises ValueError for less than
        nothing.
        """
        _check_amounts(amounts)
        holds, get, fits = self.holds.copy(), amounts.get, True
        for _, slots, _ in self.slots:
            if slots.fit(1, now_ms) != 0:
                fits = False
        for index, bucket, spec in self.rates:
            amount = get(spec.unit, 0)
            holds[index] = bucket, spec, amount
            if bucket.fit(amount, now_ms) != 0:
                fits = False
        for index, row, spec in self.rows:
            amount = get(spec.unit, 0)
            holds[index] = row, spec, amount
            if row.fit(amount, now_ms) != 0:
                fits = False
        for index, new, spec in self.news:
            amount = get(spec.unit, 0)
            holds[index] = new, spec, amount
            if new.fit(amount, now_ms) != 0:
                fits = False
        return holds, fits

    def take(self, holds: Sequence[Hold], now_ms: int, owner: Reservation) -> tuple[Reading, ...]:
        """Take all of it, right after `ask` at the same time, and say where the limits stand then."""
        readings = self.readings  # written anew each time, every one of them
        for index, slots, spec in self.slots:
            slots.take(1, now_ms, owner)
            readings[index] = slots.reading(spec, now_ms, 0)
        for index, bucket, spec in self.rates:
            bucket.take(holds[index][2], now_ms, owner)
            readings[index] = bucket.reading(spec, now_ms, 0)
        for index, row, spec in self.rows:
            row.take(holds[index][2], now_ms, owner)
            readings[index] = row.reading(spec, now_ms, 0)
        for index, new, spec in self.news:
            new.take(holds[index][2], now_ms, owner)
            readings[index] = new.reading(spec, now_ms, 0)
        return tuple(readings)

    def settle(self, actual: Amounts, now_ms: int, owner: Reservation) -> bool:
        """Settle a reservation whose holds are those of `ask`, while the states' version is the same. Whether debt was
        forgiven.
        """
        holds, get, forgiven = owner.holds, actual.get, False
        for _, slots, _ in self.slots:
            slots.settle(1, 0, now_ms, owner)
        for index, bucket, spec in self.rates:
            if bucket.settle(holds[index][2], get(spec.unit, 0), now_ms, owner):
                forgiven = True
        for index, _, spec in self.rows:
            row, _, reserved = holds[index]  # of the period in which it was reserved
            row.settle(reserved, get(spec.unit, 0), now_ms, owner)
        for index, new, spec in self.news:
            new.settle(holds[index][2], get(spec.unit, 0), now_ms, owner)
        return forgiven


def looked_up(states: States, specs: Sequence[Spec], amounts: Amounts, now_ms: int) -> list[Hold]:
    """What each limit is to hold of one request, and nothing kept for the next. Raises what `Bound` raises."""
    _check_amounts(amounts)
    get = amounts.get
    holds: list[Hold] = [
        (states.place(state_key(spec), spec, now_ms), spec, 1 if spec.unit is _CONCURRENT else get(spec.unit, 0))
        for spec in specs
    ]
    _check_places([hold[0] for hold in holds], specs)
    return holds


def _check_amounts(amounts: Amounts) -> None:
    if amounts and min(amounts.values()) < 0:
        raise ValueError(f"cannot reserve less than nothing: {dict(amounts)}")


def _check_places(places: Sequence[Place], specs: Sequence[Spec]) -> None:
    if len(set(places)) != len(places):
        raise ValueError("two limits of one request share a key: " + ", ".join(spec.key for spec in specs))


class Bindings:
    """All that are remembered of one ledger."""

    __slots__ = ("_by_id", "_seen", "_states")

    def __init__(self, states: States) -> None:
        self._states = states
        self._seen: dict[int, int] = {}
        """Under which version of the states limits were asked for last. A hint: their id may be others' by now."""
        # By identity: while a tuple is in here no other object can have its id.
        self._by_id: OrderedDict[int, Bound] = OrderedDict()

    def ask(self, specs: Sequence[Spec], amounts: Amounts, now_ms: int) -> tuple[Bound | None, list[Hold], bool]:
        """What each limit is to hold, and whether all of it surely fits; the `Bound` that can take it, if there is one.

        Raises what `Bound` raises.
        """
        if not self.pays(specs):
            return None, looked_up(self._states, specs, amounts, now_ms), False
        bound = self.of(specs, now_ms)
        return bound, *bound.ask(amounts, now_ms)

    def pays(self, specs: Sequence[Spec]) -> bool:
        """Whether places that are looked up now are likely to serve again: these limits were asked for before, and no
        state was dropped since. Where thousands of accounts come and go that is seldom true, and keeping costs more
        than it saves.
        """
        version = self._states.version
        if self._seen.get(id(specs)) == version:
            return True
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen[id(specs)] = version
        return False

    def of(self, specs: Sequence[Spec], now_ms: int) -> Bound:
        """Where each of `specs` is charged at `now_ms`."""
        bound = self._by_id.get(id(specs))
        if bound is None:
            bound = Bound(specs)
            if type(specs) is tuple:
                self._by_id[id(specs)] = bound
                if len(self._by_id) > MOST:
                    self._by_id.popitem(last=False)
        if bound.version != self._states.version or not bound.from_ms <= now_ms < bound.until_ms:
            bound.look_up(self._states, now_ms)
        return bound
