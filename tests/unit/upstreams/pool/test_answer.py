"""When an answer is late, and what of a broken one arrives."""

import asyncio

import pytest

from gateway.upstreams.base import Call, UpstreamFailed
from gateway.upstreams.pool.transport import PoolTransport
from gateway.upstreams.settings import Timeouts, UpstreamSettings
from tests.support import loops
from tests.support.loops import every_loop  # noqa: F401 - each test runs on each loop
from tests.support.upstream import EVENTS, ScriptedUpstream, chunk, stall


def streamed(script, body):
    """`body(answer, upstream)` on a stream that `script` begins."""

    async def main():
        async with ScriptedUpstream(script) as upstream:
            timeouts = Timeouts(5.0, 5.0, 50.0, 100.0)
            transport = PoolTransport(
                UpstreamSettings("up", "generic", upstream.url, frozenset({"chat"}), timeouts=timeouts)
            )
            answer = await transport.send(Call("POST", "/v1/x", {}, b"{}", stream=True))
            try:
                return await body(answer, upstream)
            finally:
                answer.abort()
                upstream.release()
                await transport.close()

    return loops.run(main())


def test_only_time_in_which_somebody_waits_counts_as_a_pause():
    async def body(answer, upstream):
        loop = asyncio.get_running_loop()
        assert await anext(answer.chunks()) == b"1"
        began = loop.time()
        assert answer.due(began + 40.0) == began + 90.0  # nobody waits
        assert answer.due(began + 80.0) == answer._deadline  # and yet there is an end to it
        waiting = asyncio.ensure_future(anext(answer.chunks()))
        await asyncio.sleep(0)
        assert answer.due(began + 40.0) == pytest.approx(loop.time() + 50.0, abs=5.0)
        upstream.release()
        assert await waiting == b"2"
        assert answer.due(began + 40.0) == began + 90.0
        waiting = asyncio.ensure_future(anext(answer.chunks()))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert answer.due(began + 40.0) == began + 90.0

    streamed([EVENTS, chunk(b"1"), stall, chunk(b"2"), lambda peer: peer.more()], body)


def test_what_came_before_a_broken_chunk_is_delivered():
    async def body(answer, _upstream):
        assert answer.status == 200
        assert await anext(answer.chunks()) == b"1"
        with pytest.raises(UpstreamFailed) as caught:
            await anext(answer.chunks())
        return caught.value.phase, caught.value.timeout

    assert streamed([EVENTS + chunk(b"1") + b"zz\r\n", stall], body) == ("body", False)


def test_a_reader_hears_of_an_abort_by_somebody_else():
    async def body(answer, _upstream):
        waiting = asyncio.ensure_future(anext(answer.chunks()))
        await asyncio.sleep(0)
        answer.abort()
        with pytest.raises(UpstreamFailed):
            await waiting

    streamed([EVENTS, stall], body)


# pouring


def test_what_is_there_and_what_comes_is_poured_and_its_end_told_once():
    async def body(answer, upstream):
        got, ends = [], []
        answer.pour(got.append, ends.append)
        upstream.release()
        while not ends:
            await asyncio.sleep(0)
        assert (b"".join(got), ends) == (b"12", [None])
        answer.finish()

    streamed([EVENTS, chunk(b"1"), stall, chunk(b"2") + b"0\r\n\r\n"], body)


def test_nothing_is_poured_during_a_pause_and_a_failure_waits_for_its_end():
    async def body(answer, upstream):
        got, ends = [], []
        answer.pause()
        answer.pour(got.append, ends.append)
        upstream.release()
        while not answer._connection.dead:
            await asyncio.sleep(0)
        assert (got, ends) == ([], [])
        answer.resume()
        assert b"".join(got) == b"12"
        (failure,) = ends
        assert (failure.phase, failure.timeout) == ("body", False)

    streamed([EVENTS, chunk(b"1"), stall, chunk(b"2") + b"zz\r\n"], body)


def test_whoever_turns_it_while_a_piece_is_taken_gets_them_in_order():
    async def body(answer, upstream):
        began, ended, ends = [], [], []

        def take(data):
            began.append(data)
            answer.pause()
            answer._body.parts.extend([b"behind"] if len(began) == 1 else [])
            answer.resume()
            ended.append(data)

        answer.pour(take, ends.append)
        while not began:
            await asyncio.sleep(0)
        assert began == ended == [b"1", b"behind"]
        answer.abort()
        assert len(ends) == 1

    streamed([EVENTS, chunk(b"1"), stall], body)


def test_after_pouring_the_rest_is_collected_for_a_reader():
    async def body(answer, upstream):
        got = []
        answer.pour(lambda data: (got.append(data), answer.collect()), lambda _: got.append("never"))
        while not got:
            await asyncio.sleep(0)
        upstream.release()
        assert b"".join([data async for data in answer.chunks()]) == b"2"
        assert got == [b"1"]

    streamed([EVENTS, chunk(b"1"), stall, chunk(b"2") + b"0\r\n\r\n"], body)


def test_a_pause_of_ours_is_not_one_of_the_upstreams():
    async def body(answer, _upstream):
        loop = asyncio.get_running_loop()
        answer.pour(lambda _: None, lambda _: None)
        assert answer.due(loop.time() + 40.0) == pytest.approx(loop.time() + 50.0, abs=5.0)
        answer.pause()
        assert answer.due(loop.time() + 40.0) == pytest.approx(loop.time() + 90.0, abs=5.0)

    streamed([EVENTS, chunk(b"1"), stall], body)
