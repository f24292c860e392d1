"""What every store promises, one body for all of them."""

import asyncio

import pytest

from gateway.core.clock import ManualClock
from gateway.core.ports import NoEvents
from gateway.core.redis_target import parse
from gateway.core.units import Unit, prompt_amount
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec
from gateway.stores.base import StoreUnavailable
from gateway.stores.open import open_store
from gateway.stores.redis.store import RedisStore
from tests.support.redis_server import PATIENT, redis_cluster, redis_server

RATE = RateSpec("acme|tokens", Unit.TOTAL_TOKENS, 600, 60, 100)
MONEY = BudgetSpec("acme|usd", Unit.USD, 1000, Period.DAY, "Europe/Berlin")
SLOTS = SlotSpec("acme|slots", 2)
ALL = (RATE, MONEY, SLOTS)
TTL = 30_000


def want(tokens=0, usd=0):
    return {Unit.TOTAL_TOKENS: tokens, Unit.USD: usd}


@pytest.fixture(scope="module")
def one_redis():
    with redis_server() as server:
        yield [server]


@pytest.fixture(scope="module")
def three_redis():
    with redis_cluster() as servers:
        yield servers


@pytest.fixture(params=[
    "memory", "sqlite", pytest.param("redis", marks=pytest.mark.redis), pytest.param("cluster", marks=pytest.mark.redis)
])  # fmt: skip
def make(request, tmp_path):
    """From a clock to a store that is not open yet."""
    if request.param == "memory":
        return lambda clock: open_store("memory:", clock, NoEvents())
    if request.param == "sqlite":
        return lambda clock: open_store(f"sqlite:{tmp_path / 'usage.db'}", clock, NoEvents())
    servers = request.getfixturevalue("one_redis" if request.param == "redis" else "three_redis")
    for server in servers:
        server.say("FLUSHALL")
    scheme = "redis" if request.param == "redis" else "redis+cluster"
    target = parse(f"{scheme}://127.0.0.1:{servers[0].port}")
    return lambda clock: RedisStore(target, clock, dial=PATIENT, clock_decides=True)


def with_store(make, body):
    """Run `body(store, clock)` on an open store and close it."""

    async def run():
        clock = ManualClock()
        store = make(clock)
        await store.open()
        try:
            await body(store, clock)
        finally:
            await store.close()

    asyncio.run(run())


def test_all_or_nothing(make):
    async def body(store, _clock):
        before = await store.peek(ALL)
        verdict = await store.reserve("a", ALL, want(50, 1001), want(), TTL)
        assert not verdict.granted
        assert verdict.failing == (1,)
        assert verdict.readings[1].wait_ms is None
        assert await store.peek(ALL) == before
        assert await store.held() == []
        assert store.degraded is False

    with_store(make, body)


def test_settle_refunds_and_frees_the_slot(make):
    async def body(store, _clock):
        verdict = await store.reserve("a", ALL, want(100, 900), want(), TTL)
        assert [reading.remaining for reading in verdict.readings] == [0, 100, 1]
        store.settle("a", want(40, 300))
        store.settle("a", want(99, 999))
        assert [reading.remaining for reading in await store.peek(ALL)] == [60, 700, 2]

    with_store(make, body)


def test_more_than_reserved_is_debited_without_asking(make):
    async def body(store, _clock):
        await store.reserve("a", ALL, want(10, 10), want(), TTL)
        store.settle("a", want(150, 1500))
        readings = await store.peek(ALL)
        assert [reading.remaining for reading in readings] == [-50, -500, 2]
        denied = await store.reserve("b", ALL, want(1, 1), want(), TTL)
        assert denied.failing == (0, 1)
        assert denied.readings[0].wait_ms == 5100  # 51 tokens at 10 a second

    with_store(make, body)


def test_the_same_id_again_is_the_same_answer(make):
    async def body(store, _clock):
        first = await store.reserve("a", ALL, want(60, 60), want(), TTL)
        assert await store.reserve("a", ALL, want(60, 60), want(), TTL) == first
        assert (await store.peek(ALL))[0].remaining == 40
        store.settle("a", want())
        with pytest.raises(ValueError, match="used once"):
            await store.reserve("a", ALL, want(60, 60), want(), TTL)

    with_store(make, body)


def test_expiry_commits_money_and_what_was_named_for_rates(make):
    async def body(store, clock):
        await store.reserve("a", ALL, want(100, 900), want(30, 5), 1000)
        clock.advance(1)
        store.renew([], TTL)
        assert [reading.remaining for reading in await store.peek(ALL)] == [70, 100, 2]
        store.settle("a", want(80, 200))  # late: the difference, once
        store.settle("a", want(0, 0))
        assert [reading.remaining for reading in await store.peek(ALL)] == [20, 800, 2]

    with_store(make, body)


def test_renewing_keeps_a_reservation_alive(make):
    async def body(store, clock):
        await store.reserve("a", ALL, want(10, 10), want(), 1000)
        clock.advance(0.9)
        store.renew(["a", "never seen"], 1000)
        clock.advance(0.9)
        store.renew([], 1000)
        held = await store.held()
        assert [(h.id, h.expires_at_ms - clock.now_ms()) for h in held] == [("a", 100)]
        assert held[0].amounts == {"total_tokens": 10, "usd": 10, "concurrent": 1}

    with_store(make, body)


def test_top_up_is_all_or_nothing(make):
    async def body(store, _clock):
        await store.reserve("a", ALL, want(10, 100), want(), TTL)
        assert (await store.top_up("a", want(20, 900))).granted
        denied = await store.top_up("a", want(20, 1))
        assert denied.failing == (1,)
        assert [reading.remaining for reading in await store.peek(ALL)] == [70, 0, 1]
        store.settle("a", want(30, 500))
        assert [reading.remaining for reading in await store.peek(ALL)] == [70, 500, 2]
        with pytest.raises(KeyError):
            await store.top_up("a", want(1))

    with_store(make, body)


def test_a_shadow_limit_never_denies_and_is_debited_as_if_enforced(make):
    shadow = RateSpec("acme|tokens", Unit.TOTAL_TOKENS, 60, 60, 30, shadow=True)

    async def body(store, _clock):
        first = await store.reserve("a", (RATE, shadow), want(20), want(), TTL)
        second = await store.reserve("b", (RATE, shadow), want(20), want(), TTL)
        assert (first.granted, first.shadow_failing) == (True, ())
        assert (second.granted, second.failing, second.shadow_failing) == (True, (), (1,))
        assert [reading.remaining for reading in await store.peek((RATE, shadow))] == [60, 10]
        store.settle("b", want(0))
        assert [reading.remaining for reading in await store.peek((RATE, shadow))] == [80, 10]

    with_store(make, body)


def test_interleaved_requests_never_exceed_any_limit(make):
    async def body(store, _clock):
        async def one(i):
            verdict = await store.reserve(f"r{i}", (RATE, MONEY), want(7, 90), want(), TTL)
            await asyncio.sleep(0)
            if verdict.granted and i % 3 == 0:
                store.settle(f"r{i}", want(7, 90))
            return verdict.granted

        granted = await asyncio.gather(*(one(i) for i in range(100)))
        assert sum(granted) == 11  # 11 × 90 of 1000; 11 × 7 of 100
        assert [reading.remaining for reading in await store.peek((RATE, MONEY))] == [23, 10]

    with_store(make, body)


def test_the_same_key_twice_is_a_mistake_in_the_caller(make):
    async def body(store, _clock):
        with pytest.raises(ValueError, match="share a key"):
            await store.reserve("a", (RATE, RATE), want(1), want(), TTL)
        assert (await store.peek((RATE,)))[0].remaining == 100

    with_store(make, body)


def test_changing_a_limit_keeps_usage(make):
    smaller = RateSpec(RATE.key, RATE.unit, 600, 60, 50)
    cheaper = BudgetSpec(MONEY.key, MONEY.unit, 500, Period.DAY, MONEY.zone)

    async def body(store, _clock):
        await store.reserve("a", ALL, want(60, 300), want(), TTL)
        store.settle("a", want(60, 300))
        assert [reading.remaining for reading in await store.peek((smaller, cheaper))] == [40, 200]
        assert (await store.reserve("b", (smaller, cheaper), want(40, 201), want(), TTL)).failing == (1,)
        assert (await store.reserve("c", (smaller, cheaper), want(40, 200), want(), TTL)).granted

    with_store(make, body)


PROMPTS = DistinctSpec("acme|prompts", Unit.DISTINCT_PROMPTS, 2, 3600)
UNIQUE = DistinctSpec("acme|unique", Unit.UNIQUE_OUTPUT_TOKENS, 100, 3600)


def asks(prompt, tokens=0):
    return {Unit.DISTINCT_PROMPTS: prompt_amount(prompt), Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(prompt, tokens)}


def test_a_prompt_counts_once_and_is_never_given_back(make):
    async def body(store, clock):
        for number, prompt in enumerate((1, 2, 1, 2)):
            verdict = await store.reserve(str(number), (PROMPTS, UNIQUE), asks(prompt, 30), {}, TTL)
            assert verdict.granted
            store.settle(str(number), asks(prompt, 10))
        denied = await store.reserve("new", (PROMPTS, UNIQUE), asks(3, 30), {}, TTL)
        assert denied.failing == (0,)
        assert [reading.remaining for reading in await store.peek((PROMPTS, UNIQUE))] == [0, 80]
        clock.advance(denied.readings[0].wait_ms / 1000)
        assert (await store.reserve("later", (PROMPTS, UNIQUE), asks(3, 30), {}, TTL)).granted
        assert [one.amounts for one in await store.held()] == [{"distinct_prompts": 1, "unique_output_tokens": 30}]

    with_store(make, body)


def test_an_answer_broken_off_does_not_make_its_prompt_free(make):
    async def body(store, _clock):
        await store.reserve("broken off", (UNIQUE,), asks(1, 90), {}, TTL)
        store.settle("broken off", asks(1, 5))
        assert (await store.peek((UNIQUE,)))[0].remaining == 95
        assert (await store.reserve("too long", (UNIQUE,), asks(1, 101), {}, TTL)).failing == (0,)
        assert (await store.reserve("again", (UNIQUE,), asks(1, 100), {}, TTL)).readings[0].remaining == 0
        assert (await store.reserve("other", (UNIQUE,), asks(2, 1), {}, TTL)).failing == (0,)
        store.settle("again", asks(1, 60))
        assert (await store.reserve("paid", (UNIQUE,), asks(1, 60), {}, TTL)).readings[0].remaining == 40

    with_store(make, body)


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_requests_open_at_once_on_one_prompt_are_charged_the_longest(make, order):
    """One settles 15 of 30, one 25, one is never settled and counts what it reserved."""
    written = {"a": 15, "b": 25}

    async def body(store, clock):
        await store.reserve("expires", (UNIQUE,), asks(1, 20), {}, 1000)
        for name in ("a", "b"):
            await store.reserve(name, (UNIQUE,), asks(1, 30), {}, TTL)
        assert (await store.peek((UNIQUE,)))[0].remaining == 20
        store.settle(order[0], asks(1, written[order[0]]))
        assert (await store.peek((UNIQUE,)))[0].remaining == 100 - 20 - 30 - written[order[0]]
        clock.advance(1)
        store.renew([], TTL)
        assert (await store.peek((UNIQUE,)))[0].remaining == 100 - 30 - max(20, written[order[0]])
        store.settle(order[1], asks(1, written[order[1]]))
        assert (await store.peek((UNIQUE,)))[0].remaining == 75
        store.settle("expires", asks(1, 90))
        assert (await store.peek((UNIQUE,)))[0].remaining == 75

    with_store(make, body)


def test_after_a_clock_leapt_ahead_and_came_back_a_limit_is_shut_for_one_window_only(make):
    async def body(store, clock):
        clock.step(30 * 86_400)
        for prompt in (1, 2):
            await store.reserve(str(prompt), (PROMPTS, UNIQUE), asks(prompt, 40), {}, 90 * 86_400_000)
        store.settle("1", asks(1, 30))
        clock.step(-30 * 86_400)
        denied = await store.reserve("new", (PROMPTS, UNIQUE), asks(3, 40), {}, TTL)
        assert denied.failing == (0, 1)
        assert denied.readings[0].wait_ms <= 3_720_000
        store.settle("2", asks(2, 10))
        assert [reading.remaining for reading in await store.peek((PROMPTS, UNIQUE))] == [0, 60]
        clock.advance(denied.readings[0].wait_ms / 1000)
        assert [reading.remaining for reading in await store.peek((PROMPTS, UNIQUE))] == [2, 100]
        assert (await store.reserve("later", (PROMPTS, UNIQUE), asks(3, 40), {}, TTL)).granted

    with_store(make, body)


def test_what_is_new_in_audit_mode_refuses_nobody_and_is_promoted(make):
    shadow = DistinctSpec(PROMPTS.key, PROMPTS.unit, 1, PROMPTS.window_s, shadow=True)

    async def body(store, _clock):
        assert (await store.reserve("a", (shadow,), asks(1), {}, TTL)).granted
        verdict = await store.reserve("b", (shadow,), asks(2), {}, TTL)
        assert (verdict.granted, verdict.shadow_failing) == (True, (0,))
        enforced = DistinctSpec(PROMPTS.key, PROMPTS.unit, 1, PROMPTS.window_s)
        assert (await store.reserve("c", (enforced,), asks(2), {}, TTL)).failing == (0,)
        assert (await store.reserve("d", (enforced,), asks(1), {}, TTL)).granted

    with_store(make, body)


def test_the_ledger_explains_every_budget(make):
    """Settled, settled late, expired, open, topped up, in audit, promoted: whatever a counter says has its history."""
    audited = BudgetSpec("acme|audited", Unit.USD, 50, Period.DAY, shadow=True)
    enforced = BudgetSpec("acme|audited", Unit.USD, 50, Period.DAY)

    async def body(store, clock):
        if store.name == "memory":
            with pytest.raises(StoreUnavailable, match="keeps no ledger"):
                await store.verify()
            return
        for name in ("settled", "late", "open"):
            await store.reserve(name, (*ALL, audited), want(5, 20), want(), 1000)
            store.settle("settled", want(5, 7))
        await store.top_up("open", want(0, 3))
        clock.advance(1.5)
        store.renew([], TTL)
        store.settle("late", want(5, 4))
        await store.reserve("promoted", (enforced,), want(0, 1), want(), TTL)
        await store.peek(ALL)  # a remote store has been told everything when it answers this
        report = await store.verify()
        assert report.mismatches == ()
        assert report.counters == 3
        assert report.entries >= 4
        clock.advance(3 * 86_400)
        store.renew([], TTL)
        await store.reserve("new day", (*ALL, audited, SlotSpec("other", 1)), want(5, 20), want(), 1000)
        assert (await store.verify()).mismatches == ()

    with_store(make, body)
