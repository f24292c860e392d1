"""One connection: bytes in and out, one exchange at a time, one timer for all of them."""

import asyncio
import select
from collections.abc import Callable
from typing import Final, Protocol, cast

from gateway.core.turn import turn_of
from gateway.upstreams.pool.alarms import Alarm, Alarms

_LARGE: Final = 256 * 1024
"""Bytes of a request that leave in one piece; a larger one is written in such pieces, a turn of the loop for each."""


class Exchange(Protocol):
    """What a connection tells to whoever uses it."""

    def received(self, data: bytes) -> None: ...

    def lost(self) -> None:
        """Nothing comes any more."""
        ...

    def due(self, now: float) -> float:
        """The loop's time by which something must have happened."""
        ...

    def expire(self, now: float) -> None: ...


class Connection(asyncio.Protocol):
    """Belongs to one exchange at a time, or idles. `on_gone` is called once, when it is of no use any more."""

    __slots__ = (
        "_alarm", "_alarms", "_fd", "_full", "_loop", "_on_gone", "_turn", "_unsaid", "_unsent",
        "exchange", "requests", "transport",
    )  # fmt: skip

    def __init__(
        self, loop: asyncio.AbstractEventLoop, alarms: Alarms, on_gone: "Callable[[Connection], None]"
    ) -> None:
        self._loop = loop
        self._alarms = alarms
        self._turn = turn_of(loop)
        self._unsaid = b""
        self._on_gone: Callable[[Connection], None] | None = on_gone
        self._alarm: Alarm | None = None
        self._unsent: memoryview | None = None
        self._full = False
        self._fd = -1
        self.exchange: Exchange | None = None
        self.requests = 0
        self.transport: asyncio.Transport

    # asyncio's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self._fd = sock.fileno()

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is not None:
            exchange.received(data)
        elif data:
            # An answer to no question would be taken for the answer to the next one.
            self.abort()

    def eof_received(self) -> None:
        exchange = self.exchange
        if exchange is not None:
            exchange.lost()

    def connection_lost(self, _exc: BaseException | None) -> None:
        self._over()
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.lost()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._send_more()

    # The pool's side.

    @property
    def dead(self) -> bool:
        return self._on_gone is None or self.transport.is_closing()

    def usable(self) -> bool:
        """Whether an idle one may carry a request: one with bytes or an end waiting in the kernel is dead."""
        if self.dead or self._fd < 0:
            return False
        poll = select.poll()  # one for each connection would be memory that every open stream takes
        poll.register(self._fd, select.POLLIN)
        return not poll.poll(0)

    def begin(self, exchange: Exchange, head: bytes, body: bytes, due: float) -> None:
        """Send a request, at the end of the turn; everything that comes from now on is its answer's."""
        self.exchange = exchange
        self.requests += 1
        self.alarm(due)
        if len(body) <= _LARGE:
            self._unsaid = head + body
            self._turn.write(self._say)
        else:
            self._unsent = memoryview(body)
            self.transport.write(head)
            self._send_more()

    def _say(self) -> None:
        data, self._unsaid = self._unsaid, b""
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def _send_more(self) -> None:
        rest = self._unsent
        if rest is None or self._full:
            return
        self._unsent = rest[_LARGE:] if len(rest) > _LARGE else None
        self.transport.write(rest[:_LARGE])
        if self._unsent is not None and not self._full:
            self._loop.call_soon(self._send_more)

    def rest(self) -> bool:
        """The exchange ended. Says whether its request had left completely and the connection stands."""
        self.exchange = None
        transport = self.transport
        left = not self._unsaid and self._unsent is None
        return left and not transport.is_closing() and not transport.get_write_buffer_size()

    def abort(self) -> None:
        """Close at once; the exchange, if there is one, hears nothing more."""
        self.exchange = None
        self._over()
        self.transport.abort()

    def _over(self) -> None:
        self._unsaid, self._unsent = b"", None
        if self._alarm is not None:
            self._alarms.cancel(self._alarm)
            self._alarm = None
        gone, self._on_gone = self._on_gone, None
        if gone is not None:
            gone(self)

    def alarm(self, due: float) -> None:
        """See to it that the exchange is looked at by `due`. Later is free: the timer looks again when it fires."""
        alarm = self._alarm
        if alarm is not None:
            if alarm.at <= due:
                return
            self._alarms.cancel(alarm)
        self._alarm = self._alarms.set(due, self._look)

    def _look(self) -> None:
        self._alarm = None
        exchange = self.exchange
        if exchange is None:
            return
        now = self._loop.time()
        due = exchange.due(now)
        if due <= now:
            exchange.expire(now)
        else:
            self.alarm(due)
