"""A simulated model server for `make run` and for tests: every dialect, streams, usage, and faults on request.

It needs no model and no network. What it says depends on the request alone; one word is one token; it writes 40
words unless the request caps the output lower. The word `fault:NAME` in a prompt or in the model's name asks for
trouble; the names are in FAULTS. It sends rate limits, cookies and a server name of its own, so that a gateway in
front of it can prove that it drops them.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from gateway.cli import simulator_anthropic as anthropic
from gateway.cli import simulator_openai as openai
from gateway.cli.simulator_talk import CREATED, Talk, talk
from gateway.core import jsonio

FAULTS: Final = {
    "400 … 599": "that status, in the dialect's error envelope; 429, 503 and 529 with Retry-After: 2",
    "cut": "the connection breaks half way through the answer",
    "stall": "half of a stream, then silence; without streaming, no answer at all",
    "error": "half of a stream, then the dialect's own error event",
    "no-usage": "an answer that reports no usage",
    "slow": "ten times slower",
}
MODELS: Final = ("sim-small", "sim-large", "sim-embed")
CANARY: Final = "sk-upstream-canary-0123456789"
"""A credential in every error text: whoever relays it leaks."""

_MAX_BODY: Final = 64 * 1024 * 1024
_HEADERS: Final = {
    "server": "simulator/1.0",
    "set-cookie": "simulator=1; Path=/",
    "openai-organization": "org-simulator",
    "anthropic-organization-id": "org-simulator",
    "openai-processing-ms": "1",
    "x-ratelimit-limit-requests": "31337",
    "x-ratelimit-remaining-requests": "31336",
    "x-ratelimit-reset-requests": "1s",
    "anthropic-ratelimit-requests-limit": "31337",
}

Whole = Callable[[Talk, dict[str, Any]], dict[str, Any]]
Stream = Callable[[Talk, dict[str, Any]], Iterator[bytes]]
MakeError = Callable[[int, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Route:
    whole: Whole
    stream: Stream | None
    error: MakeError


_ROUTES: Final = {
    "/v1/chat/completions": _Route(openai.chat, openai.chat_stream, openai.error),
    "/v1/completions": _Route(openai.completions, openai.completions_stream, openai.error),
    "/v1/embeddings": _Route(openai.embeddings, None, openai.error),
    "/v1/responses": _Route(openai.responses, openai.responses_stream, openai.error),
    "/v1/messages": _Route(anthropic.messages, anthropic.messages_stream, anthropic.error),
    "/v1/messages/count_tokens": _Route(anthropic.count_tokens, None, anthropic.error),
}


class Simulator:
    """The server under way. `requests` counts what it was asked."""

    def __init__(self, delay_s: float) -> None:
        self.delay_s = delay_s
        self.requests = 0
        self.port = 0
        self._runner: web.ServerRunner | None = None

    async def open(self, host: str, port: int) -> None:
        # A caller who leaves ends the handler, stalled ones too.
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests += 1
        if request.method == "GET" and request.path == "/v1/models":
            return _json(200, _models("anthropic-version" in request.headers))
        route = _ROUTES.get(request.path)
        if route is None or request.method != "POST":
            return _json(404, openai.error(404, "the simulator serves no such route"))
        try:
            body = jsonio.loads(await _read(request))
        except jsonio.JsonError as error:
            return _json(400, route.error(400, str(error)))
        if not isinstance(body, dict):
            return _json(400, route.error(400, "the body is not an object"))
        spoken = talk(body)
        if spoken.fault.isdigit() and 400 <= int(spoken.fault) <= 599:
            return _refuse(route, int(spoken.fault))
        if body.get("stream") is True and route.stream is not None:
            return await self._stream(request, route, spoken, list(route.stream(spoken, body)))
        return await self._whole(request, route, spoken, body)

    async def _whole(
        self, request: web.BaseRequest, route: _Route, spoken: Talk, body: dict[str, Any]
    ) -> web.StreamResponse:
        document = route.whole(spoken, body)
        if spoken.fault == "no-usage":
            document.pop("usage", None)
        if spoken.fault == "stall":
            await asyncio.Event().wait()
        await asyncio.sleep(self._delay(spoken))
        if spoken.fault != "cut":
            return _json(200, document, spoken.id)
        text = jsonio.dumps(document)
        response = web.StreamResponse(headers={**_HEADERS, "content-type": "application/json"})
        response.content_length = len(text)
        await response.prepare(request)
        await response.write(text[: len(text) // 2])
        return _cut(request, response)

    async def _stream(
        self, request: web.BaseRequest, route: _Route, spoken: Talk, events: Sequence[bytes]
    ) -> web.StreamResponse:
        head = {**_HEADERS, "content-type": "text/event-stream", "x-request-id": f"sim-{spoken.id}"}
        response = web.StreamResponse(headers=head)
        await response.prepare(request)
        broken = spoken.fault in ("cut", "stall", "error")
        for event in events[: len(events) // 2] if broken else events:
            await response.write(event)
            await asyncio.sleep(self._delay(spoken))
        if spoken.fault == "cut":
            return _cut(request, response)
        if spoken.fault == "stall":
            await asyncio.Event().wait()
        if spoken.fault == "error":
            document = route.error(500, _blame())
            await response.write(openai.named(document) if "type" in document else openai.data(document))
        await response.write_eof()
        return response

    def _delay(self, spoken: Talk) -> float:
        return self.delay_s * 10 if spoken.fault == "slow" else self.delay_s


async def start_simulator(host: str, port: int, *, delay_s: float = 0.02) -> Simulator:
    """Listen; port 0 picks a free one. `delay_s` is the pause after every event and before a whole answer."""
    simulator = Simulator(delay_s)
    await simulator.open(host, port)
    return simulator


async def _read(request: web.BaseRequest) -> bytes:
    """The body, images and all: the server's own reader stops at its default of 1 MiB."""
    parts = []
    left = _MAX_BODY
    async for part in request.content.iter_any():
        left -= len(part)
        if left < 0:
            raise jsonio.JsonError("the body is over 64 MiB")
        parts.append(part)
    return b"".join(parts)


def _json(status: int, document: dict[str, Any], request_id: str = "0") -> web.Response:
    head = {**_HEADERS, "content-type": "application/json", "x-request-id": f"sim-{request_id}"}
    return web.Response(status=status, body=jsonio.dumps(document), headers=head)


def _blame() -> str:
    return f"simulated fault on http://10.0.0.7:8000/v1 with key {CANARY}"


def _refuse(route: _Route, status: int) -> web.Response:
    response = _json(status, route.error(status, _blame()))
    if status in (429, 503, 529):
        response.headers["retry-after"] = "2"
    return response


def _cut(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return response


def _models(anthropic_family: bool) -> dict[str, Any]:
    if anthropic_family:
        rows = [
            {"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"} for name in MODELS
        ]
        return {"data": rows, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
    listed = [{"id": name, "object": "model", "created": CREATED, "owned_by": "simulator"} for name in MODELS]
    return {"object": "list", "data": listed}
