"""Who answers: picking, forwarding, health. The only lower room that opens sockets."""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.upstreams.aiohttp_transport import AiohttpTransport
from gateway.upstreams.base import Transport
from gateway.upstreams.pool.transport import PoolTransport
from gateway.upstreams.settings import UpstreamSettings

TRANSPORTS: Final[Mapping[str, Callable[[UpstreamSettings], Transport]]] = {
    "pool": PoolTransport,
    "aiohttp": AiohttpTransport,
}
"""Every implementation of the connections by its name in the settings. The contract suite runs on each."""
