"""The bytes of an answer between the upstream and a slower reader. Bounded: a full one stops the reading."""

import asyncio
from typing import Final

from gateway.upstreams.base import UpstreamFailed

HIGH: Final = 64 * 1024
"""Bytes that wait before the connection is read no further; what one read brings comes on top."""
PIECE: Final = 64
"""Bytes of memory that a piece takes beside its own: a flood of tiny chunks is bounded, too."""


class Body:
    """`push`, `end` and `fail` are the connection's; `pop` is the reader's, of whom there is one."""

    __slots__ = ("_ended", "_failure", "_parts", "_paused", "_size", "_transport", "_waiter")

    def __init__(self, transport: asyncio.ReadTransport) -> None:
        self._transport = transport
        self._parts: list[bytes] = []
        self._size = 0
        self._paused = False
        self._ended = False
        self._failure: UpstreamFailed | None = None
        self._waiter: asyncio.Future[None] | None = None

    def push(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data) + PIECE
        if self._size > HIGH and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        if self._waiter is not None:
            self._wake(self._waiter)

    def end(self) -> None:
        self._ended = True
        if self._waiter is not None:
            self._wake(self._waiter)

    def fail(self, failure: UpstreamFailed) -> None:
        """The reader gets what is there, then the failure."""
        if self._failure is None and not self._ended:
            self._failure = failure
            if self._waiter is not None:
                self._wake(self._waiter)

    def ready(self) -> bool:
        """Whether `pop` would return at once."""
        return bool(self._parts) or self._ended or self._failure is not None

    def pop(self) -> bytes:
        """All that is there; empty at the end. Raises UpstreamFailed. Only when `ready`."""
        parts = self._parts
        if not parts:
            if self._failure is not None:
                raise self._failure
            return b""
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until `ready`. Whoever is cancelled here has taken nothing."""
        self._waiter = waiter = loop.create_future()
        try:
            await waiter
        finally:
            self._waiter = None

    @staticmethod
    def _wake(waiter: "asyncio.Future[None]") -> None:
        if not waiter.done():
            waiter.set_result(None)
