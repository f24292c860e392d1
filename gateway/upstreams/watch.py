"""One timer for a whole response body: a chunk costs two clock readings, never a timer or a task of its own."""

import asyncio

from aiohttp import StreamReader

from gateway.upstreams.base import UpstreamFailed


class Watch:
    """Fails the reader of `content` when the upstream pauses too long or the whole answer takes too long.

    Only time in which somebody waits for the upstream counts as a pause: a slow caller is not its fault.
    """

    __slots__ = ("_between", "_content", "_deadline", "_handle", "_loop", "_since")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, content: StreamReader, between_s: float, deadline: float
    ) -> None:
        self._loop = loop
        self._content = content
        self._between = between_s
        self._deadline = deadline
        self._since: float | None = None
        first = min(loop.time() + between_s, deadline)
        self._handle: asyncio.TimerHandle | None = loop.call_at(first, self._tick)

    def waiting(self) -> None:
        self._since = self._loop.time()

    def arrived(self) -> None:
        self._since = None

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _tick(self) -> None:
        now = self._loop.time()
        since = now if self._since is None else self._since
        if now >= self._deadline:
            self._expire("the upstream's answer took longer than the total timeout")
        elif now - since >= self._between:
            self._expire("the upstream paused longer than the between-bytes timeout")
        else:
            self._handle = self._loop.call_at(min(since + self._between, self._deadline), self._tick)

    def _expire(self, message: str) -> None:
        self._handle = None
        self._content.set_exception(UpstreamFailed("body", message, timeout=True))
