"""What the ledger should do, in exact fractions and the plainest words; shares no code with the engine.

Limits are the engine's specs (a vocabulary, not code). Amounts are in units, time in milliseconds.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from math import ceil
from zoneinfo import ZoneInfo

from gateway.engine.spec import BudgetSpec, RateSpec


@dataclass
class RefRate:
    amount: int
    window_s: int
    burst: int
    level: Fraction
    at_ms: int
    holds: dict = field(default_factory=dict)  # reservation -> (from when, units)
    open: set = field(default_factory=set)  # reservations, whether or not they still hold something
    forgotten: bool = False

    @property
    def tick(self):
        return 1000 if self.window_s >= 3600 else 1

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
        self.forgotten = False
        self.level = self.level_at(now)
        at = now - now % self.tick
        self.holds = {name: hold for name, hold in self.holds.items() if self.over(hold[0]) > at}
        self.mend_clock(now)
        self.at_ms = max(self.at_ms, at)

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
        if amount > self.burst:
            return None
        ms = (amount - level) / self.per_ms
        return max(self.at_ms, now - now % self.tick) + ceil(ms / self.tick) * self.tick - now

    def spent_since(self, unit, since):
        return min(self.at_ms, since - since % self.tick if unit == "requests" else self.over(since))

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
            self.level = min(before, Fraction(-2 * self.burst))


@dataclass
class RefReservation:
    since: int
    parts: dict  # state key -> [unit, reserved, period]
    on_expiry: dict
    expires: int
    verdict: object


@dataclass
class RefLedger:
    rates: dict = field(default_factory=dict)
    budgets: dict = field(default_factory=dict)  # (key, date) -> [used, held]
    slots: dict = field(default_factory=dict)  # key -> set of ids
    live: dict = field(default_factory=dict)
    expired: dict = field(default_factory=dict)

    def _state(self, spec, now):
        key = spec.key + ("#shadow" if spec.shadow else "")
        if isinstance(spec, RateSpec):
            if key not in self.rates or self.rates[key].forgotten:
                self.rates[key] = RefRate(spec.amount, spec.window_s, spec.burst, Fraction(spec.burst), 0)
                self.rates[key].catch_up(now)
            rate = self.rates[key]
            if (rate.amount, rate.burst) != (spec.amount, spec.burst):
                untouched = rate.untouched(now)
                rate.catch_up(now)
                rate.level = Fraction(spec.burst) if untouched else min(rate.level, Fraction(spec.burst))
                rate.amount, rate.burst = spec.amount, spec.burst
            return key, None
        if isinstance(spec, BudgetSpec):
            day = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(spec.zone)).date()
            self.budgets.setdefault((key, day), [0, 0])
            return key, day
        self.slots.setdefault(key, set())
        return key, None

    def _wait(self, spec, key, day, amount, now):
        if isinstance(spec, RateSpec):
            return self.rates[key].wait(amount, now)
        if isinstance(spec, BudgetSpec):
            if amount == 0 or sum(self.budgets[key, day]) + amount <= spec.amount:
                return 0
            return None if amount > spec.amount else "end of day"
        if len(self.slots[key]) < spec.amount:
            return 0
        return 1000 if spec.amount else None

    def reserve(self, name, specs, amounts, on_expiry, ttl, now):
        """(granted, waits, indexes that fail, shadow indexes that fail)."""
        if name in self.live:
            return self.live[name].verdict
        self.sweep(now)
        rows = []
        for spec in specs:
            key, day = self._state(spec, now)
            amount = amounts.get(spec.unit, 0)
            rows.append((spec, key, day, amount, self._wait(spec, key, day, amount, now)))
        failing = [i for i, row in enumerate(rows) if row[4] != 0 and not row[0].shadow]
        shadow = [i for i, row in enumerate(rows) if row[4] != 0 and row[0].shadow]
        verdict = (not failing, [row[4] for row in rows], failing, shadow)
        if not failing:
            parts = {}
            for spec, key, day, amount, wait in rows:
                if wait == 0:
                    parts[key] = [spec.unit, amount, day]
                    self._debit(name, key, day, spec.unit, amount, now, now)
            self.live[name] = RefReservation(now, parts, dict(on_expiry), now + ttl, verdict)
        return verdict

    def _debit(self, name, key, day, unit, amount, since, now):
        if key in self.rates:
            rate = self.rates[key]
            rate.catch_up(now)
            rate.open.add(name)
            rate.level -= amount
            if unit != "requests" and amount and rate.over(since) > rate.at_ms:
                rate.holds[name] = (since, rate.holds.get(name, (since, 0))[1] + amount)
        elif day is not None:
            self.budgets[key, day][1] += amount
        else:
            self.slots[key].add(name)

    def top_up(self, name, specs, amounts, now):
        part_of = self.live[name].parts
        by_key = {spec.key + ("#shadow" if spec.shadow else ""): spec for spec in specs}
        more = []
        for key, (unit, _, day) in part_of.items():
            amount = amounts.get(unit, 0)
            wait = self._wait(by_key[key], key, day, amount, now) if amount else 0
            more.append((key, day, unit, amount, wait))
        if any(wait != 0 and not by_key[key].shadow for key, _, _, _, wait in more):
            return False
        for key, day, unit, amount, wait in more:
            if wait == 0 and amount:
                self._debit(name, key, day, unit, amount, self.live[name].since, now)
                part_of[key][1] += amount
        return True

    def _close(self, name, charge, now):
        """End a reservation with `charge(kind, unit, reserved)` committed."""
        ended = self.live.pop(name)
        for key, (unit, reserved, day) in ended.parts.items():
            if key in self.rates:
                rate = self.rates[key]
                rate.catch_up(now)
                rate.open.discard(name)
                change = Fraction(reserved - charge("rate", unit, reserved))
                if rate.holds.pop(name, None) is None and change > 0:
                    change = rate.not_refilled(change, rate.spent_since(unit, ended.since))
                rate.credit(change)
            elif day is not None:
                self.budgets[key, day][1] -= reserved
                self.budgets[key, day][0] += charge("budget", unit, reserved)
            else:
                self.slots[key].discard(name)

    def settle(self, name, actual, now):
        if name in self.live and self.live[name].expires <= now:
            self.expire_one(name, now)
        if name in self.live:
            self._close(name, lambda _kind, unit, _reserved: actual.get(unit, 0), now)
        elif name in self.expired:
            for key, (unit, committed, day, at_ms) in self.expired.pop(name).items():
                difference = committed - actual.get(unit, 0)
                if key in self.rates:
                    rate = self.rates[key]
                    rate.catch_up(now)
                    change = Fraction(difference)
                    rate.credit(rate.not_refilled(change, at_ms) if change > 0 else change)
                elif day is not None:
                    self.budgets[key, day][0] -= difference

    def expire_one(self, name, now):
        reservation = self.live[name]
        parts, since = dict(reservation.parts), reservation.since
        for_rate = reservation.on_expiry

        def charge(kind, unit, reserved):
            return for_rate.get(unit, 0) if kind == "rate" else reserved

        self._close(name, charge, now)
        self.expired[name] = {
            key: (unit, charge("rate" if key in self.rates else "budget", unit, reserved), day,
                  self.rates[key].spent_since(unit, since) if key in self.rates else 0)
            for key, (unit, reserved, day) in parts.items()
        }  # fmt: skip

    def sweep(self, now, at_most=8):
        due = sorted((r.expires, name) for name, r in self.live.items() if r.expires <= now)
        for _, name in due[:at_most]:
            self.expire_one(name, now)

    def forget_untouched(self, now):
        for rate in self.rates.values():
            rate.forgotten = rate.forgotten or rate.untouched(now)

    def renew(self, name, ttl, now):
        if name in self.live:
            if self.live[name].expires <= now:
                self.expire_one(name, now)
            else:
                self.live[name].expires = max(self.live[name].expires, now + ttl)
        self.sweep(now, 64)
