"""A token bucket in exact fractions, as the reference model has it. Amounts in units, time in milliseconds."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor

HOUR_S = 3600


@dataclass
class RefRate:
    """`level` is as of `at_ms`."""

    unit: str
    amount: int
    window_s: int
    burst: int
    level: Fraction
    at_ms: int
    holds: dict = field(default_factory=dict)  # reservation -> (from when, units)
    open: set = field(default_factory=set)  # reservations, whether or not they still hold something
    forgiven: int = 0  # units of debt that the last call dropped, rounded up

    @classmethod
    def full(cls, spec, now):
        rate = cls(spec.unit, spec.amount, spec.window_s, spec.burst, Fraction(spec.burst), 0)
        rate.at_ms = now - now % rate.tick
        return rate

    def copy(self):
        return replace(self, holds=dict(self.holds), open=set(self.open))

    @property
    def tick(self):
        return 1000 if self.window_s >= HOUR_S else 1

    @property
    def per_ms(self):
        return Fraction(self.amount, self.window_s * 1000)

    @property
    def held(self):
        return sum(units for _, units in self.holds.values())

    def over(self, since):
        """When a hold from `since` on has lasted a window."""
        return since - since % self.tick + self.window_s * 1000

    def level_at(self, now):
        now -= now % self.tick
        level, at = self.level, self.at_ms
        ends = sorted({self.over(since) for since, _ in self.holds.values()})
        for until in [end for end in ends if at < end < now] + [now]:
            if until > at:
                room = self.burst - sum(units for since, units in self.holds.values() if self.over(since) > at)
                if level < room:
                    level = min(Fraction(room), level + self.per_ms * (until - at))
                at = until
        return level

    def mend_clock(self, now):
        now -= now % self.tick
        if self.at_ms - now > self.window_s * 1000:
            self.at_ms = now

    def catch_up(self, now):
        self.level = self.level_at(now)
        at = now - now % self.tick
        self.holds = {name: hold for name, hold in self.holds.items() if self.over(hold[0]) > at}
        self.mend_clock(now)
        self.at_ms = max(self.at_ms, at)

    def resize(self, spec, now):
        """Another amount or burst; the window stays."""
        if (self.amount, self.burst) != (spec.amount, spec.burst):
            untouched = self.untouched(now)
            self.catch_up(now)
            self.level = Fraction(spec.burst) if untouched else min(self.level, Fraction(spec.burst))
            self.amount, self.burst = spec.amount, spec.burst

    def untouched(self, now):
        """Full and left alone for a window: it is as if it had never been used."""
        now -= now % self.tick
        return self.level_at(now) >= self.burst and not self.open and now - self.at_ms >= self.window_s * 1000

    def wait(self, amount, now):
        self.mend_clock(now)
        if any(self.over(since) <= now - now % self.tick for since, _ in self.holds.values()):
            self.catch_up(now)
        level = self.level_at(now)
        if amount == 0 or level >= amount:
            return 0
        return None if amount > self.burst else self.until(amount - level, now)

    def until(self, missing, now):
        """Milliseconds until so much has refilled."""
        ticks = ceil(missing / self.per_ms / self.tick)
        return max(self.at_ms, now - now % self.tick) + ticks * self.tick - now

    def reading(self, now):
        """Whole units left, and how long until it is full."""
        level = self.level_at(now)
        return floor(level), self.until(self.burst - level, now) if level < self.burst else 0

    def take(self, name, amount, since, now):
        self.catch_up(now)
        self.open.add(name)
        self.level -= amount
        self.hold(name, self.holds.get(name, (since, 0))[1] + amount if amount else 0, since)

    def hold(self, name, units, since):
        """Keep refill out of the room of all that a reservation has taken, until a window after it."""
        if self.unit != "requests" and units and self.over(since) > self.at_ms:
            self.holds[name] = (since, units)

    def close(self, name, unused, since, now):
        """End a reservation that used `unused` less than it had taken (negative: more)."""
        self.catch_up(now)
        self.open.discard(name)
        if self.holds.pop(name, None) is None and unused > 0:
            unused = self.not_refilled(unused, self.spent_since(since))
        self.credit(Fraction(unused))

    def correct(self, unused, since, now):
        self.catch_up(now)
        self.credit(self.not_refilled(unused, since) if unused > 0 else Fraction(unused))

    def spent_since(self, since):
        return min(self.at_ms, since - since % self.tick if self.unit == "requests" else self.over(since))

    def not_refilled(self, units, since):
        if self.at_ms < since:
            return Fraction(0)
        return max(Fraction(0), units - self.per_ms * (self.at_ms - since))

    def credit(self, units):
        before = self.level
        self.level += units
        if units > 0:
            self.level = min(self.level, max(before, Fraction(self.burst - self.held)))
        elif self.level < -2 * self.burst:
            debt, self.level = self.level, min(before, Fraction(-2 * self.burst))
            self.forgiven = ceil(self.level - debt)
