"""One connection to one Redis server: whole commands out, replies back in order.

Commands of one turn of the event loop go out in one write. A reply belongs to the oldest command without one; a caller
that was cancelled leaves its place in that order, so that nobody ever reads another's reply. A connection on which one
reply is late is closed, and everything on it fails: after that nobody could tell which reply is whose.
"""

import asyncio
import ssl
from collections import deque
from typing import Final, cast

from gateway.core.redis_target import Address
from gateway.stores.redis.resp import ProtocolBroken, Reader, Reply

MAX_WAITING: Final = 4096
"""Commands without a reply on one connection; at 30,000 a second that is an eighth of a second."""


class Lost(Exception):  # noqa: N818 - named for what happened
    """The connection is gone; whether the command was executed nobody knows. `late` if it was given up on time."""

    def __init__(self, message: str, *, late: bool = False) -> None:
        super().__init__(message)
        self.late = late


class Full(Exception):  # noqa: N818 - named for what happened
    """Too many commands wait for their replies already. Nothing was sent."""


class Link(asyncio.Protocol):
    """Made by `connect`; `lost` says why it is gone, or is None while it is alive."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = Reader()
        self._out: list[bytes] = []
        self._waiting: deque[tuple[asyncio.Future[Reply], float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.lost: Lost | None = None

    def send(self, payload: bytes) -> asyncio.Future[Reply]:
        """Queue one whole command. The future brings its reply (an error reply is a value), or Lost. Raises Full."""
        future: asyncio.Future[Reply] = self._loop.create_future()
        if self.lost is not None:
            future.set_exception(Lost(str(self.lost), late=self.lost.late))
            return future
        if len(self._waiting) >= MAX_WAITING:
            raise Full
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(payload)
        self._waiting.append((future, self._loop.time()))
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._watch)
        return future

    def _flush(self) -> None:
        if self._out and self._transport is not None and self.lost is None:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _watch(self) -> None:
        """The oldest command decides: replies come in order."""
        self._timer = None
        if not self._waiting:
            return
        left = self._waiting[0][1] + self._timeout_s - self._loop.time()
        if left <= 0:
            self.close(Lost("Redis did not answer in time", late=True))
        else:
            self._timer = self._loop.call_later(left, self._watch)

    def close(self, why: Lost | None = None) -> None:
        """Let go. Commands without a reply fail."""
        if self.lost is None:
            self.lost = why or Lost("the connection to Redis was closed")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()
        self._out.clear()
        waiting, self._waiting = self._waiting, deque()
        for future, _ in waiting:
            if not future.done():
                future.set_exception(Lost(str(self.lost), late=self.lost.late))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it
        if self.lost is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            replies = self._reader.feed(data)
        except ProtocolBroken as error:
            self.close(Lost(str(error)))
            return
        for reply in replies:
            if not self._waiting:
                self.close(Lost("Redis answered what nobody asked"))
                return
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_result(reply)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.close(Lost("the connection to Redis was lost"))


async def connect(address: Address, timeout_s: float, context: ssl.SSLContext | None) -> Link:
    """A new connection. Raises Lost. Takes no longer than the caller's own deadline."""
    loop = asyncio.get_running_loop()
    try:
        _, link = await loop.create_connection(lambda: Link(timeout_s), address[0], address[1], ssl=context)
    except OSError as error:
        raise Lost(f"Redis cannot be reached: {error.strerror or type(error).__name__}") from error
    return link
