"""Connections to one upstream on aiohttp's client, with every convenience of that client switched off."""

import asyncio
import io
import os
from typing import TYPE_CHECKING, Final

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, ConnectionTimeoutError
from aiohttp import DummyCookieJar as NoCookies
from aiohttp.http import HttpProcessingError
from yarl import URL

from gateway.upstreams.base import Answer, Call, UpstreamFailed
from gateway.upstreams.settings import UpstreamSettings
from gateway.upstreams.tls import tls_context
from gateway.upstreams.watch import Watch
from gateway.upstreams.wire import PlainRequest, StrictResponse, WireConnector

if TYPE_CHECKING:
    from collections.abc import Mapping

_READ_BUFFER: Final = 64 * 1024
_LARGE_BODY: Final = 512 * 1024
_BODY_FAILURES: Final = (ClientError, HttpProcessingError, OSError)


class AiohttpTransport:
    """One ClientSession with a pool of its own, opened with the first call (a loop must be running by then)."""

    def __init__(self, settings: UpstreamSettings) -> None:
        self._settings = settings
        self._tls = tls_context(settings)
        self._session: ClientSession | None = None
        self._urls: dict[str, URL] = {}
        self._loop: asyncio.AbstractEventLoop

    async def send(self, call: Call) -> Answer:
        session = self._session or self._open()
        url = self._urls.get(call.path)
        if url is None:
            url = self._urls[call.path] = URL(self._settings.root + call.path, encoded=True)
        # A file object is written in pieces; one large bytes object would hold up the loop.
        data = io.BytesIO(call.body) if len(call.body) > _LARGE_BODY else call.body or None
        deadline = self._loop.time() + self._settings.timeouts.total_s
        try:
            response = await session.request(call.method, url, data=data, headers=call.headers, allow_redirects=False)
        except UpstreamFailed:
            raise
        except ConnectionTimeoutError:
            raise UpstreamFailed("connect", "connecting to the upstream timed out", timeout=True, sent=False) from None
        except ClientConnectorError as error:
            why = os.strerror(error.errno) if error.errno else type(error).__name__  # their own texts name addresses
            raise UpstreamFailed("connect", f"the upstream could not be reached: {why}", sent=False) from None
        except (ClientError, HttpProcessingError, OSError) as error:
            why = type(error).__name__
            raise UpstreamFailed("send", f"the connection broke while the request was sent: {why}") from None
        assert isinstance(response, StrictResponse)
        # By what came, not by what was asked for: an answer in one piece is held in memory.
        streams = response.content_type == "text/event-stream"
        limit = self._settings.max_stream_bytes if streams else self._settings.max_response_bytes
        watch = Watch(self._loop, response.content, self._settings.timeouts.between_bytes_s, deadline)
        return AiohttpAnswer(response, watch, limit)

    def _open(self) -> ClientSession:
        settings = self._settings
        self._loop = asyncio.get_running_loop()
        self._session = session = ClientSession(
            connector=WireConnector(
                settings.timeouts.first_byte_s,
                limit=settings.max_connections,
                limit_per_host=settings.max_connections,
                keepalive_timeout=settings.keepalive_s,
                ssl=True if self._tls is None else self._tls,
            ),
            cookie_jar=NoCookies(),
            request_class=PlainRequest,
            response_class=StrictResponse,
            # The library's total would end long streams; connect covers pool, DNS, TCP and TLS.
            timeout=ClientTimeout(total=None, connect=settings.timeouts.connect_s),
            headers={"Accept-Encoding": "identity"},
            read_bufsize=_READ_BUFFER,
            auto_decompress=False,
            trust_env=False,
        )
        return session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


class AiohttpAnswer:
    """A response under way. It is its own chunk iterator: nothing to close when a reader is cancelled."""

    __slots__ = ("_content", "_done", "_ended", "_left", "_response", "_watch", "headers", "status")

    def __init__(self, response: StrictResponse, watch: Watch, limit: int) -> None:
        self.status: int = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self._response = response
        self._content = response.content
        self._watch = watch
        self._left = limit
        self._ended = False
        self._done = False

    def chunks(self) -> "AiohttpAnswer":
        return self

    def __aiter__(self) -> "AiohttpAnswer":
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        watch = self._watch
        watch.waiting()
        try:
            data = await self._content.readany()
        except _BODY_FAILURES:
            raise UpstreamFailed("body", "the upstream broke off its response") from None
        finally:
            watch.arrived()
        if not data:
            self._ended = True
            raise StopAsyncIteration
        self._left -= len(data)
        if self._left < 0:
            raise UpstreamFailed("body", "the upstream's response is over the size limit")
        return data

    async def read(self) -> bytes:
        return b"".join([chunk async for chunk in self])

    def finish(self) -> None:
        response = self._response
        # An early or an error answer may leave the upstream in another place of the conversation than we are.
        clean = self._ended and response.sent_whole and 200 <= self.status < 300
        if not (response.wire.rest() and clean):
            self.abort()
        elif not self._done:
            self._done = True
            self._watch.stop()
            response.release()

    def abort(self) -> None:
        if self._done:
            return
        self._done = True
        self._watch.stop()
        transport = self._response.wire.transport
        if transport is not None:
            transport.abort()
        self._response.close()
