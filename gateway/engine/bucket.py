"""The token bucket in scaled integers, with room for what is reserved.

One unit is P credits and every tick refills `amount` credits, where P is the window in ticks: no division, so no
rounding, ever. A tick is a millisecond for windows under an hour and a second from there on.

A bucket keeps its level and what reservations hold. Refill stops at capacity − held: nothing refills into the room
that a reservation occupies, so a settle may give back the whole of reserved − actual. Why that is sound: the level
never exceeds B − held. In a window of length T from t0 the admissions are paid from level(t0) ≤ B − held(t0), from
refill ≤ r·T, and from refunds of what was held at t0, ≤ held(t0). The sum is B + r·T, actual amounts dated at their
admission. Beyond it goes only debt: use above what was reserved is debited without asking, the level goes negative,
and the next admission waits until it is paid. Debt is capped at twice the capacity, the excess is counted.

A hold lasts one window at most, so that long streams do not turn a rate into a limit on concurrency. From then on the
reservation counts as spent, its room refills, and what it gives back at the end is at most reserved − actual − what
refilled since. Requests, which are all but never given back, are not held at all.

While a burst is being lowered, B is the largest burst under which a reservation still open was admitted.
"""

from typing import Final

from gateway.engine.refill import Refill
from gateway.engine.reservation import Reservation
from gateway.engine.spec import RateSpec, Spec
from gateway.engine.verdict import Reading

DEBT: Final = 2
"""A rate may be in debt by this many times its capacity, so that nobody is locked out for hours."""


class Bucket(Refill):
    """One rate's state: what fits, what is taken, what is given back."""

    __slots__ = ()

    def place(self, spec: Spec, now_ms: int) -> "Bucket":
        """Where `spec` is to be charged: here, under the spec's size from now on."""
        if spec is not self.spec and spec != self.spec:
            if not isinstance(spec, RateSpec):
                raise TypeError(f"limit {self.key!r} is a rate; {spec!r} must have another key")
            self._resize(spec, now_ms)
        return self

    def _resize(self, spec: RateSpec, now_ms: int) -> None:
        """Usage survives a limit change: the level is clamped down, never raised; a new P rescales with floor."""
        idle = self.idle(now_ms)
        self._advance(now_ms)
        p, at_ms = self.p, self.at_ms
        self._configure(spec)
        if idle:  # the same as no state at all, so that one dropped in between makes no difference
            self.level, self.tick = self.cap, now_ms // self.tick_ms
        elif self.p != p:
            self.level = self.level * self.p // p
            self.tick = -(-at_ms // self.tick_ms)
        self.level = min(self.level, self.cap)

    def fit(self, amount: int, now_ms: int) -> int | None:
        """0 if `amount` fits, the milliseconds until it would, None if it never will. `take` may follow at once."""
        tick = now_ms // self.tick_ms
        if not self.tick <= tick < self.due:
            self._catch_up(tick, now_ms)
        level = self.seen = self._refilled(tick)
        lacking = amount * self.p - level
        # An amount of nothing passes even in debt: it takes nothing.
        if lacking <= 0 or amount == 0:
            return 0
        if amount > self.spec.burst or self.per_tick == 0:
            return None
        return self._ms_for(lacking, now_ms)

    def _catch_up(self, tick: int, now_ms: int) -> None:
        """What a question changes: the time, when the clock went far back, and the holds that are over."""
        if self.tick - tick > self.p:
            self.tick = tick
        if tick >= self.due and self.holds and self._over(next(iter(self.holds))) <= tick:
            self._advance(now_ms)  # so that a run of refusals does not walk over the same holds again and again

    def _ms_for(self, missing: int, now_ms: int) -> int:
        ticks = -(-missing // self.per_tick)
        return (max(self.tick, now_ms // self.tick_ms) + ticks) * self.tick_ms - now_ms

    def take(self, amount: int, now_ms: int, owner: Reservation) -> None:
        """Debit and hold `amount`, right after `fit` at the same time."""
        self.level = self.seen - amount * self.p
        self._let_go(now_ms // self.tick_ms)
        self.hold(amount, owner)

    def charge(self, amount: int, now_ms: int, owner: Reservation, spec: Spec) -> Reading:
        """`take` right after `fit` at the same time, and `reading`: in one go, unless a hold ends just now."""
        tick = now_ms // self.tick_ms
        if not self.tick <= tick < self.due:
            self.take(amount, now_ms, owner)
            return self.reading(spec, now_ms, 0)
        self.tick = tick
        level = self.level = self.seen - amount * self.p
        if self.lasts and amount:
            self.hold(amount, owner)
        else:
            self.spent.add(owner)
        missing = self.cap - level
        if missing <= 0 or not self.per_tick:
            return Reading(spec, level // self.p, 0)
        return Reading(spec, level // self.p, (tick - -missing // self.per_tick) * self.tick_ms - now_ms)

    def settle(self, reserved: int, actual: int, now_ms: int, owner: Reservation) -> bool:
        """Replace a hold by what was used. Whether debt was forgiven."""
        tick = now_ms // self.tick_ms
        if self.tick <= tick < self.due:
            self.level, self.tick = self._refilled(tick), tick
        else:
            self._advance(now_ms)
        change = (reserved - actual) * self.p
        if owner in self.holds:
            self.held -= self.holds.pop(owner)
        elif change > 0:
            change = self._not_refilled(change, self.tick - self.spent_since(owner) // self.tick_ms)
        self.spent.discard(owner)
        if change:
            self._apply(change)
        return self.forgiven > 0

    def spent_since(self, owner: Reservation) -> int:
        """Since when (ms) refill may have entered what a reservation took, now that it is not held."""
        return min(self.at_ms, self._over(owner) * self.tick_ms)

    def _not_refilled(self, change: int, ticks: int) -> int:
        """What may be given back of room that refill could enter for `ticks`; nothing if the clock went back."""
        return max(0, change - ticks * self.per_tick) if ticks >= 0 else 0

    def correct(self, committed: int, actual: int, since_ms: int, now_ms: int) -> None:
        """A settle that came after expiry had committed `committed`, spent since `since_ms`.

        Nothing was held in between, so what may have refilled into that room is not given back again.
        """
        self._advance(now_ms)
        change = (committed - actual) * self.p
        if change > 0:
            change = self._not_refilled(change, -(-(self.at_ms - since_ms) // self.tick_ms))
        self._apply(change)

    def _apply(self, change: int) -> None:
        level = self.level + change
        if change > 0:
            # Only a burst lowered while this was held can make the clamp bite; it never lowers the level.
            level = min(level, max(self.level, self.cap - self.held * self.p))
        else:
            floor = min(self.level, -DEBT * self.cap)
            if level < floor:
                self.forgiven += floor - level
                level = floor
        self.level = level

    def forget_forgiven(self) -> int:
        """Units of debt dropped since the last call, rounded up."""
        units = -(-self.forgiven // self.p)
        self.forgiven = 0
        return units

    def reading(self, spec: Spec, now_ms: int, wait_ms: int | None) -> Reading:
        """The state at `now_ms`, whether or not `take` followed."""
        level = self._refilled(now_ms // self.tick_ms)
        missing = self.cap - level
        reset = self._ms_for(missing, now_ms) if missing > 0 and self.per_tick else 0
        return Reading(spec, level // self.p, reset, wait_ms)

    def peek(self, spec: Spec, now_ms: int) -> Reading:
        """What `reading` would say under `spec`, without becoming it."""
        state = self if spec is self.spec or spec == self.spec else self.copy(now_ms).place(spec, now_ms)
        return state.reading(spec, now_ms, 0)

    def copy(self, now_ms: int) -> "Bucket":
        twin = Bucket(self.key, self.spec, now_ms)
        twin.level, twin.held, twin.tick = self.level, self.held, self.tick
        twin.holds, twin.spent, twin.newest_ms = dict(self.holds), set(self.spent), self.newest_ms
        return twin

    def promoted(self, key: str, spec: RateSpec, now_ms: int) -> "Bucket":
        """An enforced bucket that starts where this shadow is, without its debt."""
        twin = self.copy(now_ms)
        twin._advance(now_ms)
        twin.key, twin.held, twin.holds, twin.spent, twin.level = key, 0, {}, set(), max(0, twin.level)
        return twin.place(spec, now_ms)
