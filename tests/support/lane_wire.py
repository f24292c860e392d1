"""A lane on a pair of sockets with a handler that only writes down what it was given."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from gateway.server.door import Door, DoorLimits
from gateway.server.hot_lane import HotLane
from gateway.server.inbound import BodyBroken, Inbound, Reply, Serve
from gateway.server.reference_lane import ReferenceLane

PATH: Final = "/v1/messages"
LIMITS: Final = DoorLimits()


def unparseable(status: int) -> web.Response:
    return web.Response(status=status, body=b"bad")


class Written:
    """Serves everything: reads the body and keeps (target, fields, body)."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, list[tuple[str, str]], bytes]] = []

    async def __call__(self, inbound: Inbound) -> Reply:
        body = b""
        try:
            while piece := await inbound.body.more():
                body += piece
        except BodyBroken:
            inbound.hang_up()
            return Reply(400, [], b"broken")
        self.requests.append((inbound.target, [*inbound.headers.items()], body))
        return Reply(200, [("content-type", "text/plain")], b"%d" % len(body))


@asynccontextmanager
async def lanes(serve: Serve, limits: DoorLimits = LIMITS) -> AsyncIterator[tuple[HotLane, Door]]:
    door = Door(ReferenceLane(serve), limits, unparseable)
    lane = HotLane(serve, door, limits, frozenset({PATH}))
    try:
        yield lane, door
    finally:
        await lane.shutdown()
        await door.shutdown(0.1)
        await turns(3)


@asynccontextmanager
async def wire(lane: Any) -> AsyncIterator[socket.socket]:
    """The caller's end of a connection with a lane; it is never blocking."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    transport, _ = await asyncio.get_running_loop().connect_accepted_socket(lane, ours)
    try:
        yield theirs
    finally:
        theirs.close()
        if not transport.is_closing():
            transport.abort()
        await turns(3)


async def turns(count: int) -> None:
    """Let the loop look at its sockets that often."""
    for _ in range(count):
        await asyncio.sleep(0)


async def rest(end: socket.socket) -> bytes:
    """All that comes until the other side ends it."""
    loop, found = asyncio.get_running_loop(), bytearray()
    try:
        while data := await asyncio.wait_for(loop.sock_recv(end, 1 << 16), 8):
            found += data
    except ConnectionError:
        pass
    return bytes(found)


async def say(end: socket.socket, pieces: Sequence[bytes]) -> bytes:
    """Send the pieces, one look of the loop apart; all that is answered."""
    loop = asyncio.get_running_loop()
    for piece in pieces:
        try:
            await loop.sock_sendall(end, piece)
        except ConnectionError:
            break
        await turns(2)
    return await rest(end)


def plain(body: bytes = b"{}", *lines: bytes, path: str = PATH) -> bytes:
    head = [b"POST " + path.encode() + b" HTTP/1.1", b"Host: a", b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body
