"""The lane on aiohttp's own server: every request that the hot lane does not take, and all of them where it is off."""

import asyncio

from aiohttp import HttpVersion11, hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.core import reasons
from gateway.core.ids import new_id
from gateway.core.refusal import Refusal
from gateway.dialects import OPENAI
from gateway.identity.authenticate import Claim, claim
from gateway.server.guards import check_head
from gateway.server.inbound import BodyBroken, Fields, Reply, Serve
from gateway.server.respond import head


class ReferenceLane:
    """The handler that aiohttp calls."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        inbound = AiohttpInbound(request)
        return inbound.response(await self._serve(inbound))


class AiohttpBody:
    """A request body on aiohttp's reader."""

    __slots__ = ("_request", "announced")

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self.announced = request.content_length

    @property
    def arrived(self) -> bool:
        return self._request.content.is_eof()

    @property
    def awaited(self) -> bool:
        return bool(self._request.headers.get(hdrs.EXPECT))

    async def go_ahead(self) -> None:
        await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._request.writer.output_size = 0

    async def more(self) -> bytes:
        try:
            return await self._request.content.readany()
        except web.RequestPayloadError:
            raise BodyBroken from None


class AiohttpStream:
    """A streamed answer that aiohttp writes."""

    __slots__ = ("_response",)
    pipe = None

    def __init__(self, response: web.StreamResponse) -> None:
        self._response = response

    async def write(self, data: bytes) -> None:
        await self._response.write(data)

    async def write_eof(self) -> None:
        await self._response.write_eof()


class AiohttpInbound:
    """One of aiohttp's requests."""

    __slots__ = ("_closes", "_request", "_sent", "body")

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._sent: web.StreamResponse | None = None
        self._closes = False
        self.body = AiohttpBody(request)

    @property
    def method(self) -> str:
        return self._request.method

    @property
    def target(self) -> str:
        return self._request.raw_path

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        return self._request.headers

    @property
    def claimed(self) -> Claim | Refusal:
        return claim(self.headers.get("authorization"), self.headers.get("x-api-key"))

    @property
    def remote(self) -> str:
        return self._request.remote or ""

    def fault(self, head_bytes: int) -> Refusal | None:
        return check_head(self._request, head_bytes)

    async def send(self, reply: Reply) -> None:
        self._sent = response = _response(reply)
        await response.prepare(self._request)
        await response.write_eof()

    async def stream(self, headers: Fields) -> AiohttpStream:
        self._sent = response = web.StreamResponse(status=200, headers=CIMultiDict(headers))
        if self._request.version < HttpVersion11:
            response.force_close()  # without chunks only the connection's end tells where the stream ends
        try:
            await response.prepare(self._request)
        except ConnectionError:
            raise asyncio.CancelledError from None  # the caller has left: it is about to be cancelled anyway
        return AiohttpStream(response)

    def hang_up(self) -> None:
        self._closes = True

    def abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()

    def response(self, reply: Reply | None) -> web.StreamResponse:
        """What aiohttp wants to have in the end: the answer to send, or the one that is sent already."""
        if reply is None:
            assert self._sent is not None
            response = self._sent
        else:
            if self._sent is not None:
                self.abort()  # a second head in the middle of an answer would be read as its text
            response = _response(reply)
        if self._closes:
            response.force_close()
        return response


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, headers=CIMultiDict(reply.headers), body=reply.body)


def unparseable(status: int) -> web.Response:
    """The answer to bytes that are no HTTP request. There is no path, so it is worded in the OpenAI dialect."""
    request_id = new_id("req-")
    refusal = Refusal(reasons.INVALID_REQUEST, "the bytes received are not a valid HTTP/1.1 request")
    if status >= 500:
        refusal = Refusal(reasons.INTERNAL_ERROR, "the gateway failed while reading this request")
    elif status == 408:
        refusal = Refusal(reasons.REQUEST_TIMEOUT, "the request head came too slowly")
    elif status == 431:
        refusal = Refusal(reasons.HEADERS_TOO_LARGE, "the request line or a header is too long, or there are too many")
    wire = OPENAI.refuse(refusal, request_id)
    headers = head(request_id)
    headers.extend(wire.headers)
    headers["content-type"] = "application/json"
    return web.Response(status=wire.status, headers=headers, body=wire.body)
