"""The bytes of an answer between the upstream and a slower reader. Bounded: a full one stops the reading."""

import asyncio
from typing import Final

from gateway.upstreams.base import UpstreamFailed

HIGH: Final = 64 * 1024
"""Bytes that wait before the connection is read no further; what one read brings comes on top."""
PIECE: Final = 64
"""Bytes of memory that a piece takes beside its own: a flood of tiny chunks is bounded, too."""


class Body:
    """`parts`, `waits`, `end` and `fail` are the connection's; `pop` is the reader's, of whom there is one.

    What is popped in the turn in which it came, which is nearly every piece of a stream, is never counted.
    """

    __slots__ = ("_counted", "_failure", "_paused", "_size", "_transport", "_waiter", "ended", "left", "over", "parts")

    def __init__(self, transport: asyncio.ReadTransport) -> None:
        self._transport = transport
        self.parts: list[bytes] = []
        """The pieces, to be appended to. One list for ever, for those who keep its methods."""
        self.left = 0
        """Bytes that the reader may get before it is too much."""
        self.ended = False
        """The reader has seen the end."""
        self._counted = 0
        self._size = 0
        """Of as many parts as are counted, in bytes."""
        self._paused = False
        self.over = False
        """Nothing comes behind the parts."""
        self._failure: UpstreamFailed | None = None
        self._waiter: asyncio.Future[None] | None = None

    def waits(self) -> None:
        """Parts came that nobody took at once: wake who waits for them, and stop reading when they are too many."""
        for part in self.parts[self._counted :]:
            self._size += len(part) + PIECE
        self._counted = len(self.parts)
        if self._size > HIGH and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def end(self) -> None:
        self.over = True
        self._wake()

    def fail(self, failure: UpstreamFailed) -> None:
        """The reader gets what is there, then the failure."""
        if not self.over:
            self._failure, self.over = failure, True
            self._wake()

    def ready(self) -> bool:
        """Whether `pop` would return at once."""
        return bool(self.parts) or self.over

    def pop(self) -> bytes:
        """All that is there; empty at the end and after it. Raises UpstreamFailed. Only when `ready`."""
        parts = self.parts
        if not parts:
            if self._failure is not None:
                raise self._failure
            self.ended = True
            return b""
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._counted = self._size = 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        self.left -= len(data)
        if self.left < 0:
            raise UpstreamFailed("body", "the upstream's response is over the size limit")
        return data

    async def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until `ready`. Whoever is cancelled here has taken nothing."""
        self._waiter = waiter = loop.create_future()
        try:
            await waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
