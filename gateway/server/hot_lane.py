"""Our own lane in front of aiohttp's, on the same listening socket: plain requests at a fraction of the cost.

It holds no policy, limit or metering: both lanes hand their requests to the same handler. What it does not take goes
to aiohttp's server with every byte of it.
"""

import asyncio

from gateway.core.turn import turn_of
from gateway.server.door import Door, DoorLimits
from gateway.server.hot_connection import HotConnection
from gateway.server.inbound import Serve
from gateway.server.known_heads import KnownHeads


class HotLane:
    """The protocol factory of the data listener; `door` is the other lane's."""

    def __init__(self, serve: Serve, door: Door, limits: DoorLimits, paths: frozenset[str]) -> None:
        self.loop = asyncio.get_running_loop()
        self.turn = turn_of(self.loop)
        self.heads = KnownHeads(paths, limits.headers)
        self.most_bytes = limits.head_bytes
        self.connections: set[HotConnection] = set()
        self.handed_over = 0
        """Connections that went to aiohttp's server."""
        self.serve = serve
        self._door = door
        self._limits = limits

    def __call__(self) -> HotConnection:
        return HotConnection(self)

    def joined(self, connection: HotConnection) -> None:
        self.connections.add(connection)

    def left(self, connection: HotConnection) -> None:
        self.connections.discard(connection)

    def other(self) -> asyncio.Protocol:
        self.handed_over += 1
        return self._door()

    def look_after(self, patience_s: float) -> None:
        """Called every second or so: cut who has read nothing for `patience_s` seconds, close who says nothing."""
        now = self.loop.time()
        for connection in [*self.connections]:
            connection.look_after(now, patience_s, self._limits.head_s, self._limits.keepalive_s)

    def pre_shutdown(self) -> None:
        """Idle connections close now, busy ones after their answer."""
        for connection in [*self.connections]:
            connection.close_if_idle()

    @property
    def unsent(self) -> bool:
        """Whether callers are still reading answers whose requests are over."""
        return any(connection.unsent for connection in self.connections)

    async def shutdown(self) -> None:
        """Cut what is left; answers that are written already may still be read."""
        await asyncio.gather(*(connection.end() for connection in [*self.connections]))
