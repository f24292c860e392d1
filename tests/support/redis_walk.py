"""A random walk of the Lua ledger beside the Python one: any difference is an AssertionError."""

import random

from gateway.core.units import Unit, prompt_amount
from gateway.engine.ledger import Ledger
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec
from tests.support.redis_ledger import RedisLedger, same_state

T0 = 1_774_735_190_000  # ten seconds before Berlin's 23-hour day of 2026-03-29

STREAMED = (Unit.REQUESTS, Unit.TOTAL_TOKENS, Unit.USD)


def some_limit(pick):
    shadow, amount, burst = pick.random() < 0.3, pick.randint(1, 120), pick.randint(1, 120)
    which = pick.randrange(8)
    if which == 0:
        return RateSpec("requests", Unit.REQUESTS, amount, 60, burst, shadow)
    if which in {1, 2}:
        window = pick.choice([60, 60, 60, 1, 7200, 3601])
        return RateSpec(f"tokens-{which}", Unit.TOTAL_TOKENS, amount, window, burst, shadow)
    if which == 3:
        zone = pick.choice(["Europe/Berlin", "Europe/Berlin", "UTC", "Asia/Tokyo"])
        return BudgetSpec("money", Unit.USD, amount + burst, Period.DAY, zone, 1, shadow)
    if which == 4:
        return BudgetSpec(
            "monthly", Unit.TOTAL_TOKENS, amount + burst, Period.MONTH, "UTC", pick.choice([1, 1, 29]), shadow
        )
    if which == 5:
        return DistinctSpec("new", Unit.DISTINCT_PROMPTS, amount % 4, 3600, shadow)
    if which == 6:
        return DistinctSpec("new-output", Unit.UNIQUE_OUTPUT_TOKENS, amount, 3600, shadow)
    return SlotSpec("slots", amount % 4, shadow)


def some_amounts(pick):
    tokens, prompt = pick.randint(0, 60), pick.randint(0, 5)
    return {
        Unit.REQUESTS: pick.randint(0, 2), Unit.TOTAL_TOKENS: tokens, Unit.USD: pick.randint(0, 40),
        Unit.DISTINCT_PROMPTS: prompt_amount(prompt), Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(prompt, tokens),
    }  # fmt: skip


class Walk:
    """One walk. `step` does something to both."""

    def __init__(self, twin: RedisLedger, seed: int) -> None:
        self.pick = random.Random(seed)
        self.now = self.latest = T0
        self.ledger = Ledger(self)
        self.twin = twin
        self.clamped: list = []
        self.names: list[str] = []
        self.asked: dict[str, list] = {}
        self.limits = [some_limit(self.pick) for _ in range(10)]

    def emit(self, name: str, **fields: object) -> None:
        """The engine's events, to be compared with what the script reports."""
        if name == "ledger.debt_clamped":
            self.clamped.append((fields["unit"], fields["units"]))

    def both(self, call) -> object:
        found = []
        for ledger in (self.ledger, self.twin):
            try:
                found.append(call(ledger))
            except (KeyError, TypeError, ValueError) as error:
                found.append(type(error))
        assert found[0] == found[1], found
        self.ledger.states.owed = 0
        return found[0]

    def sweep(self) -> None:
        self.ledger.renew([], 1, self.now)
        self.ledger.states.sweep(self.now, 1000)
        self.twin.sweep_all(self.now)

    def settleable(self) -> list[str]:
        """Open, or expired and by no clock forgotten; when exactly a tombstone goes is each ledger's own affair."""
        ends = {name: until for until, name in self.ledger._tombstones._expired_ends}
        expired = [name for name in self.ledger._tombstones._expired if ends[name] > self.latest]
        return sorted([*self.ledger._live, *expired]) or ["nobody"]

    def step(self) -> None:
        self.latest = max(self.latest, self.now)
        pick, now = self.pick, self.now
        name = pick.choice(self.names) if self.names else ""
        what = pick.random()
        if what < 0.35:
            self.reserve()
        elif what < 0.55:
            self.now += pick.choice([1, 50, 999, 1000, 7000, 30_000, 59_999, 60_001, 3_600_000, 86_400_000])
        elif what < 0.58:
            self.sweep()
            self.now -= pick.choice([1, 500, 5000, 60_001, 7_200_000, 90_000_000])
        elif what < 0.61:
            self.sweep()
        elif what < 0.64:
            self.limits[pick.randrange(10)] = some_limit(pick)
        elif what < 0.70:
            self.both(lambda ledger: ledger.peek(self.limits[:4], now))
        elif not name:
            return
        elif what < 0.78:
            # A stream's further output is nothing new: no caller tops those limits up.
            more = {unit: amount for unit, amount in some_amounts(pick).items() if unit in STREAMED}
            self.both(lambda ledger: ledger.top_up(name, more, now))
        elif what < 0.94:
            name = pick.choice(self.settleable())
            actual = {unit: amount * (9 if unit in STREAMED and pick.random() < 0.2 else 1)
                      for unit, amount in some_amounts(pick).items()}  # fmt: skip
            self.both(lambda ledger: ledger.settle(name, actual, now))
        else:
            some = pick.sample(self.names, pick.randint(0, len(self.names)))
            ttl = pick.randint(1, 90_000)
            self.both(lambda ledger: ledger.renew(some, ttl, now))

    def reserve(self) -> None:
        pick, now = self.pick, self.now
        specs = list({(spec.key, spec.shadow): spec for spec in pick.sample(self.limits, pick.randint(1, 5))}.values())
        what, late, ttl = some_amounts(pick), some_amounts(pick), pick.choice([1, 1000, 60_000, 200_000, 7_200_000])
        name = f"r{len(self.names)}"
        if self.ledger._live and pick.random() < 0.05:
            name = pick.choice(sorted(self.ledger._live))
            specs = self.asked[name]
        verdict = self.both(lambda ledger: ledger.reserve(name, specs, what, late, ttl, now))
        if getattr(verdict, "granted", False) and name not in self.names:
            self.names.append(name)
            self.asked[name] = specs

    def check(self) -> None:
        same_state(self.ledger, self.twin, self.now)
        assert self.clamped == self.twin.clamped
        assert sorted(self.ledger.held(), key=str) == sorted(self.twin.held(), key=str)
        assert self.twin.verify().mismatches == (), "the ledger explains every budget"


def walk(twin: RedisLedger, seed: int, steps: int) -> None:
    """Raises AssertionError at the first difference."""
    it = Walk(twin, seed)
    for n in range(steps):
        it.step()
        if n % 4 == 0:
            it.check()
    it.check()
