"""What every store of receipts promises, one body for all of them."""

import asyncio

import pytest

from gateway.core.clock import ManualClock
from gateway.receipts.claims import Claims, digest_of
from gateway.receipts.sqlite import SqliteReceipts
from gateway.receipts.store import MemoryReceipts, Receipt
from tests.support.receipts import ALWAYS, signers_of

RETENTION_S = 3600


def receipt(number, clock):
    claims = Claims(f"req-{number}", "acme", "sim-small", clock.now_ms() // 1000, digest_of(b"%d" % number), "body")
    return Receipt(claims, signers_of([ALWAYS]).at(0).sign(claims.payload()))


@pytest.fixture(params=["memory", "sqlite"])
def make(request, tmp_path):
    def new(clock, **more):
        if request.param == "memory":
            return MemoryReceipts(clock, retention_s=RETENTION_S, **more)
        bounds = {"most_waiting": more["most"]} if more else {}
        return SqliteReceipts(tmp_path / "receipts.sqlite", clock, retention_s=RETENTION_S, **bounds)

    return new


def run(store, body):
    async def opened():
        await store.open()
        try:
            await body(store)
        finally:
            await store.close()

    asyncio.run(opened())


def test_what_was_put_is_found_at_once(make):
    clock = ManualClock()
    some = [receipt(number, clock) for number in range(20)]

    async def body(store):
        for one in some:
            store.put(one)
            assert await store.get(one.claims.id) == one
        assert [await store.get(one.claims.id) for one in some] == some
        assert await store.get("req-20") is None
        assert await store.get("") is None
        assert store.dropped == 0

    run(make(clock), body)


def test_the_same_receipt_twice_is_one(make):
    clock = ManualClock()
    one = receipt(1, clock)

    async def body(store):
        store.put(one)
        store.put(one)
        assert await store.get("req-1") == one
        assert store.dropped == 0

    run(make(clock), body)


def test_after_the_retention_it_is_gone(make):
    clock = ManualClock()
    old = receipt(1, clock)

    async def body(store):
        store.put(old)
        clock.advance(RETENTION_S)
        assert await store.get("req-1") == old
        clock.advance(1)
        assert await store.get("req-1") is None
        new = receipt(2, clock)
        store.put(new)
        assert await store.get("req-2") == new
        assert await store.get("req-1") is None
        assert store.dropped == 0, "it was kept for as long as was promised"

    run(make(clock), body)


def test_what_has_no_room_is_counted(make):
    clock = ManualClock()

    async def body(store):
        for number in range(5):
            store.put(receipt(number, clock))
        found = [await store.get(f"req-{number}") for number in range(5)]
        assert sum(one is not None for one in found) == 3
        assert store.dropped == 2

    run(make(clock, most=3), body)
