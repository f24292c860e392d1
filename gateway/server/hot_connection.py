"""One connection on the hot lane: plain requests are served here, the first that is not goes to aiohttp untouched."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, cast

from gateway.server.hot_request import HotRequest
from gateway.server.lane import Lane
from gateway.server.last_head import LastHead
from gateway.server.plain_head import LONGEST, PlainHead
from gateway.server.unread import Unread
from gateway.server.unsaid import Unsaid

LINGER_S: Final = 2.0
"""How long the rest of an unread body is let fall, so that its sender reads the answer before the connection ends."""
END_S: Final = 1.0
"""How long a handler may take to end when the process does."""
MOST_HELD: Final = 1 << 16
"""Bytes behind a request that is being served; then the connection is read no further."""
QUIET_S: Final = 5.0
"""After so long without a request a connection keeps no head: many are open, and few of them busy."""

log = logging.getLogger("gateway")


class HotConnection(asyncio.Protocol):
    """Serves one plain request at a time, in order."""

    __slots__ = (
        "_behind", "_drain", "_heads", "_lane", "_lingering", "_loop", "_on_turn", "_paused", "_request", "_served",
        "_since", "_task", "_transport", "_unread", "_unsaid", "full", "remote",
    )  # fmt: skip

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._loop = lane.loop
        self._heads = LastHead(lane.heads)
        self._transport: asyncio.Transport | None = None
        self._behind = b""
        self._request: HotRequest | None = None
        self._task: asyncio.Task[None] | None = None
        self._drain: asyncio.Future[None] | None = None
        self._on_turn: Callable[[], None] | None = None
        self._paused = False
        self._served = False
        self._lingering: asyncio.TimerHandle | None = None
        self._since = 0.0
        self._unread = Unread()
        self._unsaid = Unsaid(lane.turn)
        self.full = False
        self.remote = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = self._unsaid.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.remote = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        self._since = self._loop.time()
        self._lane.joined(self)

    def data_received(self, data: bytes) -> None:
        request = self._request
        if request is not None and not request.body.arrived:
            data = request.body.feed(data)
            if self._lingering is not None:
                self._fallen(request)
            if not data or self._lingering is not None:
                return
        if self._behind:
            data = self._behind + data
            self._behind = b""
        if self._request is None and not self.full:
            self._begin(data)
        else:
            self._keep(data)

    def pause_writing(self) -> None:
        self.full = True
        if self._on_turn is not None:
            self._on_turn()

    def resume_writing(self) -> None:
        self.full = False
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)
        if self._on_turn is not None:
            self._on_turn()
        elif self._request is None:
            self._since = self._loop.time()  # it was busy reading until now
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whyever it was
        self._transport = self._unsaid.transport = None
        self._lane.left(self)
        if self._lingering is not None:
            self._lingering.cancel()
        if self._drain is not None and not self._drain.done():
            self._drain.set_exception(ConnectionResetError("the caller has left"))
        if self._task is not None:
            self._task.cancel()
        self._request = None  # each would keep the other in memory

    def _begin(self, data: bytes) -> None:
        """Bytes with which a request begins."""
        end = data.find(b"\r\n\r\n", 0, min(LONGEST, self._lane.most_bytes)) + 4
        head = self._heads.read(data[:end]) if end > 3 else None
        if head is None:
            self._hand_over(data)
        else:
            self._start(head, data[end:])

    def _keep(self, data: bytes) -> None:
        """Hold what came behind a request until it is answered, and stop reading when that is much."""
        self._behind = data
        if len(data) > MOST_HELD:
            self.hold_reading()

    def _start(self, head: PlainHead, after: bytes) -> None:
        self._served = True
        self._request = request = HotRequest(self, head)
        self._keep(request.body.feed(after))
        self._task = self._loop.create_task(self._serve(request))

    def _hand_over(self, data: bytes) -> None:
        """From here on the connection is aiohttp's, which sees every byte of this request and no byte before it."""
        self._unsaid.say()
        transport = self._transport
        assert transport is not None
        self._transport = self._unsaid.transport = None
        self._lane.left(self)
        try:
            other = self._lane.other()
            other.connection_made(transport)
            transport.set_protocol(other)
            other.data_received(data)
        except Exception:
            transport.abort()  # nobody else would end it where this runs in a task
            raise

    async def _serve(self, request: HotRequest) -> None:
        try:
            reply = await self._lane.serve(request)
            if reply is not None:
                request.reply(reply)
            else:
                await request.end()
        except (asyncio.CancelledError, ConnectionError):
            self.abort()  # the caller has left, or the process ends
        except Exception:
            log.exception("fault in the hot lane")
            self.abort()
        finally:
            self._task = None
        self._over(request)

    def _over(self, request: HotRequest) -> None:
        """The request is answered: what follows on the connection, if anything may."""
        self._on_turn = None
        if self._transport is not None and not request.body.arrived:
            request.body.refuse()
            self._lingering = self._loop.call_later(LINGER_S, self._close)
            return
        self._request = None
        if request.closes:
            self._close()
            return
        self._since = self._loop.time()
        self._go_on()

    def _go_on(self) -> None:
        if self._transport is None or self._transport.is_closing() or self.full:
            return
        self.go_on_reading()
        if self._behind:
            data, self._behind = self._behind, b""
            self._begin(data)

    def write(self, data: bytes) -> None:
        self._unsaid.write(data)

    def push(self, data: bytes) -> None:
        self._unsaid.push(data)

    def forget_head(self) -> None:
        self._heads.let_go()

    async def drained(self) -> None:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the caller has left")
        if not self.full:
            return
        self._drain = self._loop.create_future()
        try:
            await self._drain
        finally:
            self._drain = None

    def on_turn(self, callback: Callable[[], None] | None) -> None:
        self._on_turn = callback

    def hold_reading(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def go_on_reading(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def abort(self) -> None:
        self._unsaid.say()  # the caller is charged for it
        if self._transport is not None:
            self._transport.abort()

    def _fallen(self, request: HotRequest) -> None:
        if request.body.arrived:
            self._close()

    def _close(self) -> None:
        # Once: of a TLS transport of asyncio's that is closed twice, nothing may be asked any more.
        if self._transport is not None and not self._transport.is_closing():
            self._unsaid.say()
            self._transport.close()

    def look_after(self, now: float, patience_s: float, silence_s: float, idle_s: float) -> None:
        """The periodic pass: cut who reads nothing, close who says nothing (`silence_s` before the first request)."""
        transport = self._transport
        if transport is None:
            return
        if self._unread.for_too_long(transport.get_write_buffer_size(), now, patience_s):
            transport.abort()
        elif self._request is None and not self.full:
            quiet_s = now - self._since
            if quiet_s >= (idle_s if self._served else silence_s):
                self._close()
            elif quiet_s >= QUIET_S:
                self.forget_head()

    def close_if_idle(self) -> None:
        if self._request is None:
            self._close()

    @property
    def unsent(self) -> bool:
        return self._transport is not None and (bool(self._unsaid) or self._transport.get_write_buffer_size() > 0)

    async def end(self) -> None:
        """End it now; returns when its handler is over. What is answered already may still be read."""
        task = self._task
        if task is None:
            self._close()
        else:
            self.abort()
            task.cancel()
            await asyncio.wait([task], timeout=END_S)
