"""One request and its answer on one connection: `Answer` to the gateway, `Exchange` to the connection."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from gateway.upstreams import head
from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.headers import is_stream
from gateway.upstreams.pool.answer_heads import AnswerHeads
from gateway.upstreams.pool.body import Body
from gateway.upstreams.pool.bounds import Bounds
from gateway.upstreams.pool.connection import Connection
from gateway.upstreams.pool.reading import Reading, broken

_READ: Final[dict[str, str]] = {}
"""The head of an answer that is poured: nobody asks for it again, and streams are many and long."""


class PoolAnswer:
    """A response under way. It is its own chunk iterator: nothing to close when a reader is cancelled."""

    __slots__ = (
        "_body", "_bounds", "_busy", "_connection", "_deadline", "_done", "_head_due", "_headed", "_loop",
        "_paused", "_reading", "_release", "_since", "_take", "_tell", "_touched", "headers", "status",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Connection,
        bounds: Bounds,
        release: Callable[[Connection], None],
        *,
        heads: AnswerHeads,
        deadline: float,
        no_body: bool = False,
    ) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._loop = loop
        self._connection = connection
        self._bounds = bounds
        self._release = release
        self._deadline = deadline
        self._head_due = 0.0
        self._headed: asyncio.Future[None] | None = loop.create_future()
        """What waits for the head; None once it is there."""
        self._body = Body(connection.transport)
        self._reading = Reading(self._body.parts, heads, no_body=no_body)
        self._since: float | None = None
        """Since when a reader waits for the upstream; a slow reader is not its fault."""
        self._touched = False
        """Whether any byte came back."""
        self._done = False
        self._take: Callable[[bytes], None] | None = None
        self._tell: Callable[[UpstreamFailed | None], None]
        self._paused = False
        self._busy = False
        """`_take` is running: what it sets off must not call it again."""

    def begin(self, request_head: bytes, request_body: bytes) -> asyncio.Future[None]:
        """Send the request. What it returns is done when the head is there, or fails with UpstreamFailed."""
        headed = self._headed
        assert headed is not None
        self._head_due = min(self._loop.time() + self._bounds.first_byte_s, self._deadline)
        self._connection.begin(self, request_head, request_body, self._head_due)
        return headed

    # The connection's side.

    def received(self, data: bytes) -> None:
        self._touched = True
        reading = self._reading
        try:
            reading.feed(data)
        except UpstreamFailed as failure:
            if reading.status and not self.status:
                self._answered()
            self._fail(failure)
            return
        if reading.status and not self.status:
            self._answered()
        body = self._body
        if reading.complete:
            body.end()
        if self._take is not None:
            self._pour()
        if body.parts:
            body.waits()

    def _answered(self) -> None:
        reading, bounds = self._reading, self._bounds
        self.status = reading.status
        self.headers = headers = reading.headers
        # By what came, not by what was asked for: an answer in one piece is held in memory.
        self._body.left = bounds.max_stream_bytes if is_stream(headers) else bounds.max_response_bytes
        if not reading.complete:
            now = self._loop.time()
            self._connection.alarm(min(now + bounds.between_bytes_s, self._deadline))
        headed, self._headed = self._headed, None
        if headed is not None and not headed.done():
            headed.set_result(None)

    def lost(self) -> None:
        if self._reading.complete:
            return
        stale = self._connection.requests > 1 and not self._touched
        self._fail(broken() if self.status else head.lost(stale=stale))

    def due(self, now: float) -> float:
        if not self.status:
            return self._head_due
        between = self._bounds.between_bytes_s
        return min((now if self._since is None else self._since) + between, self._deadline)

    def expire(self, now: float) -> None:
        if not self.status:
            self._fail(head.late())
        elif now >= self._deadline:
            self._fail(_slow("the upstream's answer took longer than the total timeout"))
        else:
            self._fail(_slow("the upstream paused longer than the between-bytes timeout"))

    def _fail(self, failure: UpstreamFailed) -> None:
        """Nothing more can come of this; the connection is closed before anybody hears of it."""
        self._connection.abort()
        self._reading.drop()
        self._body.fail(failure)
        if self._headed is not None and not self._headed.done():
            self._headed.set_exception(failure)
        self._pour()

    # The reader's side.

    def chunks(self) -> "PoolAnswer":
        return self

    def __aiter__(self) -> "PoolAnswer":
        return self

    async def __anext__(self) -> bytes:
        if not self._body.ready():
            await self._wait()
        data = self._body.pop()
        if not data:
            raise StopAsyncIteration
        return data

    async def read(self) -> bytes:
        parts = []
        while not self._body.ended:
            if not self._body.ready():
                await self._wait()
            parts.append(self._body.pop())
        return b"".join(parts)

    async def _wait(self) -> None:
        self._since = self._loop.time()
        try:
            await self._body.wait(self._loop)
        finally:
            self._since = None

    def pour(self, take: Callable[[bytes], None], ended: Callable[[UpstreamFailed | None], None]) -> None:
        self._take, self._tell = take, ended
        self.headers = self._reading.headers = _READ
        self._pour()

    def pause(self) -> None:
        self._paused = True
        self._since = None

    def resume(self) -> None:
        self._paused = False
        self._pour()

    def collect(self) -> None:
        self._take = self._since = None

    def _pour(self) -> None:
        if self._busy:
            return
        self._busy = True
        body = self._body
        try:
            while (take := self._take) is not None and not self._paused and (body.parts or body.over):
                failure = None
                try:
                    data = body.pop()
                except UpstreamFailed as caught:
                    data, failure = b"", caught
                if data:
                    take(data)
                else:
                    self.collect()
                    self._tell(failure)
        finally:
            self._busy = False
        if self._take is not None and not self._paused:
            self._since = self._loop.time()

    def finish(self) -> None:
        if self._done:
            return
        reading = self._reading
        connection = self._connection
        whole = self._body.ended and reading.complete and not reading.extra
        # An early or an error answer may leave the upstream in another place of the conversation than we are.
        clean = whole and reading.keep and 200 <= self.status < 300
        if clean and connection.exchange is self and connection.rest():
            self._done = True
            self._release(connection)
        else:
            self.abort()

    def abort(self) -> None:
        if self._done:
            return
        self._done = True
        self._reading.drop()
        self._connection.abort()
        self._body.fail(UpstreamFailed("body", "the answer was aborted"))
        self._pour()


def _slow(message: str) -> UpstreamFailed:
    return UpstreamFailed("body", message, timeout=True)
