"""What a connection has to say in a turn of the event loop: it leaves at the end, with what others have to say."""

import asyncio
from typing import Final

from gateway.core.turn import Turn

MOST_UNSAID: Final = 1 << 16
"""Bytes that may wait for the end of the turn; the transport takes what is more, so that it can say when it is full."""


class Unsaid:
    """The writing side of one connection, while it has a `transport`."""

    __slots__ = ("_data", "_turn", "transport")

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._data = b""
        self.transport: asyncio.Transport | None = None

    def __bool__(self) -> bool:
        return bool(self._data)

    def write(self, data: bytes) -> None:
        """Leaves at the end of the turn."""
        if len(self._data) + len(data) > MOST_UNSAID:
            self.say()
            if self.transport is not None:
                self.transport.write(data)
            return
        if not self._data:
            self._turn.write(self.say)
        self._data += data

    def push(self, data: bytes) -> None:
        """Leaves when the loop has read what there is to read: uvloop itself collects what is written meanwhile."""
        if self._data or self.transport is None or self.transport.is_closing():
            self.write(data)
        else:
            self.transport.write(data)

    def say(self) -> None:
        """All of it, now."""
        data, self._data = self._data, b""
        if data and self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)
