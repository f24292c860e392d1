"""A rate's level as time goes by, and what is held out of the reach of refill; the rules are those of bucket.py."""

from itertools import takewhile
from typing import Final

from gateway.core.units import Unit
from gateway.engine.reservation import Reservation
from gateway.engine.spec import RateSpec
from gateway.engine.ticks import credits_per_unit, tick_ms

_FAR: Final = 1 << 62


class Refill:
    """`level` and `tick` are as of the last change.

    `holds` has the units that each open reservation holds, the oldest first, and `held` is their sum; `spent` are the
    open ones that hold nothing here (any more). No hold is over before the tick `due` and none was made after
    `newest_ms`: bounds, so that most calls need not look at any.
    """

    __slots__ = (
        "cap", "due", "forgiven", "gone", "held", "holds", "key", "lasts", "level", "newest_ms", "p", "per_tick",
        "seen", "spec", "spent", "tick", "tick_ms",
    )  # fmt: skip

    def __init__(self, key: str, spec: RateSpec, now_ms: int) -> None:
        self.key = key
        self.gone = False
        self.held = 0
        self.holds: dict[Reservation, int] = {}
        self.spent: set[Reservation] = set()
        self.forgiven = self.newest_ms = 0
        self._configure(spec)
        self.level = self.seen = self.cap
        self.tick = now_ms // self.tick_ms

    def _configure(self, spec: RateSpec) -> None:
        self.spec = spec
        self.tick_ms = tick_ms(spec.window_s)
        self.p = credits_per_unit(spec.window_s)
        self.cap = spec.burst * self.p
        self.per_tick = spec.amount
        self.lasts = 0 if spec.unit is Unit.REQUESTS else self.p
        self.due = 0

    @property
    def at_ms(self) -> int:
        """The instant up to which the level has been refilled."""
        return self.tick * self.tick_ms

    def _refilled(self, end: int) -> int:
        """The level at the tick `end`. A clock that went back refills nothing until it has caught up."""
        tick = self.tick
        if end <= tick:
            return self.level
        if end >= self.due:
            return self._refilled_past_holds(end)
        level = self.level + (end - tick) * self.per_tick
        room = self.cap - self.held * self.p
        return level if level <= room else max(self.level, room)

    def _refilled_past_holds(self, end: int) -> int:
        """The same where holds end on the way: each makes room for refill from then on."""
        level, tick, held = self.level, self.tick, self.held
        for owner, amount in self.holds.items():
            over = self._over(owner)
            if over > end:
                break
            if over > tick:
                level = self._after(level, held, over - tick)
                tick = over
            held -= amount
        return self._after(level, held, end - tick)

    def _over(self, owner: Reservation) -> int:
        """The tick from which a reservation counts as spent: after a window, for requests at once."""
        return owner.reserved_at_ms // self.tick_ms + self.lasts

    def _after(self, level: int, held: int, ticks: int) -> int:
        """The level after `ticks` of refill with so much held all the while."""
        room = self.cap - held * self.p
        return max(level, min(room, level + ticks * self.per_tick))

    def _advance(self, now_ms: int) -> None:
        tick = now_ms // self.tick_ms
        if tick != self.tick or tick >= self.due:
            self.level = self._refilled(tick)
            self._let_go(tick)

    def _let_go(self, tick: int) -> None:
        """Move on to `tick`, after the level was refilled up to it: holds of a window ago end."""
        if tick >= self.due:
            # Collected first: taking the first of a dictionary again and again is quadratic in what was taken before.
            for owner in list(takewhile(lambda owner: self._over(owner) <= tick, self.holds)):
                self.held -= self.holds.pop(owner)
                self.spent.add(owner)
            self.due = next(map(self._over, self.holds), _FAR)
        # A clock back by more than the window would starve the bucket: start over from the new time.
        if tick > self.tick or self.tick - tick > self.p:
            self.tick = tick

    def hold(self, amount: int, owner: Reservation) -> None:
        """Keep refill out of the room of `amount` until a window after the reservation."""
        if not amount or not self.lasts or (over := self._over(owner)) <= self.tick:
            self.spent.add(owner)
            return
        self.holds[owner] = self.holds.get(owner, 0) + amount
        self.held += amount
        self.due = min(self.due, over)
        if owner.reserved_at_ms >= self.newest_ms:
            self.newest_ms = owner.reserved_at_ms
        else:  # a top-up, or the clock went back
            self.holds = dict(sorted(self.holds.items(), key=lambda hold: hold[0].reserved_at_ms))
            self.newest_ms = next(reversed(self.holds)).reserved_at_ms

    def idle(self, now_ms: int) -> bool:
        """Full, with nothing open, for a window: the same as no state at all.

        Full alone is not enough: a burst lowered and raised again must not wipe out what was used just before.
        """
        return (
            not (self.holds or self.spent)
            and now_ms // self.tick_ms - self.tick >= self.p
            and self._refilled(now_ms // self.tick_ms) >= self.cap
        )
