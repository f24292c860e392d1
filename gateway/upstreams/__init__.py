"""Who answers: picking, forwarding, health. The only lower room that opens sockets."""

from collections.abc import Callable
from typing import Final

from gateway.upstreams.aiohttp_transport import AiohttpTransport
from gateway.upstreams.base import Transport
from gateway.upstreams.settings import UpstreamSettings

TRANSPORTS: Final[tuple[Callable[[UpstreamSettings], Transport], ...]] = (AiohttpTransport,)
"""Every implementation of the connections; the first is what `serve` uses. The contract suite runs on each."""
