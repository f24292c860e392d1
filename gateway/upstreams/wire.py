"""Distrust below aiohttp's client: what its lenient response parser lets through is refused here.

Three rules. A connection with any doubt about its framing never carries a second request. Bytes that nobody asked
for kill the connection they came on. A head that two parsers could frame differently is no answer.
"""

import asyncio
import select
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiohttp import ClientConnectionError, ClientRequest, ClientResponse, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict

from gateway.upstreams import head
from gateway.upstreams.base import UpstreamFailed

if TYPE_CHECKING:
    from aiohttp.connector import Connection

_FAILURES: Final = (ClientConnectionError, HttpProcessingError, OSError)


class Wire(ResponseHandler):
    """One connection, and what the library does not remember about it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, first_byte_s: float) -> None:
        super().__init__(loop)
        self._first_byte_s = first_byte_s
        self.requests = 0
        self.received = False
        """Whether any byte came back since the current request began."""
        self.busy = False
        self._poll = select.poll()
        self._fd = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            self._fd = sock.fileno()
            self._poll.register(self._fd, select.POLLIN)

    def set_response_params(self, **params: Any) -> None:
        """The session's call right before it writes a request: a new exchange begins here."""
        self.requests += 1
        self.received = False
        self.busy = True
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if self.busy:
            self.received = True
            super().data_received(data)
        elif data and self.transport is not None:
            # An answer to no question would be taken for the answer to the next one.
            self.transport.abort()

    def first_byte_timer(self) -> asyncio.TimerHandle:
        """Runs from the request sent to the response head; then whoever waits for the head is told."""
        return self._loop.call_later(self._first_byte_s, self._late)

    def _late(self) -> None:
        self.set_exception(head.late())

    def set_exception(self, exc: BaseException, *rest: Any) -> None:
        """The library tells only readers of the head about broken framing; a reader of the body would hang."""
        super().set_exception(exc, *rest)
        payload = self._payload
        if payload is not None and payload.exception() is None and not payload.is_eof():
            payload.set_exception(exc)
            # A reader that the end of a chunk has just woken waits again without a look at the exception.
            self._loop.call_soon(payload.set_exception, exc)

    def is_connected(self) -> bool:
        """Asked when an idle connection is picked: one with bytes or an end waiting in the kernel is dead."""
        return super().is_connected() and (self.busy or not self._readable())

    def _readable(self) -> bool:
        return self._fd < 0 or bool(self._poll.poll(0))

    def rest(self) -> bool:
        """The exchange ended. Says whether the request had left completely and nothing else came."""
        self.busy = False
        transport = self.transport
        return transport is not None and not transport.get_write_buffer_size() and not self.should_close


class PlainRequest(ClientRequest):
    """A request with the headers of its Call and its framing, and nothing else that the library likes to add."""

    _skip_auto_headers = CIMultiDict({"Content-Type": None})

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Each Call says its Accept and User-Agent itself."""


class WireConnector(TCPConnector):
    """A TCPConnector whose connections are Wires."""

    def __init__(self, first_byte_s: float, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(Wire, loop=self._loop, first_byte_s=first_byte_s)  # type: ignore[assignment]


class StrictResponse(ClientResponse):
    """A response whose head is judged before anybody acts on it, and whose connection goes back only on request.

    The library's own `start` returns the connection to the pool as soon as the body has arrived, before the
    head could be looked at.
    """

    wire: Wire

    async def start(self, connection: "Connection") -> "StrictResponse":
        wire = connection.protocol
        assert isinstance(wire, Wire)
        self.wire = wire
        self._closed = False
        self._connection = connection
        timer = wire.first_byte_timer()
        try:
            message, payload = await self._head(wire)
        except BaseException as error:
            if wire.transport is not None:
                wire.transport.abort()
            if isinstance(error, _FAILURES):
                raise _lost(wire, error) from None
            raise
        finally:
            timer.cancel()
        self.version = message.version
        self.status = message.code
        self.reason = message.reason
        self._headers = message.headers
        self._raw_headers = message.raw_headers
        self.content = payload
        return self

    async def _head(self, wire: Wire) -> Any:
        for _ in range(head.MAX_INTERIM + 1):
            message, payload = await wire.read()
            if message.code >= 200:
                check_head(message)
                return message, payload
            if message.code == 101:
                raise head.switched()
        raise head.too_many_interim()

    @property
    def sent_whole(self) -> bool:
        """Whether the request body has been written to its end."""
        return self._writer is None


def _lost(wire: Wire, error: BaseException) -> UpstreamFailed:
    if isinstance(error, HttpProcessingError):
        return head.not_http()
    return head.lost(stale=wire.requests > 1 and not wire.received)


def check_head(message: Any) -> None:
    """Refuse a head whose framing or content is ambiguous. Raises UpstreamFailed."""
    headers = message.headers
    text = b"".join([part for header in message.raw_headers for part in header])
    head.check_head(
        (message.version.major, message.version.minor),
        message.code,
        clean=not head.controls(text) and len(message.reason or "") <= head.MAX_REASON,
        length=_all(headers, "content-length"),
        coding=_all(headers, "transfer-encoding"),
        encoding=_all(headers, "content-encoding"),
    )


def _all(headers: Any, name: str) -> str | None:
    return ",".join(headers.getall(name)) if name in headers else None
