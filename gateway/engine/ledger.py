"""The ledger: reserve, top up, settle, renew and expire over any number of limits, all or nothing.

Pure: time is an argument, there is no I/O. A durable store listens through a Recorder.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from gateway.core.ports import Events, NoEvents
from gateway.core.units import Amounts, Unit
from gateway.engine.bound import Bindings, looked_up
from gateway.engine.bucket import Bucket
from gateway.engine.budget import UNBOUNDED, Row
from gateway.engine.expiries import Expiries
from gateway.engine.place import Hold, Place, answer
from gateway.engine.recorder import Recorder
from gateway.engine.reservation import Reservation, holds_of
from gateway.engine.spec import Spec
from gateway.engine.states import States
from gateway.engine.tombstones import Commit, Tombstones
from gateway.engine.verdict import Held, Reading, Verdict

SWEEP: Final = 8
"""Expired reservations ended per call: a bound on what one caller pays for others."""
RENEW_SWEEP: Final = 64


class Ledger:
    """The state machine. One caller at a time; `ceiling` is what a new budget row may spend before it is durable."""

    __slots__ = ("_bindings", "_events", "_expiries", "_live", "_recorder", "_tombstones", "states")

    def __init__(
        self, events: Events | None = None, recorder: Recorder | None = None, ceiling: int = UNBOUNDED
    ) -> None:
        self.states = States(ceiling)
        self._bindings = Bindings(self.states)
        self._events = events or NoEvents()
        self._recorder = recorder
        self._live: dict[str, Reservation] = {}
        self._expiries = Expiries()
        self._tombstones = Tombstones()

    def reserve(  # noqa: PLR0917 - the contract's order plus the time
        self,
        reservation_id: str,
        specs: Sequence[Spec],
        amounts: Amounts,
        on_expiry: Amounts,
        ttl_ms: int,
        now_ms: int,
    ) -> Verdict:
        """Take `amounts` from every spec or from none; see Store.reserve. An id that has ended is a ValueError."""
        known = self._live.get(reservation_id)
        if known is not None and known.verdict is not None:
            return known.verdict
        if known is not None or reservation_id in self._tombstones:
            raise ValueError(f"reservation {reservation_id!r} is of the past; ids are used once")
        self._tidy(now_ms, SWEEP)
        bindings = self._bindings
        bound = bindings.of(specs, now_ms) if bindings.pays(specs) else None
        reservation = Reservation(reservation_id, [], on_expiry, now_ms, now_ms + ttl_ms)
        if bound is not None and bound.fits(amounts, now_ms):
            if self._recorder is not None:
                self._announce(self._recorder, holds_of(bound.places, amounts))
            verdict = Verdict(True, bound.take(amounts, now_ms, reservation))
        else:
            places = bound.places if bound is not None else looked_up(self.states, specs, amounts, now_ms)
            holds = holds_of(places, amounts)
            waits = [place.fit(amount, now_ms) for place, _, amount in holds]
            if any(wait != 0 and not hold[1].shadow for hold, wait in zip(holds, waits, strict=True)):
                return answer(holds, waits, now_ms)
            reservation.holds = [hold for hold, wait in zip(holds, waits, strict=True) if wait == 0]
            self._take(reservation, reservation.holds, now_ms)
            verdict = answer(holds, waits, now_ms)
        self._live[reservation_id] = reservation
        self._expiries.add(now_ms + ttl_ms, reservation_id)
        if self._recorder is not None:
            self._recorder.opened(reservation)
        reservation.verdict = verdict
        return verdict

    def top_up(self, reservation_id: str, amounts: Amounts, now_ms: int) -> Verdict:
        """Take more for an open reservation, in the periods it was reserved in. KeyError if it is not open."""
        reservation = self._open(reservation_id, now_ms)
        if reservation is None:
            raise KeyError(reservation_id)
        self.states.present(reservation, now_ms)
        more: list[Hold] = []
        for place, spec, _ in reservation.holds:
            amount = 0 if spec.unit is Unit.CONCURRENT else amounts.get(spec.unit, 0)
            if amount < 0:
                raise ValueError(f"cannot top up {amount} {spec.unit}")
            more.append((place, spec, amount))
        # Only what asks for more is checked: a full slot or a spent budget of another unit does not stop a stream.
        waits = [place.fit(amount, now_ms) if amount else 0 for place, _, amount in more]
        if any(wait != 0 and not hold[1].shadow for hold, wait in zip(more, waits, strict=True)):
            return answer(more, waits, now_ms)
        self._take(reservation, [hold for hold, wait in zip(more, waits, strict=True) if wait == 0 and hold[2]], now_ms)
        reservation.holds = [
            (place, spec, amount + (extra[2] if wait == 0 else 0))
            for (place, spec, amount), extra, wait in zip(reservation.holds, more, waits, strict=True)
        ]
        if self._recorder is not None:
            self._recorder.opened(reservation)
        return answer(more, waits, now_ms)

    def _take(self, owner: Reservation, holds: list[Hold], now_ms: int) -> None:
        """Debit, once what is about to be spent is durable."""
        if self._recorder is not None:
            self._announce(self._recorder, holds)
        for place, _, amount in holds:
            place.take(amount, now_ms, owner)

    def _announce(self, recorder: Recorder, holds: list[Hold]) -> None:
        """Ask for what is about to be spent, and tell what is about to change."""
        needs = [
            (place, amount)
            for place, _, amount in holds
            if type(place) is Row and place.used + place.held + amount > place.ceiling
        ]
        if needs:
            recorder.ensure(needs)
        recorder.changed(holds)

    def settle(self, reservation_id: str, actual: Amounts, now_ms: int) -> None:
        """Replace what was reserved by what was used, once; see Store.settle."""
        reservation = self._open(reservation_id, now_ms)
        if reservation is not None:
            del self._live[reservation_id]
            self._settle(reservation, actual, now_ms)
        else:
            commits = self._tombstones.take_expired(reservation_id)
            if commits is None:
                return
            self._correct(reservation_id, commits, actual, now_ms)
        self._tombstones.settled(reservation_id, now_ms)

    def _settle(self, reservation: Reservation, actual: Amounts, now_ms: int) -> None:
        bound, forgiven = reservation.bound, False
        if bound is not None and reservation.states_version == self.states.version:
            forgiven = bound.settle(actual, now_ms, reservation)
        else:
            self.states.present(reservation, now_ms)
            for place, spec, reserved in reservation.holds:
                forgiven |= place.settle(reserved, actual.get(spec.unit, 0), now_ms, reservation)
        if self._recorder is not None:
            for place, spec, _ in reservation.holds:
                self._charged(reservation.id, place, actual.get(spec.unit, 0), now_ms)
        if forgiven or self._recorder is not None:
            self._ended(reservation)

    def _open(self, reservation_id: str, now_ms: int) -> Reservation | None:
        """The open reservation of that id; one past its expiry is ended first, whatever the sweep has reached."""
        reservation = self._live.get(reservation_id)
        if reservation is not None and reservation.expires_at_ms <= now_ms:
            self._expire(reservation, now_ms)
            return None
        return reservation

    def _expire(self, reservation: Reservation, now_ms: int) -> None:
        """Budgets commit what was reserved, rates commit `on_expiry`, slots free; a tombstone stays."""
        del self._live[reservation.id]
        self.states.present(reservation, now_ms)
        commits: list[Commit] = []
        for place, spec, reserved in reservation.holds:
            rate = type(place) is Bucket
            amount = reservation.on_expiry.get(spec.unit, 0) if rate else reserved
            place.settle(reserved, amount, now_ms, reservation)
            self._charged(reservation.id, place, amount, now_ms)
            if isinstance(place, Bucket):
                commits.append(Commit(place, spec, amount, place.spent_since(reservation)))
            elif isinstance(place, Row):  # slots and prompts have nothing that a late settle could correct
                commits.append(Commit(place, spec, amount, 0))
        self._tombstones.expired(reservation.id, commits, now_ms)
        self._ended(reservation)
        self._events.emit("ledger.expired")

    def _ended(self, reservation: Reservation) -> None:
        if self._recorder is not None:
            self._recorder.closed(reservation)
        self._written(reservation.holds)

    def _charged(self, reservation_id: str, place: Place, amount: int, now_ms: int) -> None:
        if amount and self._recorder is not None and type(place) is Row:
            self._recorder.charged(reservation_id, place, amount, now_ms)

    def _correct(self, reservation_id: str, commits: list[Commit], actual: Amounts, now_ms: int) -> None:
        """Apply a late settle's difference to what expiry committed."""
        holds: list[Hold] = []
        for place, spec, amount, since_ms in commits:
            if place.gone:
                place = self.states.revive(place, spec, now_ms)
            used = actual.get(spec.unit, 0)
            place.correct(amount, used, since_ms, now_ms)
            self._charged(reservation_id, place, used - amount, now_ms)
            holds.append((place, spec, 0))
        self._written(holds)

    def _written(self, holds: list[Hold]) -> None:
        """Tell what changed, and what unconditional debits have done."""
        over: list[Row] = []
        for place, spec, _ in holds:
            if type(place) is Bucket:
                if place.forgiven:
                    self._events.emit("ledger.debt_clamped", unit=spec.unit, units=place.forget_forgiven())
            elif type(place) is Row and place.used + place.held > place.ceiling:
                over.append(place)
        if self._recorder is not None:
            self._recorder.changed(holds)
            if over:
                self._recorder.overrun(over)

    def renew(self, reservation_ids: Iterable[str], ttl_ms: int, now_ms: int) -> None:
        """Push the expiry of open reservations to now + `ttl_ms`; never pulls it nearer."""
        for reservation_id in reservation_ids:
            reservation = self._open(reservation_id, now_ms)
            if reservation is not None and reservation.expires_at_ms < now_ms + ttl_ms:
                reservation.expires_at_ms = now_ms + ttl_ms
                if self._recorder is not None:
                    self._recorder.opened(reservation)
        self._tidy(now_ms, RENEW_SWEEP)
        self.states.sweep(now_ms, RENEW_SWEEP)

    def expire(self, now_ms: int, at_most: int = SWEEP) -> int:
        """End at most `at_most` reservations past their expiry; returns how many."""
        ended = 0
        expiries = self._expiries
        while ended < at_most and expiries.due(now_ms):
            due_ms, reservation_id = expiries.pop()
            reservation = self._live.get(reservation_id)
            if reservation is None:
                continue
            if reservation.expires_at_ms > due_ms:  # renewed meanwhile: its turn comes by its new time, due or not
                expiries.add(reservation.expires_at_ms, reservation_id)
            else:
                self._expire(reservation, now_ms)
                ended += 1
        return ended

    def _tidy(self, now_ms: int, at_most: int) -> None:
        self._expiries.forget(self._live)
        if self._expiries.due(now_ms):
            self.expire(now_ms, at_most)
        if self.states.owed:
            self.states.sweep(now_ms, self.states.owed)
        self._tombstones.forget(now_ms, at_most)

    def peek(self, specs: Sequence[Spec], now_ms: int) -> tuple[Reading, ...]:
        """Read without changing anything."""
        return tuple([self.states.peek(spec, now_ms) for spec in specs])

    def held(self, limit: int = 1000) -> list[Held]:
        """Open reservations, oldest first."""
        return [reservation.held() for reservation in islice(self._live.values(), limit)]

    def restore(self, reservation: Reservation) -> None:
        """Take up a reservation of an earlier process: its places count it already, it expires as usual."""
        self._live[reservation.id] = reservation
        self._expiries.add(reservation.expires_at_ms, reservation.id)
