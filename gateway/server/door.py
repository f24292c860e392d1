"""aiohttp's HTTP/1.1 protocol with the deadlines and the manners it lacks.

aiohttp has no limit on how long a request head may take and answers parse errors with a text page that quotes the
parser. Here a head must be complete in `head_s` seconds or gets a 408, idle connections close after `keepalive_s`, and
every malformed request gets one JSON 400 and a closed connection.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from gateway.server.unread import Unread

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
BadRequest = Callable[[int], web.Response]
"""Makes the answer for a request that could not be parsed (no path, so no dialect is known)."""

_silent = logging.getLogger("gateway.door")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False
"""aiohttp logs every malformed request with a traceback: a log storm for whoever sends garbage."""


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """Bytes and seconds a request head may take."""

    head_s: float = 10.0
    keepalive_s: float = 75.0
    head_bytes: int = 32_768
    headers: int = 100


class GuardedProtocol(RequestHandler):
    """One client connection: a deadline runs whenever a head is awaited that has begun (or never came)."""

    __slots__ = ("_bad_request", "_begun", "_body", "_deadline", "_head_s", "_unread", "_wire")

    def __init__(
        self, manager: "Door", *, loop: asyncio.AbstractEventLoop, limits: DoorLimits, bad_request: BadRequest
    ) -> None:
        super().__init__(
            manager,
            loop=loop,
            keepalive_timeout=limits.keepalive_s,
            access_log=None,  # type: ignore[arg-type]  # aiohttp documents None as "no access log"
            logger=_silent,
            max_line_size=min(8190, limits.head_bytes),
            max_field_size=min(8190, limits.head_bytes),
            max_headers=limits.headers,
            lingering_time=2.0,
            read_bufsize=2**16,
            auto_decompress=False,
        )
        self._head_s = limits.head_s
        self._bad_request = bad_request
        self._begun = False
        self._body: StreamReader | None = None
        """Of the newest request: what comes may still belong to it."""
        self._deadline: asyncio.TimerHandle | None = None
        self._wire: asyncio.Transport | None = None
        self._unread = Unread()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._wire = cast(asyncio.Transport, transport)
        self._deadline = self._loop.call_later(self._head_s, self._head_late)

    def data_received(self, data: bytes) -> None:
        heads = self._request_count
        super().data_received(data)
        if self._request_count != heads:
            message, body = self._messages[-1]
            if isinstance(message, _ErrInfo) and self._body is not None and not self._body.is_eof():
                # aiohttp answers the error after the request whose body it is in, and never tells that body.
                self._body.set_exception(web.RequestPayloadError("the body's framing is broken"))
            self._body = body
            self._begun = False
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
        elif self._waiter is not None or not heads:
            # Bytes came while the connection was idle (or new) and no head is complete: the next request has begun.
            self._begun = True
            if self._deadline is None:
                self._deadline = self._loop.call_later(self._head_s, self._head_late)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        super().connection_lost(exc)

    @property
    def unsent(self) -> bool:
        """Something that was written waits for its reader."""
        return self._wire is not None and self._wire.get_write_buffer_size() > 0

    def cut_if_unread(self, now: float, patience_s: float) -> None:
        """Abort when the peer has taken nothing of what waits for it: closing alone would wait for it for ever."""
        if self._wire is None:
            return
        if self._unread.for_too_long(self._wire.get_write_buffer_size(), now, patience_s):
            self._wire.abort()

    def _head_late(self) -> None:
        self._deadline = None
        if self._begun and self._wire is not None:
            # No handler runs, so nothing else writes here; who has said nothing at all is told nothing.
            self._wire.write(_as_bytes(self._bad_request(408)))
        self.force_close()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("the response has begun, an error can no longer be sent")
        if isinstance(exc, LineTooLong) or (message or "").startswith("Too many headers"):
            status = 431
        if status >= 500:
            logging.getLogger("gateway").error("unhandled fault in a handler", exc_info=exc)
        response = self._bad_request(status)
        response.force_close()
        return response


def _as_bytes(response: web.Response) -> bytes:
    """An answer to a request that there is not, as its connection's last words."""
    body = bytes(response.body) if isinstance(response.body, bytes | bytearray) else b""
    lines = [f"{name}: {value}" for name, value in response.headers.items() if name.lower() != "content-length"]
    lines += [f"content-length: {len(body)}", "connection: close"]
    return "\r\n".join([f"HTTP/1.1 {response.status} {response.reason}", *lines, "", ""]).encode("ascii") + body


class Door(web.Server):
    """The protocol factory of one listener. A client that leaves cancels its handler."""

    def __init__(self, handler: Handler, limits: DoorLimits, bad_request: BadRequest) -> None:
        super().__init__(handler, handler_cancellation=True)
        self._door_kwargs: dict[str, Any] = {"limits": limits, "bad_request": bad_request}

    def cut_slow_readers(self, now: float, patience_s: float) -> None:
        """Called every second or so: one pass over the connections instead of a timer for each write."""
        for protocol in self.connections:
            if isinstance(protocol, GuardedProtocol):
                protocol.cut_if_unread(now, patience_s)

    @property
    def unsent(self) -> bool:
        """Some caller has not taken all of an answer yet."""
        return any(protocol.unsent for protocol in self.connections if isinstance(protocol, GuardedProtocol))

    def __call__(self) -> GuardedProtocol:
        return GuardedProtocol(self, loop=self._loop, **self._door_kwargs)
