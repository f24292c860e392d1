"""The buffer between an upstream and its reader."""

import asyncio

import pytest

from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.pool.body import HIGH, PIECE, Body


class Tap(asyncio.ReadTransport):
    def __init__(self):
        super().__init__()
        self.turned = []

    def pause_reading(self):
        self.turned.append("off")

    def resume_reading(self):
        self.turned.append("on")


@pytest.fixture
def tap():
    return Tap()


def failed(text):
    return UpstreamFailed("body", text)


def test_a_full_one_stops_the_reading_once_until_it_is_emptied(tap):
    body = Body(tap)
    most = b"x" * (HIGH - PIECE)
    body.push(most)
    assert tap.turned == []
    body.push(b"y")
    body.push(b"z")
    assert tap.turned == ["off"]
    assert body.pop() == most + b"yz"
    assert tap.turned == ["off", "on"]
    body.push(most)
    assert body.pop() == most
    assert tap.turned == ["off", "on"]


def test_tiny_pieces_count_for_what_they_take(tap):
    body = Body(tap)
    for _ in range(HIGH // (PIECE + 1)):
        body.push(b"x")
    assert tap.turned == []
    body.push(b"x")
    assert tap.turned == ["off"]


def test_the_end_comes_after_what_is_there(tap):
    body = Body(tap)
    assert not body.ready()
    body.push(b"a")
    body.end()
    assert [body.pop(), body.pop(), body.pop()] == [b"a", b"", b""]


def test_a_failure_comes_after_what_is_there_and_the_first_one_stands(tap):
    body = Body(tap)
    body.push(b"a")
    body.fail(failed("first"))
    body.fail(failed("second"))
    assert body.pop() == b"a"
    for _ in range(2):
        with pytest.raises(UpstreamFailed, match="first"):
            body.pop()


def test_what_is_whole_cannot_fail_any_more(tap):
    body = Body(tap)
    body.push(b"a")
    body.end()
    body.fail(failed("late"))
    assert [body.pop(), body.pop()] == [b"a", b""]


def test_whoever_waits_is_woken_by_whatever_comes_first(tap):
    async def main():
        loop = asyncio.get_running_loop()
        for event in (lambda body: body.push(b"a"), lambda body: body.end(), lambda body: body.fail(failed("x"))):
            body = Body(tap)
            waiting = asyncio.ensure_future(body.wait(loop))
            await asyncio.sleep(0)
            assert not waiting.done()
            event(body)
            event(body)
            await waiting
            assert body.ready()

    asyncio.run(main())


def test_whoever_leaves_has_taken_nothing(tap):
    async def main():
        body = Body(tap)
        waiting = asyncio.ensure_future(body.wait(asyncio.get_running_loop()))
        await asyncio.sleep(0)
        waiting.cancel()
        body.push(b"a")
        await asyncio.gather(waiting, return_exceptions=True)
        return body.pop()

    assert asyncio.run(main()) == b"a"
