"""Callers and handlers that a test of the hot lane moves step by step; see lane_wire.py."""

import asyncio

from gateway.server.inbound import Reply
from tests.support.lane_wire import turns

OK = Reply(200, [("content-type", "text/plain")], b"ok")
ANSWER = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
LAST = CHUNKED.replace(b"Host", b"Connection: close\r\nHost")
"""After it the connection ends."""


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario(), 30))


async def answer(inbound):
    await inbound.body.more()
    return OK


async def until(condition):
    async with asyncio.timeout(8):
        while not condition():
            await asyncio.sleep(0)


class Gated:
    """A handler that waits for the test before it does anything."""

    def __init__(self, then=answer):
        self.open = asyncio.Event()
        self.begun = 0
        self.cancelled = 0
        self._then = then

    async def __call__(self, inbound):
        self.begun += 1
        try:
            await self.open.wait()
            return await self._then(inbound)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def stuff(end, data):
    """Send as much of it as the other side takes; how much that was."""
    sent, refused = 0, 0
    while sent < len(data) and refused < 5:
        try:
            sent += end.send(data[sent : sent + 65_536])
            refused = 0
        except BlockingIOError:
            refused += 1
        await turns(3)
    return sent


def only(lane):
    (connection,) = lane.connections
    return connection
