"""The ops listener: is it alive, may it get traffic, what does it count. Nothing here needs or shows a secret."""

import asyncio

from aiohttp import web

from gateway.core.ids import new_id
from gateway.observe.metrics import CONTENT_TYPE
from gateway.runtime import Runtime
from gateway.server.respond import head


class OpsPlane:
    """GET /healthz, /readyz, /metrics."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if request.method != "GET":
            return _text(405, "only GET is served here\n")
        if path == "/healthz":
            return _text(200, "ok\n")
        if path == "/readyz":
            return self._ready()
        if path == "/metrics":
            return _text(200, await self._scrape(), CONTENT_TYPE)
        return _text(404, "served here: /healthz /readyz /metrics\n")

    def _ready(self) -> web.Response:
        answer = _text(503, "draining\n") if self._runtime.draining else _text(200, "ready\n")
        answer.headers["x-gateway-revision"] = self._runtime.snapshot.policies.revision
        return answer

    async def _scrape(self) -> bytes:
        """Everything that is counted; between two pieces the event loop serves whoever waits."""
        pieces = []
        for piece in self._runtime.metrics.pieces():
            pieces.append(piece)
            await asyncio.sleep(0)
        return b"".join(pieces)


def _text(status: int, body: str | bytes, content_type: str = "text/plain; charset=utf-8") -> web.Response:
    headers = head(new_id("ops-"))
    headers["content-type"] = content_type
    return web.Response(status=status, headers=headers, body=body.encode() if isinstance(body, str) else body)
