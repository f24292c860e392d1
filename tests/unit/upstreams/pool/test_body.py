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


def body_of(tap):
    body = Body(tap)
    body.left = 1 << 20
    return body


def push(body, data):
    body.parts.append(data)
    body.waits()


def failed(text):
    return UpstreamFailed("body", text)


def test_a_full_one_stops_the_reading_once_until_it_is_emptied(tap):
    body = body_of(tap)
    most = b"x" * (HIGH - PIECE)
    push(body, most)
    assert tap.turned == []
    push(body, b"y")
    push(body, b"z")
    assert tap.turned == ["off"]
    assert body.pop() == most + b"yz"
    assert tap.turned == ["off", "on"]
    push(body, most)
    assert body.pop() == most
    assert tap.turned == ["off", "on"]


def test_tiny_pieces_count_for_what_they_take(tap):
    body = body_of(tap)
    for _ in range(HIGH // (PIECE + 1)):
        push(body, b"x")
    assert tap.turned == []
    push(body, b"x")
    assert tap.turned == ["off"]


def test_the_end_comes_after_what_is_there(tap):
    body = body_of(tap)
    assert not body.ready()
    push(body, b"a")
    body.end()
    assert [body.pop(), body.pop(), body.pop()] == [b"a", b"", b""]


def test_no_more_comes_out_than_was_allowed(tap):
    body = body_of(tap)
    body.left = 3
    push(body, b"abc")
    assert body.pop() == b"abc"
    push(body, b"d")
    with pytest.raises(UpstreamFailed, match="over the size limit"):
        body.pop()


def test_a_failure_comes_after_what_is_there_and_the_first_one_stands(tap):
    body = body_of(tap)
    push(body, b"a")
    body.fail(failed("first"))
    body.fail(failed("second"))
    assert body.pop() == b"a"
    for _ in range(2):
        with pytest.raises(UpstreamFailed, match="first"):
            body.pop()


def test_what_is_whole_cannot_fail_any_more(tap):
    body = body_of(tap)
    push(body, b"a")
    body.end()
    body.fail(failed("late"))
    assert [body.pop(), body.pop()] == [b"a", b""]


def test_whoever_waits_is_woken_by_whatever_comes_first(tap):
    async def main():
        loop = asyncio.get_running_loop()
        for event in (lambda body: push(body, b"a"), lambda body: body.end(), lambda body: body.fail(failed("x"))):
            body = body_of(tap)
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
        body = body_of(tap)
        waiting = asyncio.ensure_future(body.wait(asyncio.get_running_loop()))
        await asyncio.sleep(0)
        waiting.cancel()
        push(body, b"a")
        await asyncio.gather(waiting, return_exceptions=True)
        return body.pop()

    assert asyncio.run(main()) == b"a"
