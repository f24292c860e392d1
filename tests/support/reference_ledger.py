"""What the ledger should do, in exact fractions and the plainest words; shares no code with the engine.

Amounts are in units, time in milliseconds. The parts: reference_rate, reference_calendar, reference_new, and the words
that they share in reference_words.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from tests.support.reference_calendar import period_of
from tests.support.reference_new import RefNew
from tests.support.reference_rate import RefRate
from tests.support.reference_words import Answer, Part, RefReservation, is_budget, is_new, is_rate, key_of

DAY_MS = 86_400_000


@dataclass
class RefLedger:
    """A limit is named by its key from the call on that mentions it first; `sizes` are those of all but rates."""

    rates: dict = field(default_factory=dict)
    budgets: dict = field(default_factory=dict)  # (key, label) -> [used, held]
    ends: dict = field(default_factory=dict)  # (key, label) -> end
    slots: dict = field(default_factory=dict)  # key -> set of ids
    new: dict = field(default_factory=dict)
    sizes: dict = field(default_factory=dict)
    live: dict = field(default_factory=dict)
    expired: dict = field(default_factory=dict)  # id -> {key: (Part, committed, since)}
    past: set = field(default_factory=set)
    expiries: int = 0
    clamped: list = field(default_factory=list)  # (unit, units of debt forgiven)

    def _state(self, spec, now):
        """The part of a request that this limit is, under the limit's size from now on."""
        key = key_of(spec)
        if is_rate(spec):
            if key not in self.rates:
                self.rates[key] = RefRate.full(spec, now)
            self.rates[key].resize(spec, now)
            return Part(spec, 0)
        self.sizes[key] = spec.amount
        if is_budget(spec):
            label, end = period_of(spec, now)
            self.budgets.setdefault((key, label), [0, 0])
            self.ends[key, label] = end
            return Part(spec, 0, label, end)
        if is_new(spec):
            self._new(key, spec)
        else:
            self.slots.setdefault(key, set())
        return Part(spec, 0)

    def _new(self, key, spec):
        self.sizes.setdefault(key, spec.amount)
        return self.new.setdefault(key, RefNew.none(spec))

    def _row(self, key, part, now):
        """The counter that a reservation was made in; one too long over to be kept is made for this call only."""
        place = (key, part.label)
        if place not in self.budgets and part.end + DAY_MS <= now:
            return [0, 0]
        self.sizes.setdefault(key, part.spec.amount)
        self.ends[place] = part.end
        return self.budgets.setdefault(place, [0, 0])

    def _rate(self, key, part, now):
        if key not in self.rates:
            self.rates[key] = RefRate.full(part.spec, now)
        return self.rates[key]

    def _wait(self, key, part, amount, now):
        if is_rate(part.spec):
            return self._rate(key, part, now).wait(amount, now)
        if is_budget(part.spec):
            used = sum(self._row(key, part, now))
            if amount == 0 or used + amount <= self.sizes[key]:
                return 0
            return None if amount > self.sizes[key] else max(1, part.end - now)
        if is_new(part.spec):
            new = self._new(key, part.spec)
            return new.wait(amount, self.sizes[key], now)
        if len(self.slots[key]) < self.sizes[key]:
            return 0
        return 1000 if self.sizes[key] else None

    def _reading(self, key, part, now):
        if is_rate(part.spec):
            return self._rate(key, part, now).reading(now)
        if is_budget(part.spec):
            used = sum(self._row(key, part, now))  # which may bring the limit's size back
            return self.sizes[key] - used, max(0, part.end - now)
        if is_new(part.spec):
            new = self._new(key, part.spec)
            return new.reading(self.sizes[key], now)
        return self.sizes[key] - len(self.slots[key]), 0

    def _answer(self, parts, waits, now):
        unfit = [i for i, wait in enumerate(waits) if wait != 0]
        failing = [i for i in unfit if not parts[i][1].spec.shadow]
        readings = [(*self._reading(key, part, now), wait) for (key, part), wait in zip(parts, waits, strict=True)]
        return Answer(not failing, readings, failing, [i for i in unfit if i not in failing])

    def reserve(self, name, specs, amounts, on_expiry, ttl, now):
        """Raises ValueError for an id of the past."""
        if name in self.live and self.live[name].answer is not None:
            return self.live[name].answer
        if name in self.live or name in self.past:
            raise ValueError(name)
        self.sweep(now)
        parts, waits = [], []
        for spec in specs:
            part = self._state(spec, now)
            part.amount = 1 if spec.unit == "concurrent" else amounts.get(spec.unit, 0)
            parts.append((key_of(spec), part))
            waits.append(self._wait(key_of(spec), part, part.amount, now))
        answer = self._answer(parts, waits, now)
        if answer.granted:
            taken = {key: part for (key, part), wait in zip(parts, waits, strict=True) if wait == 0}
            for key, part in taken.items():
                self._take(name, key, part, part.amount, now, now)
            answer = self._answer(parts, waits, now)
            self.live[name] = RefReservation(now, taken, dict(on_expiry), now + ttl, answer)
        return answer

    def _take(self, name, key, part, amount, since, now):
        if is_rate(part.spec):
            self._rate(key, part, now).take(name, amount, since, now)
        elif is_budget(part.spec):
            self._row(key, part, now)[1] += amount
        elif is_new(part.spec):
            self._new(key, part.spec).take(name, amount)
        else:
            self.slots[key].add(name)

    def top_up(self, name, amounts, now):
        """Raises KeyError if it is not open."""
        if self._due(name, now):
            self.expire_one(name, now)
        own = self.live[name]
        more = [(key, part, amounts.get(part.spec.unit, 0)) for key, part in own.parts.items()]
        waits = [self._wait(key, part, amount, now) if amount else 0 for key, part, amount in more]
        parts = list(own.parts.items())
        answer = self._answer(parts, waits, now)
        if answer.granted:
            for (key, part, amount), wait in zip(more, waits, strict=True):
                if wait == 0 and amount:
                    self._take(name, key, part, amount, own.since, now)
                    part.amount += amount
            answer = self._answer(parts, waits, now)
        return answer

    def _due(self, name, now):
        return name in self.live and self.live[name].expires <= now

    def _close(self, name, charge, now):
        """End a reservation with `charge(part)` committed."""
        ended = self.live.pop(name)
        self.past.add(name)
        for key, part in ended.parts.items():
            if is_rate(part.spec):
                unused = part.amount - charge(part)
                self._rate(key, part, now).close(name, unused, ended.since, now)
                self._tell(key)
            elif is_budget(part.spec):
                row = self._row(key, part, now)
                row[1] -= part.amount
                row[0] += charge(part)
            elif is_new(part.spec):
                self._new(key, part.spec).close(name, charge(part), now)
            else:
                self.slots[key].discard(name)

    def _tell(self, key):
        rate = self.rates[key]
        if rate.forgiven:
            self.clamped.append((rate.unit, rate.forgiven))
            rate.forgiven = 0

    def settle(self, name, actual, now):
        """Whether it changed anything."""
        if self._due(name, now):
            self.expire_one(name, now)
        if name in self.live:
            self._close(name, lambda part: actual.get(part.spec.unit, 0), now)
            return True
        for key, (part, committed, since) in self.expired.get(name, {}).items():
            unused = committed - actual.get(part.spec.unit, 0)
            if is_rate(part.spec):
                self._rate(key, part, now).correct(Fraction(unused), since, now)
                self._tell(key)
            elif is_budget(part.spec):
                self._row(key, part, now)[0] -= unused
        return self.expired.pop(name, None) is not None

    def expire_one(self, name, now):
        own = self.live[name]
        self.expiries += 1

        def charge(part):
            return own.on_expiry.get(part.spec.unit, 0) if is_rate(part.spec) else part.amount

        self._close(name, charge, now)
        self.expired[name] = {
            key: (part, charge(part),
                  self.rates[key].spent_since(own.since) if is_rate(part.spec) else 0)
            for key, part in own.parts.items()
        }  # fmt: skip

    def sweep(self, now, at_most=8):
        due = sorted((r.expires, name) for name, r in self.live.items() if r.expires <= now)
        for _, name in due[:at_most]:
            self.expire_one(name, now)

    def renew(self, names, ttl, now):
        for name in names:
            if self._due(name, now):
                self.expire_one(name, now)
            elif name in self.live:
                self.live[name].expires = max(self.live[name].expires, now + ttl)
        self.sweep(now, 64)

    def forget_untouched(self, now):
        """What equals no state is none: it is made anew by whoever names it next."""
        self.rates = {key: rate for key, rate in self.rates.items() if not rate.untouched(now)}
        for place, (used, held) in list(self.budgets.items()):
            if not held and (not used or self.ends[place] + DAY_MS <= now):
                del self.budgets[place]
        self.slots = {key: leases for key, leases in self.slots.items() if leases}
        for one in self.new.values():
            one.catch_up(now)
        self.new = {key: one for key, one in self.new.items() if not one.idle(now)}
        kept = {key for key, _ in self.budgets} | self.slots.keys() | self.new.keys()
        self.sizes = {key: size for key, size in self.sizes.items() if key in kept}

    def peek(self, specs, now):
        """Readings as each limit would give them, changing nothing."""
        return [(*self._peek(spec, now), 0) for spec in specs]

    def _peek(self, spec, now):
        key = key_of(spec)
        if is_rate(spec):
            rate = self.rates[key].copy() if key in self.rates else RefRate.full(spec, now)
            rate.resize(spec, now)
            return rate.reading(now)
        if is_budget(spec):
            label, end = period_of(spec, now)
            return spec.amount - sum(self.budgets.get((key, label), (0, 0))), max(0, end - now)
        if is_new(spec):
            return self.new.get(key, RefNew.none(spec)).reading(spec.amount, now)
        return spec.amount - len(self.slots.get(key, ())), 0

    def restarted(self):
        """What was open is held again, also what a clock that stepped back had let go; what had ended is forgotten."""
        self.expired, self.past = {}, set()
        for name, own in self.live.items():
            own.answer = None
            for key, part in own.parts.items():
                if is_rate(part.spec):
                    self.rates[key].hold(name, part.amount, own.since)
