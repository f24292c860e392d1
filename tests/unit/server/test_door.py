"""The door's deadlines and manners, over real connections."""

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from gateway.server.door import Door, DoorLimits

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


def bad(status):
    return web.Response(status=status, body=b"bad %d" % status)


async def echo(request):
    return web.Response(body=await request.content.read())


@asynccontextmanager
async def door(handler=echo, **limits):
    """A door on loopback, and a function that connects to it."""
    loop = asyncio.get_running_loop()
    one = Door(handler, DoorLimits(**limits), bad)
    server = await loop.create_server(one, "127.0.0.1", 0)
    writers = []

    async def connect(data=b""):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writers.append(writer)
        writer.write(data)
        return reader, writer

    try:
        yield one, connect
    finally:
        for writer in writers:
            writer.transport.abort()
        server.close()
        await one.shutdown(0.1)
        await asyncio.sleep(0)


async def answer(reader):
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return int(head.split()[1]), await reader.readexactly(length)


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_connection_that_says_nothing_ends_without_a_word():
    async def scenario():
        async with door(head_s=0.05) as (_, connect):
            reader, _ = await connect()
            assert await reader.read() == b""

    run(scenario)


@pytest.mark.parametrize("start", [b"P", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nX: 1\r\n"])
def test_a_head_that_does_not_come_is_answered_and_ends_the_connection(start):
    async def scenario():
        async with door(head_s=0.05) as (_, connect):
            reader, _ = await connect(start)
            assert (await answer(reader))[0] == 408
            assert await reader.read() == b""

    run(scenario)


def test_the_deadline_holds_for_the_second_head_too_but_not_between_them():
    async def scenario():
        async with door(head_s=0.15, keepalive_s=30) as (_, connect):
            reader, writer = await connect(HEAD % 2 + b"ab")
            assert await answer(reader) == (200, b"ab")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.4)  # idle for longer than a head may take
            writer.write(b"POST / HT")
            assert (await answer(reader))[0] == 408
            assert await reader.read() == b""

    run(scenario)


def test_idle_connections_close():
    async def scenario():
        async with door(keepalive_s=0.05) as (_, connect):
            reader, _ = await connect(HEAD % 2 + b"ab")
            assert await answer(reader) == (200, b"ab")
            assert await reader.read() == b""

    run(scenario)


def test_a_slow_body_is_not_the_doors_business():
    async def scenario():
        async with door(head_s=0.2) as (_, connect):
            reader, writer = await connect(HEAD % 4 + b"a")
            await asyncio.sleep(0.4)
            writer.write(b"bcd")
            assert await answer(reader) == (200, b"abcd")

    run(scenario)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00 not http\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(150)) + b"\r\n", 431),
    ],
    ids=["garbage", "length", "long line", "long field", "many fields"],
)
def test_what_cannot_be_parsed_gets_one_answer_and_an_end(data, status):
    async def scenario():
        async with door() as (_, connect):
            reader, _ = await connect(data)
            assert await answer(reader) == (status, b"bad %d" % status)
            assert await reader.read() == b""

    run(scenario)


def test_a_fault_in_a_handler_is_logged_and_answered_without_details(caplog):
    async def broken(_request):
        raise RuntimeError("secret detail")

    async def scenario():
        async with door(broken) as (_, connect):
            reader, _ = await connect(HEAD % 0)
            assert await answer(reader) == (500, b"bad 500")
            assert await reader.read() == b""

    with caplog.at_level(logging.ERROR, "gateway"):
        run(scenario)
    assert [record.message for record in caplog.records] == ["unhandled fault in a handler"]


def test_a_fault_after_the_answer_began_only_ends_the_connection():
    async def late(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        raise RuntimeError("late")

    async def scenario():
        async with door(late) as (_, connect):
            reader, _ = await connect(HEAD % 0)
            data = await reader.read()
            assert data.endswith(b"begun\r\n")
            assert b"bad" not in data

    run(scenario)


def test_a_caller_who_leaves_cancels_its_handler():
    async def scenario():
        begun, over = asyncio.Event(), asyncio.Event()

        async def waits(_request):
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                over.set()

        async with door(waits) as (_, connect):
            _, writer = await connect(HEAD % 0)
            await begun.wait()
            writer.transport.abort()
            await asyncio.wait_for(over.wait(), 5)

    run(scenario)


def test_a_connection_that_has_not_begun_owes_nothing():
    async def scenario():
        protocol = Door(echo, DoorLimits(), bad)()
        protocol.cut_if_unread(1e9, 1.0)
        assert protocol._wire is None

    run(scenario)


def test_a_pass_over_all_connections():
    async def scenario():
        async with door(head_s=30) as (one, connect):
            reader, _ = await connect(HEAD % 2 + b"ab")
            assert await answer(reader) == (200, b"ab")
            one.cut_slow_readers(1e9, 1.0)
            assert len(one.connections) == 1, "an idle connection owes nothing"

    run(scenario)
