"""Reading bodies: whole or not at all, and never on credit."""

import asyncio
import contextlib
from unittest import mock

from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from gateway.core import reasons
from gateway.server.body import BodyBudget, Lease, read_body
from gateway.server.reference_lane import AiohttpBody


def test_the_budget_is_for_all_and_for_each():
    budget = BodyBudget(100, 60)
    assert budget.take("a", 60)
    assert not budget.take("a", 1), "the account's share is used up"
    assert budget.take("b", 40)
    assert not budget.take("c", 1), "all of it is used up"
    budget.give_back("a", 20)
    assert budget.take("c", 20)
    budget.give_back("a", 40)
    budget.give_back("b", 40)
    budget.give_back("c", 20)
    assert budget.used == 0
    assert not budget.take("d", 101)
    assert not budget._by_account, "nobody is remembered who holds nothing"


def test_a_lease_grows_and_ends_whatever_happens():
    budget = BodyBudget(100, 100)
    with contextlib.suppress(ZeroDivisionError), Lease(budget, "a") as held:
        assert held.grow_to(40)
        assert held.grow_to(30)
        assert held.size == 40
        assert held.grow_to(100)
        assert not held.grow_to(101)
        assert budget.used == 100
        raise ZeroDivisionError
    assert budget.used == 0
    held.release()
    assert budget.used == 0


def read(feed, *, budget=None, headers=(), max_bytes=1000, grace_s=5.0, min_rate=1000):
    """What `read_body` makes of a stream that `feed` fills, and the lease it was read on."""

    async def scenario():
        loop = asyncio.get_running_loop()
        stream = StreamReader(mock.Mock(_reading_paused=False), 2**16, loop=loop)
        request = make_mocked_request("POST", "/", headers=CIMultiDict(headers), payload=stream)
        held = Lease(budget or BodyBudget(10_000, 10_000), "a")
        feeding = asyncio.create_task(feed(stream))
        await asyncio.sleep(0)
        got = await read_body(AiohttpBody(request), held, max_bytes=max_bytes, grace_s=grace_s, min_rate=min_rate)
        feeding.cancel()
        return got, held

    return asyncio.run(scenario())


def whole(*chunks):
    async def feed(stream):
        for chunk in chunks:
            stream.feed_data(chunk)
            await asyncio.sleep(0)
        stream.feed_eof()

    return feed


def test_a_body_that_is_all_here():
    got, held = read(whole(b"hello"), headers=[("Content-Length", "5")])
    assert (got, held.size) == (b"hello", 5)


def test_a_body_in_pieces():
    got, held = read(whole(b"he", b"", b"l", b"lo"))
    assert (got, held.size) == (b"hello", 5)


def test_a_body_without_length_that_grows_too_large():
    got, _ = read(whole(b"x" * 600, b"x" * 600))
    assert got.reason is reasons.BODY_TOO_LARGE
    assert got.details == {"limit_bytes": 1000}


def test_no_room_by_announcement_and_on_arrival():
    budget = BodyBudget(10, 10)
    got, held = read(whole(b"x" * 11), budget=budget, headers=[("Content-Length", "11")])
    assert got.reason is reasons.OVERLOADED
    assert held.size == 0
    got, held = read(whole(b"x" * 6, b"x" * 6), budget=budget)
    assert got.reason is reasons.OVERLOADED
    assert (held.size, got.retry_after_ms) == (6, 1000)


def test_a_body_that_does_not_come():
    async def nothing(_stream):
        await asyncio.Event().wait()

    got, _ = read(nothing, grace_s=0.01)
    assert got.reason is reasons.REQUEST_TIMEOUT
    assert "1000 bytes per second" in got.message


def test_what_has_arrived_buys_time_and_what_was_announced_does_not():
    async def some(stream):
        stream.feed_data(b"x" * 900)
        loop = asyncio.get_running_loop()
        loop.call_later(0.2, stream.feed_eof)
        await asyncio.Event().wait()

    assert read(some, grace_s=0.01)[0] == b"x" * 900
    got, _ = read(some, grace_s=0.01, min_rate=10**6, headers=[("Content-Length", "1000")])
    assert got.reason is reasons.REQUEST_TIMEOUT


def test_broken_framing():
    async def broken(stream):
        stream.feed_data(b"x")
        stream.set_exception(web.RequestPayloadError("no"))

    assert read(broken)[0].reason is reasons.INVALID_REQUEST
