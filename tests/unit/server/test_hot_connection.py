"""One connection on the hot lane: how it ends, whom it cuts, what it hands over."""

import asyncio
import logging
import select
from contextlib import suppress
from socket import MSG_PEEK

import pytest

from gateway.core.refusal import Refusal
from gateway.server import hot_connection
from gateway.server.inbound import Reply
from tests.support.hot_wire import ANSWER, CHUNKED, OK, Gated, answer, only, run, stuff, until
from tests.support.lane_wire import LIMITS, lanes, plain, rest, say, turns, wire

# leaving, refusing, failing


def test_a_caller_that_leaves_cancels_its_handler():
    async def scenario():
        serve = Gated()
        async with lanes(serve) as (lane, _), wire(lane) as end:
            await stuff(end, plain() + plain())
            end.close()
            await until(lambda: serve.cancelled)
            await until(lambda: not lane.connections)
            assert serve.begun == serve.cancelled == 1

    run(scenario)


def test_a_caller_that_leaves_in_its_body_cancels_its_handler():
    async def scenario():
        ended = asyncio.Event()

        async def serve(inbound):
            try:
                while await inbound.body.more():
                    pass
            except asyncio.CancelledError:
                ended.set()
                raise

        async with lanes(serve) as (lane, _), wire(lane) as end:
            await stuff(end, plain(b"x" * 100)[:-10])
            end.close()
            await asyncio.wait_for(ended.wait(), 5)

    run(scenario)


async def refuse(inbound):
    inbound.hang_up()
    return Reply(401, [("content-type", "text/plain")], b"no")


def test_after_a_refusal_the_rest_of_the_body_falls_and_the_connection_ends():
    async def scenario():
        async with lanes(refuse) as (lane, door), wire(lane) as end:
            data = plain(b"x" * 5_000_000) + plain()
            sending = asyncio.create_task(stuff(end, data))
            found = await rest(end)
            assert found.startswith(b"HTTP/1.1 401 ")
            assert found.count(b"HTTP/1.1") == 1
            assert b"\r\nConnection: close\r\n" in found
            assert found.endswith(b"no")
            with suppress(ConnectionError):
                assert await sending > 5_000_000
            assert not door.connections

    run(scenario)


def test_a_refused_body_may_still_come():
    """Ending the connection before would reset it, and its sender might never read the refusal."""

    async def scenario():
        async with lanes(refuse) as (lane, _), wire(lane) as end:
            data = plain(b"x" * 1000)
            await stuff(end, data[:-1])
            assert (await asyncio.get_running_loop().sock_recv(end, 1000)).startswith(b"HTTP/1.1 401 ")
            await turns(10)
            assert lane.connections
            await stuff(end, data[-1:])
            assert await asyncio.get_running_loop().sock_recv(end, 1000) == b""

    run(scenario)


def test_the_rest_of_a_refused_body_is_not_awaited_for_ever(monkeypatch):
    monkeypatch.setattr(hot_connection, "LINGER_S", 0.05)

    async def scenario():
        async with lanes(refuse) as (lane, _), wire(lane) as end:
            await stuff(end, plain(b"x" * 1000)[:-1])
            found = await rest(end)
            assert found.count(b"HTTP/1.1 401 ") == 1
            assert not lane.connections

    run(scenario)


def test_a_fault_in_a_handler_ends_the_connection_and_is_told(caplog):
    async def serve(_):
        raise KeyError("nobody catches it")

    async def twice(inbound):
        await inbound.send(OK)
        return OK

    async def nothing(_):
        return None

    async def broken(_):
        return Reply(200, [("x-a", "a\r\nb: c")], b"")

    async def scenario():
        for handler, seen in ((serve, 0), (twice, 1), (nothing, 0), (broken, 0)):
            caplog.clear()
            async with lanes(handler) as (lane, _), wire(lane) as end:
                assert (await say(end, [plain() + plain()])).count(b"HTTP/1.1") <= seen
                await until(lambda: not lane.connections)
            assert [record.getMessage() for record in caplog.records] == ["fault in the hot lane"]

    with caplog.at_level(logging.ERROR, "gateway"):
        run(scenario)


# the periodic pass


@pytest.mark.parametrize("asked", [False, True])
def test_who_says_nothing_is_closed_sooner_before_the_first_request(asked):
    async def scenario():
        async with lanes(answer) as (lane, _), wire(lane) as end:
            loop = asyncio.get_running_loop()
            if asked:
                await stuff(end, plain())
                assert (await loop.sock_recv(end, 1000)).startswith(ANSWER)
            connection = only(lane)
            now = loop.time()
            patience_s = LIMITS.keepalive_s if asked else LIMITS.head_s
            connection.look_after(now + patience_s - 1, 30, LIMITS.head_s, LIMITS.keepalive_s)
            await turns(3)
            assert lane.connections
            connection.look_after(now + patience_s + 1, 30, LIMITS.head_s, LIMITS.keepalive_s)
            assert await rest(end) == b""
            assert not lane.connections

    run(scenario)


def test_a_head_is_kept_with_its_key_while_its_connection_is_busy_and_no_longer():
    async def scenario():
        async with lanes(answer) as (lane, _), wire(lane) as end:
            loop = asyncio.get_running_loop()
            for late, kept in ((hot_connection.QUIET_S - 1, True), (hot_connection.QUIET_S + 1, False)):
                await stuff(end, plain())
                assert (await loop.sock_recv(end, 1000)).startswith(ANSWER)
                connection = only(lane)
                assert connection._heads._head is not None
                connection.look_after(loop.time() + late, 30, LIMITS.head_s, LIMITS.keepalive_s)
                assert (connection._heads._head is not None) == kept
                assert (connection._heads._before == b"") != kept

    run(scenario)


def test_a_stream_keeps_nothing_of_its_head():
    async def scenario():
        begun = asyncio.Event()

        async def serve(inbound):
            stream = await inbound.stream([("content-type", "text/event-stream")])
            begun.set()
            assert not inbound.headers
            assert isinstance(inbound.claimed, Refusal)
            await asyncio.sleep(30)
            await stream.write_eof()

        async with lanes(serve) as (lane, _), wire(lane) as end:
            await stuff(end, plain())
            await asyncio.wait_for(begun.wait(), 5)
            assert only(lane)._heads._head is None

    run(scenario)


def test_who_waits_for_an_answer_is_not_idle():
    async def scenario():
        serve = Gated()
        async with lanes(serve) as (lane, _), wire(lane) as end:
            await stuff(end, plain())
            only(lane).look_after(asyncio.get_running_loop().time() + 10_000, 30, 10, 75)
            lane.pre_shutdown()
            serve.open.set()
            assert (await asyncio.get_running_loop().sock_recv(end, 1000)).startswith(ANSWER)

    run(scenario)


@pytest.mark.parametrize("streamed", [True, False])
def test_who_reads_nothing_is_cut(streamed):
    async def scenario():
        over = asyncio.Event()

        async def serve(inbound):
            if not streamed:
                return Reply(200, [], b"y" * 5_000_000)
            stream = await inbound.stream([("content-type", "text/event-stream")])
            try:
                while True:
                    await stream.write(b"y" * 65_536)
            finally:
                over.set()

        async with lanes(serve) as (lane, _), wire(lane) as end:
            await stuff(end, plain())
            connection = only(lane)
            await until(lambda: connection.full)
            assert connection.unsent
            assert lane.unsent
            now = asyncio.get_running_loop().time()
            for later in (0, 1, 29):
                connection.look_after(now + later, 30, 10, 75)
            await turns(3)
            assert lane.connections
            connection.look_after(now + 31, 30, 10, 75)
            await until(lambda: not lane.connections)
            if streamed:
                await asyncio.wait_for(over.wait(), 5)

    run(scenario)


def test_who_reads_a_little_now_and_then_is_not_cut():
    async def scenario():
        async def serve(_):
            return Reply(200, [], b"y" * 5_000_000)

        async with lanes(serve) as (lane, _), wire(lane) as end:
            loop = asyncio.get_running_loop()
            await stuff(end, plain())
            connection = only(lane)
            await until(lambda: connection.full)
            for later in range(0, 2_000, 20):
                before = connection._transport.get_write_buffer_size()
                connection.look_after(loop.time() + later, 30, 10, 75)
                while connection._transport.get_write_buffer_size() == before:
                    await loop.sock_recv(end, 30_000)
                    await turns(2)
                if not connection.unsent:
                    break
                assert lane.connections, later

    run(scenario)


# handing over, ending


def test_a_connection_that_is_handed_over_is_no_longer_ours():
    async def scenario():
        async with lanes(answer) as (lane, door), wire(lane) as end:
            loop = asyncio.get_running_loop()
            await stuff(end, plain())
            assert (await loop.sock_recv(end, 1000)).startswith(ANSWER)
            assert (len(lane.connections), len(door.connections), lane.handed_over) == (1, 0, 0)
            await stuff(end, CHUNKED + plain())
            await until(lambda: lane.handed_over)
            assert (len(lane.connections), len(door.connections), lane.handed_over) == (0, 1, 1)
            await stuff(end, plain())
            await turns(5)
            assert lane.handed_over == 1

    run(scenario)


def test_idle_connections_end_at_once_and_busy_ones_with_the_lane():
    async def scenario():
        serve = Gated()
        async with lanes(serve) as (lane, _), wire(lane) as idle, wire(lane) as busy:
            await stuff(busy, plain())
            lane.pre_shutdown()
            assert await rest(idle) == b""
            assert len(lane.connections) == 1
            await lane.shutdown()
            assert await rest(busy) == b""
            assert serve.cancelled == 1
            assert not lane.connections

    run(scenario)


def test_what_is_answered_already_may_still_be_read_when_the_lane_ends():
    async def scenario():
        body = b"z" * 3_000_000

        async def serve(inbound):
            await inbound.body.more()
            return Reply(200, [], body)

        async with lanes(serve) as (lane, _), wire(lane) as end:
            await stuff(end, plain())
            connection = only(lane)
            await until(lambda: connection.full)
            await lane.shutdown()
            assert (await rest(end)).endswith(body)

    run(scenario)


@pytest.mark.parametrize("ends", ["abort", "close", "hand_over"])
def test_what_was_said_in_a_turn_leaves_before_the_connection_ends_in_it(ends):
    """A caller is charged for what was relayed, also where the upstream was cut in the same turn."""

    async def serve(inbound):
        await inbound.body.more()
        stream = await inbound.stream([("content-type", "text/event-stream")])
        stream.push(b"data: 1\n\n")
        if ends == "abort":
            inbound.abort()
        elif ends == "close":
            inbound.hang_up()
        return

    async def scenario():
        async with lanes(serve) as (lane, _), wire(lane) as end:
            await stuff(end, plain() + (CHUNKED if ends == "hand_over" else b""))
            await until(lambda: b"data: 1\n\n" in (end.recv(4096, MSG_PEEK) if readable(end) else b""))

    run(scenario)


def readable(end):
    return bool(select.select([end], [], [], 0)[0])
