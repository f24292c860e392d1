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
from gateway.engine.place import Place
from gateway.engine.reservation import Reservation
from gateway.engine.slots import Slots
from gateway.engine.spec import Spec
from gateway.engine.states import States, state_key
from gateway.engine.verdict import Reading

MOST: Final = 2048
"""Tuples that are remembered; the one that came first makes room."""
MOST_SEEN: Final = 1 << 16
"""Tuples of which it is known when they were asked for last."""


class Bound:
    """One tuple of limits and where they are charged, by kind and with the limit's index.

    It is right for one version of the states, from one instant to another.
    """

    __slots__ = ("from_ms", "news", "places", "rates", "readings", "rows", "slots", "specs", "until_ms", "version")

    def __init__(self, specs: Sequence[Spec]) -> None:
        self.specs = specs
        self.version = -1
        self.from_ms = self.until_ms = 0

    def look_up(self, states: States, now_ms: int) -> None:
        """Raises ValueError where two limits share a place, TypeError where one has another one's key."""
        places = [states.place(state_key(spec), spec, now_ms) for spec in self.specs]
        _check_places(places, self.specs)
        # A list of its own each time: the reservations of an earlier period keep theirs.
        self.places = list(zip(places, self.specs, strict=True))
        self.readings = [Reading(spec, 0, 0) for spec in self.specs]
        self._sort()
        self.from_ms = max((row.start_ms for _, row, _, _ in self.rows), default=0)
        self.until_ms = min((row.end_ms for _, row, _, _ in self.rows), default=UNBOUNDED)
        self.version = states.version

    def _sort(self) -> None:
        self.slots: list[tuple[int, Slots, Spec]] = []
        self.rates: list[tuple[int, Bucket, Spec, Unit]] = []
        self.rows: list[tuple[int, Row, Spec, Unit]] = []
        self.news: list[tuple[int, Distinct, Spec, Unit]] = []
        for index, (place, spec) in enumerate(self.places):
            if isinstance(place, Slots):
                self.slots.append((index, place, spec))
            elif isinstance(place, Bucket):
                self.rates.append((index, place, spec, spec.unit))
            elif isinstance(place, Row):
                self.rows.append((index, place, spec, spec.unit))
            else:
                self.news.append((index, place, spec, spec.unit))

    def fits(self, amounts: Amounts, now_ms: int) -> bool:
        """Whether all of it fits. Raises ValueError for less than nothing."""
        _check_amounts(amounts)
        for _, slots, _ in self.slots:
            if slots.fit(1, now_ms) != 0:
                return False
        for _, bucket, _, unit in self.rates:
            if bucket.fit(amounts.get(unit, 0), now_ms) != 0:
                return False
        for _, row, _, unit in self.rows:
            if row.fit(amounts.get(unit, 0), now_ms) != 0:
                return False
        for _, new, _, unit in self.news:  # noqa: SIM110 - all four alike, and no generator
            if new.fit(amounts.get(unit, 0), now_ms) != 0:
                return False
        return True

    def take(self, amounts: Amounts, now_ms: int, owner: Reservation) -> tuple[Reading, ...]:
        """Take all of it, right after `fits` at the same time, and say where the limits stand then."""
        owner.hold_all(self, amounts)
        readings = self.readings  # written anew each time, every one of them
        for index, slots, spec in self.slots:
            readings[index] = slots.charge(1, now_ms, owner, spec)
        for index, bucket, spec, unit in self.rates:
            readings[index] = bucket.charge(amounts.get(unit, 0), now_ms, owner, spec)
        for index, row, spec, unit in self.rows:
            readings[index] = row.charge(amounts.get(unit, 0), now_ms, owner, spec)
        for index, new, spec, unit in self.news:
            readings[index] = new.charge(amounts.get(unit, 0), now_ms, owner, spec)
        return tuple(readings)

    def settle(self, actual: Amounts, now_ms: int, owner: Reservation) -> bool:
        """Settle a reservation that holds what was taken here, while the states' version is the same. Whether debt was
        forgiven.
        """
        reserved, forgiven = owner.amounts, False
        for _, slots, _ in self.slots:
            slots.settle(1, 0, now_ms, owner)
        for _, bucket, _, unit in self.rates:
            if bucket.settle(reserved.get(unit, 0), actual.get(unit, 0), now_ms, owner):
                forgiven = True
        for index, _, _, unit in self.rows:
            row = owner.places[index][0]  # of the period in which it was reserved
            row.settle(reserved.get(unit, 0), actual.get(unit, 0), now_ms, owner)
        for _, new, _, unit in self.news:
            new.settle(reserved.get(unit, 0), actual.get(unit, 0), now_ms, owner)
        return forgiven


def looked_up(states: States, specs: Sequence[Spec], amounts: Amounts, now_ms: int) -> list[tuple[Place, Spec]]:
    """Where each limit is charged for one request, and nothing kept for the next. Raises what `Bound` raises."""
    _check_amounts(amounts)
    places = [states.place(state_key(spec), spec, now_ms) for spec in specs]
    _check_places(places, specs)
    return [*zip(places, specs, strict=True)]


def _check_amounts(amounts: Amounts) -> None:
    for amount in amounts.values():
        if amount < 0:
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
