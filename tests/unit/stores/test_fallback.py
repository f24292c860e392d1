"""A store that is lost and comes back: each class of limits does what is stated, and no reservation is mixed up."""

import asyncio

import pytest

from gateway.core.clock import ManualClock
from gateway.core.units import Unit, prompt_amount
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec
from gateway.stores.base import StoreUnavailable
from gateway.stores.fallback import FallbackStore, LimitClass, Loss, Stance, share_of
from gateway.stores.memory import MemoryStore

RATE = RateSpec("acme|tokens", Unit.TOTAL_TOKENS, 600, 60, 90)
COUNT = BudgetSpec("acme|requests", Unit.REQUESTS, 30, Period.DAY)
MONEY = BudgetSpec("acme|usd", Unit.USD, 1000, Period.DAY)
SLOTS = SlotSpec("acme|slots", 2)
NEW = DistinctSpec("acme|prompts", Unit.DISTINCT_PROMPTS, 10, 3600)
AMOUNTS = {Unit.TOTAL_TOKENS: 10, Unit.USD: 10, Unit.REQUESTS: 1, Unit.DISTINCT_PROMPTS: prompt_amount(1)}
TTL = 30_000


class Losable(MemoryStore):
    """A store that can be out of reach."""

    lost = False

    async def reserve(self, *args):
        if self.lost:
            raise StoreUnavailable("no answer within 100 ms")
        return await super().reserve(*args)


class Recorded:
    def __init__(self):
        self.names = []

    def emit(self, name, **fields):
        self.names.append(name)


def loss(**stances):
    every = dict.fromkeys(LimitClass, Stance.LOCAL) | {LimitClass(name): Stance(s) for name, s in stances.items()}
    return Loss(every, replicas=3, local_s=600)


def run(body, **stances):
    clock, events = ManualClock(), Recorded()
    remote = Losable(clock)
    store = FallbackStore(remote, loss(**stances), clock, events)
    return asyncio.run(body(store, remote, clock, events))


async def ask(store, name, *specs, amounts=AMOUNTS):
    return await store.reserve(name, specs, amounts, {}, TTL)


def test_a_share_is_a_part_and_never_nothing():
    assert (share_of(RATE, 3).amount, share_of(RATE, 3).burst) == (200, 30)
    assert share_of(SLOTS, 3).amount == 1
    assert share_of(SlotSpec("none", 0), 3).amount == 0
    assert share_of(MONEY, 7).amount == 142


def test_local_limits_hold_their_share_and_are_told_in_the_callers_own():
    async def body(store, remote, _clock, events):
        assert not (await ask(store, "before", RATE, SLOTS)).fallback
        remote.lost = True
        granted = [await ask(store, f"r{number}", RATE) for number in range(4)]
        assert [verdict.granted for verdict in granted] == [True, True, True, False]
        assert all(verdict.fallback for verdict in granted)
        assert granted[0].readings[0].spec is RATE
        assert granted[3].failing == (0,)
        assert granted[3].readings[0].wait_ms == 3000  # 10 tokens at 200 a minute
        assert store.degraded
        assert events.names == ["store.lost"]

    run(body)


def test_what_fits_the_limit_but_not_the_share_may_ask_again():
    async def body(store, remote, _clock, _events):
        remote.lost = True
        with pytest.raises(StoreUnavailable, match="no answer"):
            await ask(store, "a", RATE, amounts={Unit.TOTAL_TOKENS: 31})
        never = await ask(store, "b", RATE, amounts={Unit.TOTAL_TOKENS: 91})
        assert never.readings[0].wait_ms is None
        assert (await ask(store, "c", RATE, amounts={Unit.TOTAL_TOKENS: 30})).granted

    run(body)


@pytest.mark.parametrize(
    ("spec", "name"), [(MONEY, "money"), (RATE, "use"), (COUNT, "use"), (SLOTS, "concurrency"), (NEW, "new")]
)
def test_each_class_has_its_own_stance(spec, name):
    async def closed(store, remote, _clock, _events):
        remote.lost = True
        with pytest.raises(StoreUnavailable):
            await ask(store, "a", spec)

    async def opened(store, remote, _clock, _events):
        remote.lost = True
        for number in range(100):
            verdict = await ask(store, str(number), spec)
            assert verdict.granted
            assert verdict.readings[0].wait_ms == 0
        assert {held.keys for held in await store.held()} == {()}
        assert (await store.top_up("7", AMOUNTS)).granted

    run(closed, **{name: "closed"})
    run(opened, **{name: "open"})


def test_one_closed_limit_closes_the_request_and_an_open_one_does_not_count():
    async def body(store, remote, _clock, _events):
        remote.lost = True
        with pytest.raises(StoreUnavailable):
            await ask(store, "a", RATE, MONEY)
        verdict = await ask(store, "b", NEW, SLOTS)
        assert [reading.remaining for reading in verdict.readings] == [10, 0]
        denied = await ask(store, "c", NEW, SLOTS)
        assert denied.failing == (1,)

    run(body, money="closed", new="open")


def test_a_limit_in_audit_mode_closes_nobody():
    shadow = BudgetSpec(MONEY.key, MONEY.unit, 1000, Period.DAY, shadow=True)

    async def body(store, remote, _clock, _events):
        remote.lost = True
        assert (await ask(store, "a", shadow)).granted

    run(body, money="closed")


def test_local_is_for_a_time():
    async def body(store, remote, clock, _events):
        remote.lost = True
        assert (await ask(store, "a", COUNT)).granted
        clock.advance(600)
        assert (await ask(store, "b", COUNT)).granted
        clock.advance(1)
        with pytest.raises(StoreUnavailable):
            await ask(store, "c", COUNT)

    run(body)


def test_when_it_is_back_each_reservation_ends_where_it_was_made():
    async def body(store, remote, _clock, events):
        await ask(store, "remote", SLOTS, COUNT)
        remote.lost = True
        await ask(store, "local", SLOTS, COUNT)
        remote.lost = False
        assert (await ask(store, "second", SLOTS, COUNT)).granted
        assert events.names == ["store.lost", "store.back"]
        assert not store.degraded
        assert [held.id for held in await store.held()] == ["local", "remote", "second"]
        await store.top_up("local", {Unit.REQUESTS: 1})
        await store.top_up("remote", {Unit.REQUESTS: 2})
        store.renew(["local", "remote", "second"], TTL * 2)
        assert {held.expires_at_ms - held.reserved_at_ms for held in await store.held()} == {TTL * 2}
        for name in ("local", "remote", "second"):
            store.settle(name, {Unit.REQUESTS: 1})
        assert await store.held() == []
        assert (await store.peek((COUNT,)))[0].remaining == 28

    run(body)


def test_operators_see_what_is_held_here_while_the_store_is_lost():
    async def body(store, remote, _clock, _events):
        remote.lost = True
        await ask(store, "local", SLOTS)

        async def no_answer(_limit):
            raise StoreUnavailable("no answer")

        remote.held = no_answer
        assert [held.id for held in await store.held()] == ["local"]

    run(body)
