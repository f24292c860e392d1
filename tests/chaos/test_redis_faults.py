"""Redis through everything that networks, operators and power cuts do to it."""

import asyncio
import signal
from itertools import count

import pytest

from gateway.core.clock import ManualClock
from gateway.core.redis_target import Target, parse
from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, Period, RateSpec, SlotSpec
from gateway.stores.base import StoreUnavailable
from gateway.stores.redis.breaker import FAILURES
from gateway.stores.redis.endpoint import Dial
from gateway.stores.redis.store import RedisStore
from gateway.stores.redis.undelivered import Undelivered
from tests.support.fault_proxy import FaultProxy
from tests.support.redis_server import redis_server

pytestmark = pytest.mark.redis

MONEY = BudgetSpec("acme|usd", Unit.USD, 1000, Period.DAY)
TOKENS = RateSpec("acme|tokens", Unit.TOTAL_TOKENS, 600, 60, 1000)
SLOTS = SlotSpec("acme|slots", 500)
ALL = (MONEY, TOKENS, SLOTS)
PATIENT = Dial(timeout_s=5)
HASTY = Dial(timeout_s=0.25, connect_s=1.0)
TTL = 30_000


def want(usd=0, tokens=0):
    return {Unit.USD: usd, Unit.TOTAL_TOKENS: tokens}


@pytest.fixture(scope="module")
def server():
    with redis_server() as one:
        yield one


@pytest.fixture(autouse=True)
def _empty(server):
    server.say("FLUSHALL")
    server.say("SCRIPT", "FLUSH")


def store_at(port, dial=PATIENT, clock=None, **more):
    return RedisStore(Target("single", (("127.0.0.1", port),)), clock or ManualClock(), dial=dial,
                      clock_decides=True, **more)  # fmt: skip


async def left(store):
    return [reading.remaining for reading in await store.peek(ALL)]


async def until(check):
    for _ in range(2000):
        if check():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("never happened")


async def until_left(store, expected):
    for _ in range(2000):
        try:
            if await left(store) == expected:
                return
        except StoreUnavailable:
            pass
        await asyncio.sleep(0.005)
    raise AssertionError(f"never {expected}: {await left(store)}")


@pytest.mark.parametrize("fault", ["cut", "swallow"])
def test_a_lost_reply_is_one_execution(server, fault):
    async def body():
        async with FaultProxy(server.port) as proxy:
            store = store_at(proxy.port, HASTY)
            await store.open()
            proxy.fault = f"{fault} once"
            assert (await store.reserve("a", ALL, want(100, 50), want(), TTL)).granted
            proxy.fault = f"{fault} once"
            assert (await store.top_up("a", want(10, 5))).granted
            assert await left(store) == [890, 945, 499]
            proxy.fault = f"{fault} once"
            store.settle("a", want(70, 7))
            await until(lambda: proxy.faults == 3)
            await until_left(store, [930, 993, 500])
            await until(lambda: not store.degraded)
            await store.close()

    asyncio.run(body())


def test_a_reserve_that_nobody_heard_of_is_undone(server):
    async def body():
        async with FaultProxy(server.port) as proxy:
            store = store_at(proxy.port, HASTY)
            await store.open()
            proxy.fault = "swallow"
            with pytest.raises(StoreUnavailable):
                await store.reserve("a", ALL, want(100, 50), want(), TTL)
            assert store.degraded
            proxy.fault = ""
            await until_left(store, [1000, 1000, 500])
            with pytest.raises(ValueError, match="used once"):
                await store.reserve("a", ALL, want(1), want(), TTL)
            await store.close()

    asyncio.run(body())


def test_every_caller_gets_its_own_answer_whoever_else_gives_up(server):
    """Each asks about a limit of its own; a third are cancelled, and the connection is cut twice."""
    specs = [(SlotSpec(f"slots-{i}", 1000 + i),) for i in range(300)]
    serial = count()

    async def body():
        async with FaultProxy(server.port) as proxy:
            store = store_at(proxy.port, Dial(timeout_s=0.5))
            await store.open()

            async def one(i):
                verdict = await store.reserve(f"{next(serial)}", specs[i], {}, {}, TTL)
                assert verdict.readings[0].remaining == 999 + i
                assert (await store.peek(specs[i]))[0].remaining == 999 + i
                return i

            for fault in ("", "cut once", "swallow once"):
                tasks = [asyncio.create_task(one(i)) for i in range(300)]
                await asyncio.sleep(0)
                proxy.fault = fault
                for task in tasks[::3]:
                    await asyncio.sleep(0)
                    task.cancel()
                answers = await asyncio.gather(*tasks, return_exceptions=True)
                for i, answer in enumerate(answers):
                    if isinstance(answer, asyncio.CancelledError):
                        assert i % 3 == 0
                    elif isinstance(answer, StoreUnavailable):
                        assert fault
                    else:
                        assert answer == i
                assert any(isinstance(answer, asyncio.CancelledError) for answer in answers)
                server.say("FLUSHALL")
            await store.close()

    asyncio.run(body())


def test_a_cancelled_caller_leaves_no_reservation_behind(server):
    async def body():
        store = store_at(server.port)
        await store.open()
        task = asyncio.create_task(store.reserve("a", ALL, want(100, 50), want(), TTL))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await left(store) == [1000, 1000, 500]
        await store.close()

    asyncio.run(body())


def test_scripts_flushed_all_the_time_are_no_error_and_no_double_debit(server):
    async def body():
        store = store_at(server.port)
        await store.open()
        done = False

        async def flush():
            while not done:
                await asyncio.to_thread(server.say, "SCRIPT", "FLUSH")
                await asyncio.sleep(0.002)

        flushing = asyncio.create_task(flush())

        async def one(i):
            assert (await store.reserve(f"r{i}", ALL, want(2, 2), want(), TTL)).granted
            await asyncio.sleep(0)
            store.settle(f"r{i}", want(1, 1))

        for first in range(0, 400, 20):
            await asyncio.gather(*(one(i) for i in range(first, first + 20)))
        done = True
        await flushing
        await until_left(store, [600, 600, 500])
        await store.close()

    asyncio.run(body())


def test_two_gateways_under_load_never_pass_a_limit_by_one(server):
    async def body():
        stores = [store_at(server.port), store_at(server.port)]
        for store in stores:
            await store.open()

        async def one(i):
            verdict = await stores[i % 2].reserve(f"r{i}", (MONEY, SLOTS), want(usd=7), {}, TTL)
            return verdict.granted

        granted = await asyncio.gather(*(one(i) for i in range(200)))
        assert sum(granted) == 1000 // 7
        assert await left(stores[1]) == [1000 - 7 * (1000 // 7), 1000, 500 - 1000 // 7]
        for store in stores:
            await store.close()

    asyncio.run(body())


def test_settlements_wait_in_a_file_for_a_redis_that_is_gone(tmp_path):
    path = tmp_path / "undelivered"
    clock = ManualClock()

    async def first(server):
        store = store_at(server.port, HASTY, clock, undelivered=Undelivered(path))
        await store.open()
        for name in ("a", "b"):
            await store.reserve(name, ALL, want(100, 50), want(), TTL)
        server.signal(signal.SIGSTOP)  # stops answering, loses nothing
        store.settle("a", want(30, 10))
        store.settle("b", want(40, 10))
        await until(lambda: path.exists() and path.read_bytes().count(b"\n") == 2)
        assert store.degraded
        await store.close()
        server.signal(signal.SIGCONT)

    async def second(server):
        store = store_at(server.port, PATIENT, clock, undelivered=Undelivered(path))
        await store.open()
        await until_left(store, [930, 980, 500])
        await until(lambda: not path.read_bytes())
        await store.close()
        again = store_at(server.port, PATIENT, clock, undelivered=Undelivered(path))
        await again.open()
        assert await left(again) == [930, 980, 500]
        await again.close()

    with redis_server() as server:
        asyncio.run(first(server))
        asyncio.run(second(server))


def test_a_restart_of_redis_is_met_with_503_and_then_with_service():
    with redis_server() as server:

        async def body():
            store = store_at(server.port, HASTY)
            await store.open()
            assert (await store.reserve("a", ALL, want(100, 50), want(), TTL)).granted
            await asyncio.to_thread(server.kill)
            for i in range(FAILURES + 2):
                with pytest.raises(StoreUnavailable):
                    await store.reserve(f"b{i}", ALL, want(1), want(), TTL)
            assert store.degraded
            await asyncio.to_thread(server.start)
            store.settle("a", want(1))  # of what the dead Redis has taken with it: nothing to do
            await until_left(store, [1000, 1000, 500])
            assert (await store.reserve("c", ALL, want(100, 50), want(), TTL)).granted
            await until(lambda: not store.degraded)
            await store.close()

        asyncio.run(body())


def test_a_redis_that_hangs_is_left_alone_after_a_few_timeouts():
    with redis_server() as server:

        async def body():
            async with FaultProxy(server.port) as proxy:
                store = store_at(proxy.port, HASTY)
                await store.open()
                proxy.fault = "stall"
                for i in range(4):
                    with pytest.raises(StoreUnavailable):
                        await store.reserve(f"r{i}", ALL, want(1), want(), TTL)
                before = proxy.connections
                for i in range(50):
                    with pytest.raises(StoreUnavailable):
                        await store.reserve(f"s{i}", ALL, want(1), want(), TTL)
                assert proxy.connections - before <= 2
                proxy.fault = ""
                await until_left(store, [1000, 1000, 500])
                await store.close()

        asyncio.run(body())


def test_the_clock_of_redis_decides_which_day_it_is(server):
    """Ours is a day behind: the period of the first call is over by Redis' clock, the second one fits."""

    async def body():
        real = int(server.say("TIME")[0]) * 1000
        store = RedisStore(parse(server.url), ManualClock(real - 86_400_000), dial=PATIENT)
        await store.open()
        assert (await store.reserve("a", ALL, want(100, 50), want(), TTL)).granted
        reading = (await store.peek((MONEY,)))[0]
        assert reading.remaining == 900
        assert 0 < reading.reset_ms <= 86_400_000
        store.settle("a", want(1))
        assert (await store.peek((MONEY,)))[0].remaining == 999
        await store.close()

    asyncio.run(body())
