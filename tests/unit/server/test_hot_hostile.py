"""What a hostile reader of the hot lane found; real sockets, and one upgrade to TLS."""

import asyncio
import gc
import ssl
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from gateway.server.door import Door, DoorLimits
from gateway.server.hot_connection import MOST_HELD, HotConnection
from gateway.server.hot_lane import HotLane
from gateway.server.hot_request import HotRequest
from gateway.server.inbound import Reply
from gateway.server.plain_head import PlainHead
from gateway.server.reference_lane import ReferenceLane
from tests.support.tls import authority, server_context

PATH = "/served"
FIELDS = [("content-type", "application/json")]
ONE_READ = 1 << 18
"""Most that a loop hands over at once."""


def request(body=b"{}", more=b""):
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
    return head + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


@asynccontextmanager
async def lane(serve, tls=None):
    """A hot lane on a free port, in front of aiohttp's; and the port."""
    door = Door(ReferenceLane(serve), DoorLimits(), lambda status: web.Response(status=status))
    one = HotLane(serve, door, DoorLimits(), frozenset({PATH}))
    server = await one.loop.create_server(one, "127.0.0.1", 0, ssl=tls)
    try:
        async with asyncio.timeout(20):
            yield one, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await one.shutdown()
        await door.shutdown(0.1)


async def until(condition):
    """Poll what has no event to wait for; the time-out of the lane ends it."""
    while not condition():
        await asyncio.sleep(0.001)


async def ended(writer):
    writer.transport.abort()
    await asyncio.sleep(0.01)


async def whole_answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))


def test_pipelined_requests_are_held_within_a_bound_however_many_are_answered():
    async def walk():
        turns = asyncio.Semaphore(0)
        answered = 0

        async def serve(inbound):
            nonlocal answered
            await inbound.body.more()
            await turns.acquire()
            answered += 1
            return Reply(200, FIELDS, b"")

        async with lane(serve) as (one, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request() * 40_000)
            await until(lambda: one.connections and next(iter(one.connections))._paused)
            (connection,) = one.connections
            most = 0
            for number in range(30):
                turns.release()
                await until(lambda number=number: answered > number and connection._paused)
                await asyncio.sleep(0)
                most = max(most, len(connection._behind))
            await ended(writer)
            assert 0 < most <= MOST_HELD + ONE_READ

    asyncio.run(walk())


def test_a_tls_caller_that_ignores_the_end_does_not_stop_the_periodic_pass(tmp_path):
    async def serve(_inbound):
        return Reply(200, FIELDS, b"")

    async def walk():
        folder = authority(tmp_path)
        async with lane(serve, server_context(folder)) as (one, port):
            # TLS by hand, so that nobody answers the server's close_notify.
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = ssl.create_default_context(cafile=folder / "ca.pem")
            wrapped = client.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
            while True:
                try:
                    wrapped.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    incoming.write(await reader.read(1 << 16))
            writer.write(outgoing.read())
            await until(lambda: one.connections)
            (connection,) = one.connections
            late = one.loop.time() + 1000
            for second in range(4):
                connection.look_after(late + second, 30.0, 10.0, 75.0)
                assert connection._transport.is_closing()
            await ended(writer)

    asyncio.run(walk())


def test_an_answer_that_is_written_is_still_read_after_the_shutdown():
    size = 8 << 20

    async def serve(inbound):
        await inbound.body.more()
        return Reply(200, FIELDS, b"x" * size)

    async def walk():
        async with lane(serve) as (one, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request())
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"200" in head
            assert one.unsent
            await one.shutdown()
            assert len(await reader.readexactly(size)) == size
            assert not await reader.read(1)
            assert not one.unsent
            writer.close()

    asyncio.run(walk())


def test_a_caller_that_reads_slowly_is_not_idle():
    async def serve(inbound):
        await inbound.body.more()
        return Reply(200, FIELDS, b"x" * (8 << 20))

    async def walk():
        async with lane(serve) as (one, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request() * 2)
            await reader.readuntil(b"\r\n\r\n")
            (connection,) = one.connections
            await until(lambda: connection.full and connection._request is None)
            connection.look_after(one.loop.time() + 1000, 3000.0, 10.0, 75.0)
            await reader.readexactly(8 << 20)
            assert len(await whole_answer(reader)) == 8 << 20, "the second request was dropped"
            await until(lambda: not connection.full)
            connection.look_after(one.loop.time() + 1000, 3000.0, 10.0, 75.0)
            assert not await reader.read(1)
            writer.close()

    asyncio.run(walk())


def test_a_forgotten_callback_of_a_stream_does_not_hang_the_next_request():
    async def serve(inbound):
        await inbound.body.more()
        stream = await inbound.stream(FIELDS)
        stream.pipe.on_turn(lambda: None)
        stream.pipe.push(b"x" * (8 << 20))

    async def walk():
        async with lane(serve) as (one, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request() * 2)
            for _ in range(2):
                await reader.readuntil(b"\r\n\r\n")
                await reader.readuntil(b"\r\n")
                await reader.readexactly(8 << 20)
                assert await reader.readuntil(b"0\r\n\r\n")
            (connection,) = one.connections
            assert connection._on_turn is None
            writer.close()

    asyncio.run(walk())


class Wire:
    """A connection that keeps what is written."""

    remote, full = "", False

    def __init__(self):
        self.written = b""

    def push(self, data):
        self.write(data)

    def write(self, data):
        self.written += data

    def forget_head(self):
        pass

    async def drained(self):
        pass


def test_nothing_is_written_behind_the_end_of_a_stream():
    """A last word of the watchdog there would be read as the beginning of the next answer."""

    async def walk():
        wire = Wire()
        stream = await HotRequest(wire, PlainHead(PATH, {}, 0)).stream(FIELDS)
        await stream.write(b"one")
        await stream.write_eof()
        await stream.write(b"two")
        await stream.write_eof()
        assert wire.written.partition(b"\r\n\r\n")[2] == b"3\r\none\r\n0\r\n\r\n"

    asyncio.run(walk())


@pytest.mark.parametrize("leave", ["in the body", "while it is served", "in the answer", "while the rest falls"])
def test_a_caller_that_leaves_leaves_nothing_behind(leave):
    """Without the collector: connection, request and body must not keep each other."""

    async def walk():
        served = []
        forever = asyncio.Event()

        async def serve(inbound):
            served.append(True)
            if leave == "while the rest falls":
                inbound.hang_up()
                return Reply(413, FIELDS, b"")
            await inbound.body.more()
            if leave == "in the answer":
                stream = await inbound.stream(FIELDS)
                while True:
                    await stream.write(b"x" * 100_000)
            if leave == "in the body":
                await inbound.body.more()
            await forever.wait()
            return None

        async with lane(serve) as (one, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            whole = request(b"x" * 1000)
            writer.write(whole[:-10] if leave in ("in the body", "while the rest falls") else whole)
            await until(lambda: served)
            await asyncio.sleep(0.02)
            writer.transport.abort()
            await until(lambda: not one.connections)
            await asyncio.sleep(0.02)
            assert [type(one).__name__ for one in ours() if id(one) not in before] == []

    def ours():
        return [one for one in gc.get_objects() if isinstance(one, HotRequest | HotConnection)]

    gc.collect()
    before = {id(one) for one in ours()}  # of other tests
    gc.disable()
    try:
        asyncio.run(walk())
    finally:
        gc.enable()


def test_a_stream_to_a_caller_that_has_just_left_is_no_fault_of_ours():
    """aiohttp's lane notices it when it writes the head, before the handler's cancellation comes."""

    async def walk():
        seen = asyncio.get_running_loop().create_future()

        async def serve(inbound):
            inbound._request.transport.close()
            try:
                await inbound.stream(FIELDS)
            except BaseException as error:
                seen.set_result(type(error))
                raise

        async with lane(serve) as (_, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request(more=b"TE: trailers\r\n"))
            assert await seen is asyncio.CancelledError
            await ended(writer)

    asyncio.run(walk())


def test_a_fault_of_the_other_lane_ends_the_connection_that_it_was_given():
    class Broken(asyncio.Protocol):
        def data_received(self, data):
            raise ValueError("no such parser")

    async def serve(inbound):
        await inbound.body.more()
        return Reply(200, FIELDS, b"")

    async def walk():
        faults = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))
        async with lane(serve) as (one, port):
            one._door = Broken
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request() + b"GET / HTTP/1.1\r\n\r\n")  # handed over where the first request ends
            assert not (await asyncio.wait_for(_rest(reader), 5)).partition(b"\r\n\r\n")[2]
            writer.close()
            one._door = lambda: None
        gc.collect()
        assert [type(fault) for fault in faults] == [ValueError]

    asyncio.run(walk())


async def _rest(reader):
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
