"""`Transport` on our own connections."""

import asyncio
from urllib.parse import urlsplit

from gateway.upstreams.base import Answer, Call
from gateway.upstreams.pool.answer import PoolAnswer
from gateway.upstreams.pool.answer_heads import AnswerHeads
from gateway.upstreams.pool.bounds import Bounds
from gateway.upstreams.pool.connections import Connections
from gateway.upstreams.pool.dial import Dial
from gateway.upstreams.pool.request import Heads
from gateway.upstreams.settings import UpstreamSettings
from gateway.upstreams.tls import system_context, tls_context


class PoolTransport:
    """Connections of one upstream, opened with the first call (a loop must be running by then)."""

    def __init__(self, settings: UpstreamSettings) -> None:
        self._settings = settings
        self._bounds = Bounds(settings)
        self._root = root = urlsplit(settings.root)
        self._heads = Heads(root)
        self._answer_heads = AnswerHeads()
        own = tls_context(settings)
        self._tls = (own or system_context()) if root.scheme == "https" else None
        self._loop: asyncio.AbstractEventLoop
        self._dial: Dial
        self._connections: Connections | None = None

    async def send(self, call: Call) -> Answer:
        connections = self._connections or self._open()
        bounds, loop = self._bounds, self._loop
        now = loop.time()
        deadline = now + bounds.total_s
        head = self._heads.head(call)
        connection = connections.take(now) or await connections.get(bounds.connect_s)
        no_body = call.method == "HEAD"
        answer = PoolAnswer(
            loop,
            connection,
            bounds,
            connections.give_back,
            heads=self._answer_heads,
            deadline=deadline,
            no_body=no_body,
        )
        try:
            await answer.begin(head, call.body)
        except BaseException:
            answer.abort()
            raise
        return answer

    async def close(self) -> None:
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.close()
            await self._dial.close()

    def _open(self) -> Connections:
        self._loop = loop = asyncio.get_running_loop()
        self._dial = Dial(loop, self._root, self._tls)
        settings = self._settings
        self._connections = made = Connections(
            loop, self._dial, limit=settings.max_connections, idle_s=settings.keepalive_s
        )
        return made
