"""What a connection of the hot lane needs of the lane."""

import asyncio
from typing import TYPE_CHECKING, Protocol

from gateway.core.turn import Turn
from gateway.server.inbound import Serve
from gateway.server.known_heads import KnownHeads

if TYPE_CHECKING:
    from gateway.server.hot_connection import HotConnection


class Lane(Protocol):
    """Where connections come from and go to."""

    loop: asyncio.AbstractEventLoop
    turn: Turn
    heads: KnownHeads
    most_bytes: int

    @property
    def serve(self) -> Serve: ...

    def joined(self, connection: "HotConnection") -> None: ...

    def left(self, connection: "HotConnection") -> None: ...

    def other(self) -> asyncio.Protocol:
        """The protocol of the other lane, for a connection of its own."""
        ...
