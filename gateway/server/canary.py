"""Whether the hot lane may be trusted with this version of aiohttp, asked once at start.

The lane hands connections to aiohttp's protocol half way. That an upgrade of the library still bears it is tried with
a few real requests on a pair of sockets, before the first caller comes.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Final

from aiohttp import web

from gateway.server.door import Door, DoorLimits
from gateway.server.hot_lane import HotLane
from gateway.server.hot_request import HotRequest
from gateway.server.inbound import Inbound, Reply
from gateway.server.reference_lane import ReferenceLane

_MOST_S: Final = 5.0
_PATH: Final = "/canary"
_HEAD: Final = f"POST {_PATH} HTTP/1.1\r\nHost: canary\r\nContent-Type: application/json\r\n"
_PLAIN: Final = f"{_HEAD}Content-Length: 2\r\n\r\n{{}}".encode()
_CHUNKED: Final = f"{_HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n".encode()
_EXPECTED: Final = (b"hot {}", b"hot {}", b"reference [1]", b"reference {}")


async def fault_of_hot_lane(limits: DoorLimits) -> str | None:
    """None where both lanes answer what they are asked on one connection, else what is wrong."""
    door = Door(ReferenceLane(_echo), limits, lambda status: web.Response(status=status))
    lane = HotLane(_echo, door, limits, frozenset({_PATH}))
    ours, theirs = socket.socketpair()
    try:
        async with asyncio.timeout(_MOST_S):
            await lane.loop.connect_accepted_socket(lane, ours)
            reader, writer = await asyncio.open_connection(sock=theirs)
            try:
                return await _ask(reader, writer)
            finally:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()
    except Exception as error:  # noqa: BLE001 - whatever an upgrade breaks, the other lane serves
        return f"{type(error).__name__}: {error}"
    finally:
        await lane.shutdown()
        await door.shutdown(0.1)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str | None:
    """The first alone, the others in one piece: the lane must hand over in the middle of what it was given."""
    writer.write(_PLAIN)
    answers = [await _answer(reader)]
    writer.write(_PLAIN + _CHUNKED + _PLAIN)
    answers += [await _answer(reader) for _ in _EXPECTED[1:]]
    for number, (answer, expected) in enumerate(zip(answers, _EXPECTED, strict=True), 1):
        if answer != expected:
            return f"answer {number} is {answer!r}, expected {expected!r}"
    return None


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ValueError(f"the answer begins with {head[:20]!r}")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return await reader.readexactly(int(length))


async def _echo(inbound: Inbound) -> Reply:
    lane = b"hot " if isinstance(inbound, HotRequest) else b"reference "
    return Reply(200, [("content-type", "application/json")], lane + await inbound.body.more())
