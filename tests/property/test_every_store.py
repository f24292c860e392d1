"""Memory, SQLite, a real Redis and a Redis Cluster side by side against the model in exact fractions.

Each store has a model of its own, since they differ in what a crash takes; where none does, all four say the same.
"""

import asyncio
import tempfile
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from gateway.core.clock import ManualClock
from gateway.core.units import Unit, prompt_amount
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec
from gateway.engine.tombstones import LATE_MS
from gateway.stores import sqlite
from tests.support.redis_server import redis_cluster, redis_server
from tests.support.reference_sides import MemorySide, RedisSide, SqliteSide

pytestmark = pytest.mark.redis

T0 = 1_774_735_190_000  # ten seconds before Berlin's 23-hour day of 2026-03-29, which ends a period of the month too
HOMES = count()
LIMITS = (
    RateSpec("requests", Unit.REQUESTS, 6, 60, 4),
    RateSpec("tokens", Unit.TOTAL_TOKENS, 100, 60, 70),
    RateSpec("tokens-2h", Unit.TOTAL_TOKENS, 700, 7200, 200),
    RateSpec("tokens-audit", Unit.TOTAL_TOKENS, 30, 60, 30, shadow=True),
    BudgetSpec("money", Unit.USD, 150, Period.DAY, "Europe/Berlin"),
    BudgetSpec("money-audit", Unit.USD, 60, Period.DAY, "UTC", shadow=True),
    BudgetSpec("monthly", Unit.TOTAL_TOKENS, 300, Period.MONTH, "Europe/Berlin", 29),
    SlotSpec("slots", 3),
    DistinctSpec("new", Unit.DISTINCT_PROMPTS, 3, 3600),
    DistinctSpec("new-output", Unit.UNIQUE_OUTPUT_TOKENS, 90, 3600),
    DistinctSpec("new-output-audit", Unit.UNIQUE_OUTPUT_TOKENS, 60, 7200, shadow=True),
)
amounts = st.fixed_dictionaries({
    Unit.REQUESTS: st.integers(0, 2), Unit.TOTAL_TOKENS: st.integers(0, 60), Unit.USD: st.integers(0, 40),
})  # fmt: skip
prompts = st.integers(1, 5)
which = st.sets(st.integers(0, len(LIMITS) - 1), min_size=1)
picks = st.randoms(use_true_random=False)


def asking(what, prompt):
    """An amount for every unit: what is new is counted by the prompt, and its output like the tokens of all."""
    unique = prompt_amount(prompt, what[Unit.TOTAL_TOKENS])
    return what | {Unit.DISTINCT_PROMPTS: prompt_amount(prompt), Unit.UNIQUE_OUTPUT_TOKENS: unique}


class Stores(RuleBasedStateMachine):
    """`one` and `three` are the servers, given by the test."""

    one = three = None

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock(T0)
        self.latest = T0
        home = f"h{next(HOMES)}"
        self.limits = [replace(limit, home=home) for limit in LIMITS]
        self.serial = 0
        self.made: dict[str, int] = {}
        self.due: dict[str, int] = {}
        for server in (self.one, *self.three):
            server.say("FLUSHALL")
        self.sqlite = SqliteSide(self.clock, Path(self.folder.name))
        self.redis = RedisSide(self.clock, [self.one], self.one.url, home)
        self.cluster = RedisSide(self.clock, self.three, self.three[0].url.replace("redis:", "redis+cluster:"), home)
        self.sides = [MemorySide(self.clock), self.sqlite, self.redis, self.cluster]
        self.each(lambda side: side.store.open())

    def teardown(self):
        self.each(lambda side: side.store.close())
        self.runner.close()
        self.folder.cleanup()

    def each(self, call):
        async def run():
            return [await call(side) for side in self.sides]

        return self.runner.run(run())

    def usable(self):
        """Reservations that no store may have forgotten; when exactly it does is its own affair."""
        return [name for name, due in self.due.items() if self.latest < due + LATE_MS]

    @rule(ms=st.one_of(
        st.integers(1, 100), st.integers(1000, 90_000), st.sampled_from([60_000, 3_600_000, 7_200_000, 86_400_000])
    ))  # fmt: skip
    def clock_goes_on(self, ms):
        self.clock.step(ms / 1000)
        self.latest = max(self.latest, self.clock.now_ms())

    @rule(ms=st.one_of(st.integers(1, 5000), st.sampled_from([59_999, 60_001, 7_200_000, 90_000_000])))
    def clock_steps_back(self, ms):
        # What is idle now need not have been a while ago: it goes in all stores, or in none.
        self.each(lambda side: side.sweep())
        self.clock.step(-ms / 1000)

    @rule(take=which, what=amounts, prompt=prompts, on_expiry=amounts,
          ttl=st.sampled_from([1, 1000, 60_000, 7_200_000, 200_000_000]), again=st.booleans())  # fmt: skip
    def reserve(self, take, what, prompt, on_expiry, ttl, again):
        what = asking(what, prompt)
        self.serial += 1
        name = f"r{self.serial:04d}"
        specs = tuple(self.limits[i] for i in sorted(take))
        granted = self.each(lambda side: side.reserve(name, specs, what, on_expiry, ttl))
        if any(granted):
            self.made[name] = self.clock.now_ms()
            self.due[name] = self.clock.now_ms() + ttl
        if again and all(granted):
            self.each(lambda side: side.reserve(name, specs, what, on_expiry, ttl))

    @precondition(lambda self: self.usable())
    @rule(pick=picks, more=amounts)
    def top_up(self, pick, more):
        name = pick.choice(self.usable())
        if self.clock.now_ms() - self.made[name] < 86_400_000:  # its period is kept
            self.each(lambda side: side.top_up(name, more))

    @precondition(lambda self: self.usable())
    @rule(pick=picks, actual=amounts, factor=st.sampled_from([0, 1, 1, 9]), prompt=prompts, twice=st.booleans())
    def settle(self, pick, actual, factor, prompt, twice):
        """Open, expired, settled before: in time, late, twice."""
        name = pick.choice(self.usable())
        actual = asking({unit: amount * factor for unit, amount in actual.items()}, prompt)

        async def end(side):
            if await side.settle(name, actual) and twice:
                await side.settle_again(name, {Unit.USD: 1000})
                assert await side.reserve(name, (self.limits[0],), {}, {}, 1000) is False, "an id is used once"

        self.each(end)

    @precondition(lambda self: self.usable())
    @rule(pick=picks, ttl=st.integers(1, 90_000))
    def renew(self, pick, ttl):
        names = self.usable()
        some = pick.sample(names, pick.randint(0, len(names)))
        self.each(lambda side: side.renew(some, ttl))

    @rule(index=st.integers(0, len(LIMITS) - 1), amount=st.integers(1, 120), burst=st.integers(1, 120))
    def change_limit(self, index, amount, burst):
        old = self.limits[index]
        if isinstance(old, RateSpec):
            self.limits[index] = replace(old, amount=amount, burst=burst)
        else:
            self.limits[index] = replace(old, amount=amount % 5 if isinstance(old, SlotSpec) else amount + burst)

    @rule()
    def redis_forgets_its_scripts(self):
        self.redis.forget_scripts()
        self.cluster.forget_scripts()

    @rule(quiet=st.booleans())
    def the_process_with_sqlite_is_killed(self, quiet):
        self.write_every_limit()
        self.runner.run(self.sqlite.crash(quiet=quiet))
        self.write_every_limit()

    @rule()
    def the_process_with_sqlite_stops(self):
        self.write_every_limit()
        self.runner.run(self.sqlite.restart())
        self.write_every_limit()

    def write_every_limit(self):
        """A limit that has changed, or a clock, takes effect with the first call and is kept with the first hold."""
        specs = tuple(limit for limit in self.limits if not isinstance(limit, SlotSpec))
        self.serial += 1
        name = f"w{self.serial:04d}"
        assert all(self.each(lambda side: side.reserve(name, specs, {}, {}, 1000)))
        self.each(lambda side: side.settle(name, {}))

    @rule()
    def redis_is_killed(self):
        self.runner.run(self.redis.crash())

    @rule()
    def the_ledger_explains_every_counter(self):
        self.each(lambda side: side.verify())

    @invariant()
    def every_store_is_as_its_model_says(self):
        self.each(lambda side: side.agree(self.limits))


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    # A disk that many tests share may take longer over a commit than a request would wait.
    monkeypatch.setattr(sqlite, "PATIENCE_S", 60.0)


@pytest.fixture(scope="module")
def one_redis():
    # Written before it is answered and never synced: what a killed process leaves behind, whatever the disk does.
    with redis_server("--appendonly", "yes", "--appendfsync", "no") as server:
        yield server


@pytest.fixture(scope="module")
def three_redis():
    with redis_cluster() as servers:
        yield servers


def run(one, three, examples, steps):
    machine = type("Machine", (Stores,), {"one": one, "three": three})
    run_state_machine_as_test(machine, settings=settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, report_multiple_bugs=False,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    ))  # fmt: skip


def test_every_store_says_what_the_model_says(one_redis, three_redis):
    run(one_redis, three_redis, 25, 30)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_store_says_what_the_model_says_at_length(one_redis, three_redis):
    run(one_redis, three_redis, 150, 40)
