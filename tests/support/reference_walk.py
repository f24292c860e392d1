"""A random walk of the engine beside the reference model. Any difference is an AssertionError.

The engine's classes are looked up when a walk begins, so that a changed engine can be walked too.
"""

import random

from gateway.core.units import Unit, prompt_amount
from tests.support.reference_ledger import RefLedger
from tests.support.reference_words import answered

T0 = 1_774_735_190_000  # ten seconds before Berlin's 23-hour day of 2026-03-29, which ends a period of the month too
STEPS_MS = (1, 50, 999, 1000, 7000, 30_000, 59_999, 60_001, 3_600_000, 86_400_000)
BACK_MS = (1, 500, 5000, 60_001, 7_300_000, 90_000_000)
STREAMED = (Unit.REQUESTS, Unit.TOTAL_TOKENS, Unit.USD)
LIMITS = 11
PLANS = 6
UNBOUNDED = 1 << 62
NOT_FOUND = (KeyError, ValueError)


class Books:
    """What a durable store does with what the ledger tells it: ceilings raised when asked, charges added up."""

    def __init__(self):
        self.clamped = []
        self.expired = 0
        self.open = {}
        self.charges = {}
        self.told = set()
        self.seen = {}

    def emit(self, name, **fields):
        if name == "ledger.debt_clamped":
            self.clamped.append((str(fields["unit"]), fields["units"]))
        else:
            self.expired += 1

    def ensure(self, needs):
        for row, amount in needs:
            assert row.used + row.held + amount > row.ceiling, "asked for no more than needed"
            row.ceiling = row.used + row.held + amount

    def overrun(self, rows):
        for row in rows:
            assert row.used + row.held > row.ceiling
            row.ceiling = row.used + row.held

    def changed(self, holds):
        self.told.update(hold[0] for hold in holds)

    def kept(self, place, state):
        """Assert that a change since the last look was told."""
        assert self.seen.get(place, 0) == state or place in self.told
        self.seen[place] = state

    def charged(self, _name, row, amount, _now):
        if not row.gone:  # a period too long over to come back
            self.charges[row.key, row.label] = self.charges.get((row.key, row.label), 0) + amount

    def dropped(self, drops):
        """What has left takes its sum along."""
        for drop in drops:
            if drop.label:
                assert self.charges.pop((drop.key, drop.label), 0) == drop.used
        drops.clear()

    def opened(self, reservation):
        self.open[reservation.id] = (reservation.expires_at_ms, [hold[2] for hold in reservation.holds])

    def closed(self, reservation):
        del self.open[reservation.id]


class Walk:
    """One walk. `step` does something to both."""

    def __init__(self, seed):
        from gateway.engine.ledger import Ledger
        from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec

        self.rate, self.budget, self.slots, self.new = RateSpec, BudgetSpec, SlotSpec, DistinctSpec
        self.day, self.month = Period.DAY, Period.MONTH
        self.pick = random.Random(seed)
        self.now = self.latest = T0
        self.books = Books()
        self.ledger = Ledger(self.books, self.books, ceiling=0)
        self.ledger.states.dropped = []
        self.model = RefLedger()
        self.due = {}
        self.ended = []
        self.limits = [self.some_limit(which) for which in range(LIMITS)]
        self.plans = [self.pick.sample(range(LIMITS), self.pick.randint(1, LIMITS)) for _ in range(PLANS)]
        self.tuples = {}

    def some_limit(self, which):
        amount, burst = self.pick.randint(1, 120), self.pick.randint(1, 120)
        return (
            self.rate("requests", Unit.REQUESTS, amount % 9 + 1, 60, burst % 7 + 1),
            self.rate("tokens", Unit.TOTAL_TOKENS, amount, 60, burst),
            self.rate("tokens-2h", Unit.TOTAL_TOKENS, amount * 7, 7200, burst),
            self.rate("tokens-audit", Unit.TOTAL_TOKENS, amount, 60, burst, shadow=True),
            self.budget("money", Unit.USD, amount + burst, self.day, "Europe/Berlin"),
            self.budget("money-audit", Unit.USD, amount, self.day, "UTC", shadow=True),
            self.budget("monthly", Unit.TOTAL_TOKENS, amount + burst, self.month, "Europe/Berlin", 29),
            self.slots("slots", amount % 4),
            self.new("new", Unit.DISTINCT_PROMPTS, amount % 4, 3600),
            self.new("new-output", Unit.UNIQUE_OUTPUT_TOKENS, amount, 3600),
            self.new("new-output-audit", Unit.UNIQUE_OUTPUT_TOKENS, burst, 7200, shadow=True),
        )[which]

    def amounts(self):
        pick = self.pick
        prompt = pick.randint(1, 5)
        return {
            Unit.REQUESTS: pick.randint(0, 2),
            Unit.TOTAL_TOKENS: pick.randint(0, 60),
            Unit.USD: pick.randint(0, 40),
            Unit.DISTINCT_PROMPTS: prompt_amount(prompt),
            Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(prompt, pick.randint(0, 60)),
        }

    def both(self, ledger, model):
        found = []
        for call in (ledger, model):
            try:
                found.append(call())
            except NOT_FOUND as error:
                found.append(type(error))
        assert found[0] == found[1]
        self.ledger.states.owed = 0
        return found[1]

    def sweep(self):
        self.ledger.renew([], 1, self.now)
        self.model.renew([], 1, self.now)
        self.ledger.states.sweep(self.now, 1000)
        self.model.forget_untouched(self.now)

    def step(self):
        self.latest = max(self.latest, self.now)
        pick, now, what = self.pick, self.now, self.pick.random()
        names = [name for name, due in self.due.items() if self.latest < due + 3_600_000]
        name = pick.choice(names) if names else ""
        if what < 0.35 or not name:
            self.reserve()
        elif what < 0.55:
            self.now += pick.choice(STEPS_MS)
        elif what < 0.58:
            self.sweep()
            self.now -= pick.choice(BACK_MS)
        elif what < 0.61:
            self.sweep()
        elif what < 0.66:
            which = pick.randrange(LIMITS)
            self.limits[which] = self.some_limit(which)
        elif what < 0.75:
            # A stream's further output is nothing new: no caller tops those limits up.
            more = {unit: amount for unit, amount in self.amounts().items() if unit in STREAMED}
            if name not in self.model.live or now - self.model.live[name].since < 86_400_000:  # its period is kept
                self.both(
                    lambda: answered(self.ledger.top_up(name, more, now)), lambda: self.model.top_up(name, more, now)
                )
        elif what < 0.93:
            self.settle(name)
        else:
            some, ttl = pick.sample(names, pick.randint(0, len(names))), pick.randint(1, 90_000)
            self.ledger.renew(some, ttl, now)
            self.model.renew(some, ttl, now)
            self.sweep()

    def reserve(self):
        pick, now = self.pick, self.now
        name = f"r{len(self.due)}"
        specs = tuple(self.limits[which] for which in pick.choice(self.plans))
        specs = self.tuples.setdefault(specs, specs)  # as an account's limits come: the same object each time
        if len(self.due) % 3:
            self.ledger._bindings.pays(specs)  # as if the account had just been here; else as if it had not
        call = (specs, self.amounts(), self.amounts(), pick.choice([1, 1000, 60_000, 7_200_000, 200_000_000]), now)
        answer = self.both(lambda: answered(self.ledger.reserve(name, *call)), lambda: self.model.reserve(name, *call))
        if answer.granted:
            self.due[name] = now + call[3]

    def settle(self, name):
        actual = {unit: amount * (self.pick.choice([0, 1, 1, 9]) if unit in STREAMED else 1)
                  for unit, amount in self.amounts().items()}  # fmt: skip
        self.ledger.settle(name, actual, self.now)
        if self.model.settle(name, actual, self.now):
            # Both know the id, and neither takes it again or settles it twice.
            call = (name, self.limits[:1], {}, {}, 9, self.now)
            assert self.both(lambda: self.ledger.reserve(*call), lambda: self.model.reserve(*call)) is ValueError
            self.ledger.settle(name, {Unit.USD: 7}, self.now)

    def check(self):
        now, model = self.now, self.model
        readings = [(one.remaining, one.reset_ms, one.wait_ms) for one in self.ledger.peek(self.limits, now)]
        assert readings == model.peek(self.limits, now)
        held = {one.id: (one.reserved_at_ms, one.expires_at_ms) for one in self.ledger.held()}
        assert held == {name: (own.since, own.expires) for name, own in model.live.items()}
        assert self.books.open == {
            name: (own.expires, [part.amount for part in own.parts.values()]) for name, own in model.live.items()
        }
        assert sorted(self.books.clamped) == sorted(model.clamped)
        assert self.books.expired == model.expiries
        self.check_books()

    def check_books(self):
        self.books.dropped(self.ledger.states.dropped)
        for key, state in self.ledger.states.by_key.items():
            for label, row in getattr(state, "rows", {}).items():
                assert self.books.charges.get((key, label), 0) == row.used, "each use is charged once"
                assert row.used + row.held <= row.ceiling, "nothing is spent before it is durable"
                assert (row.ceiling < UNBOUNDED) == (not key.endswith("|audit"))
                self.books.kept(row, row.used + row.held)
            if hasattr(state, "holds"):
                self.books.kept(state, len({*state.holds, *state.spent}))
        self.books.told.clear()


def walk(seed, steps):
    it = Walk(seed)
    for _ in range(steps):
        it.step()
        it.check()
