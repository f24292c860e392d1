"""The connections to one upstream: which idle, how many at most, who waits for one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.pool.alarms import Alarms
from gateway.upstreams.pool.connection import Connection

Open = Callable[[Callable[[], Connection]], Awaitable[Connection]]


class Connections:
    """Every connection is counted from before it is opened until it is closed. Waiters are served in their order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, open_one: Open, *, limit: int, idle_s: float) -> None:
        self._loop = loop
        self._alarms = Alarms(loop)
        self._open_one = open_one
        self._limit = limit
        self._idle_s = idle_s
        self._all: set[Connection] = set()
        self._opening = 0
        self._idle: dict[Connection, float] = {}
        """With the time since when; the one that idles longest comes first."""
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed: asyncio.Future[None] | None = None

    def take(self, now: float) -> Connection | None:
        """The connection that idled shortest, if any may be used again. `now` is the loop's time."""
        idle = self._idle
        while idle:
            connection, since = idle.popitem()
            if now - since < self._idle_s and connection.usable():
                return connection
            connection.abort()
        return None

    async def get(self, wait_s: float) -> Connection:
        """An idle one, or a new one where there is room, or the first that is given back. Raises UpstreamFailed."""
        try:
            async with asyncio.timeout(wait_s):
                return await self._place() or await self._open()
        except TimeoutError:
            raise UpstreamFailed("connect", "connecting to the upstream timed out", timeout=True, sent=False) from None

    def give_back(self, connection: Connection) -> None:
        """Its exchange ended without a doubt."""
        waiter = self._next()
        if waiter is not None:
            waiter.set_result(connection)
        elif self._closed is not None or not self._idle_s:
            connection.abort()
        else:
            self._idle[connection] = self._loop.time()
            if self._sweep is None:
                self._sweep = self._loop.call_later(self._idle_s, self._swept)

    async def close(self) -> None:
        """Abort them all, and wait until the loop has let go of their sockets."""
        if self._closed is None:
            self._closed = self._loop.create_future()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        while (waiter := self._next()) is not None:
            waiter.set_exception(_closed())
        for connection in list(self._all):
            connection.abort()
        # A transport closes its socket in the turn after its abort.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _place(self) -> Connection | None:
        """A usable connection, or None with a place reserved for a new one."""
        while True:
            if self._closed is not None:
                raise _closed()
            idle = self.take(self._loop.time())
            if idle is not None:
                return idle
            if len(self._all) + self._opening < self._limit:
                self._opening += 1
                return None
            given = await self._queue()
            if given is None or given.usable():
                return given
            given.abort()

    async def _queue(self) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                with suppress(ValueError):  # `_next` may have passed over it already
                    self._waiters.remove(waiter)
            elif waiter.exception() is None:
                self._pass_on(waiter.result())
            raise

    def _pass_on(self, given: Connection | None) -> None:
        """What was given to somebody who has left."""
        if given is None:
            self._opening -= 1
            self._room()
        elif given in self._all:
            self.give_back(given)

    async def _open(self) -> Connection:
        """A new connection in a place that is reserved."""
        try:
            connection = await self._open_one(lambda: Connection(self._loop, self._alarms, self._gone))
        except BaseException:
            self._opening -= 1
            self._room()
            raise
        self._opening -= 1
        self._all.add(connection)
        if self._closed is None and not connection.dead:
            return connection
        connection.abort()
        self._gone(connection)
        raise (
            _closed()
            if self._closed is not None
            else UpstreamFailed("connect", "the upstream closed the connection before it was used", sent=False)
        )

    def _gone(self, connection: Connection) -> None:
        self._idle.pop(connection, None)
        if connection in self._all:
            self._all.remove(connection)
            self._room()

    def _room(self) -> None:
        """A place became free."""
        waiter = self._next()
        if waiter is not None:
            self._opening += 1
            waiter.set_result(None)

    def _next(self) -> "asyncio.Future[Connection | None] | None":
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _swept(self) -> None:
        """Close what has idled long enough; look again when the next one will have."""
        self._sweep = None
        idle = self._idle
        before = self._loop.time() - self._idle_s
        while idle:
            connection, since = next(iter(idle.items()))
            if since > before:
                self._sweep = self._loop.call_at(since + self._idle_s, self._swept)
                return
            connection.abort()


def _closed() -> UpstreamFailed:
    return UpstreamFailed("connect", "the connections to the upstream are closed", sent=False)
