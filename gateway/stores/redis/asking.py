"""One question to whichever server it belongs to, however the server sends us about."""

import asyncio
from typing import Final

from gateway.stores.base import StoreUnavailable
from gateway.stores.redis.endpoint import LOAD, Endpoint
from gateway.stores.redis.link import Full, Lost
from gateway.stores.redis.resp import Refused, Reply, command
from gateway.stores.redis.servers import Servers, redirected

LOSSES: Final = 2
"""Connections one question may lose: one retry, which is safe since every operation is named by an id."""
HOPS: Final = 16
"""Answers like "elsewhere" or "not now" before we give up."""
PATIENCE_S: Final = (0.005, 0.01, 0.02, 0.04, 0.08)
"""Waits after the answers that mean "not now"."""
_NOT_NOW: Final = frozenset({"TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "BUSY"})
_ASKING: Final = command("ASKING")
_WHY: Final = {
    "READONLY": "Redis is a replica and takes no writes",
    "OOM": "Redis has no memory left (maxmemory): give it more, it must not evict",
    "NOREPLICAS": "Redis has fewer replicas than min-replicas-to-write asks for",
    "MISCONF": "Redis refuses writes since it cannot save to disk",
    "NOPERM": "the Redis user may not do what the store needs",
    "NOAUTH": "Redis wants a password",
    "LOADING": "Redis is loading its data set",
    "BUSY": "Redis is busy with somebody's script",
    "CLUSTERDOWN": "the Redis cluster is down",
    "GWFORMAT": "the usage in Redis was written by another version",
}


def explain(refused: Refused) -> StoreUnavailable:
    """A sentence for an operator; what Redis says may hold key names, so only its code word is shown."""
    why = _WHY.get(refused.code, f"Redis refuses a usage call: {refused.code[:32]}")
    return StoreUnavailable(why, transient=refused.code != "GWFORMAT")


class Unsure(StoreUnavailable):
    """The question was sent and its answer lost: nobody knows whether it was carried out."""


class Asking:
    """Raises StoreUnavailable where no answer can be had; returns a reply that is no error."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers

    async def ask(self, slot: int, payload: bytes) -> Reply:
        losses = pauses = 0
        endpoint: Endpoint | None = None
        asking = sent = False
        for _ in range(HOPS):
            try:
                endpoint = endpoint or self.servers.known(slot) or await self.servers.find(slot)
                link = endpoint.alive or await endpoint.link()
                if asking:
                    link.send(_ASKING).add_done_callback(_seen)
                future = link.send(payload)
                sent = True
                reply = await future
                sent = False
                if not isinstance(reply, Refused):
                    endpoint.breaker.succeeded()
                    return reply
                if reply.code in {"MOVED", "ASK"}:
                    moved, address = redirected(reply)
                    asking = reply.code == "ASK"
                    endpoint = self.servers.at(address) if asking else self.servers.moved(moved, address)
                    continue
                if reply.code == "NOSCRIPT":
                    link.send(LOAD).add_done_callback(_seen)
                    continue
            except Full:
                raise StoreUnavailable("too many requests wait for Redis") from None
            except Lost as lost:
                losses += 1
                self.servers.doubt()
                endpoint, asking = None, False
                if losses >= LOSSES:
                    raise (Unsure if sent else StoreUnavailable)(str(lost)) from lost
                continue
            if reply.code == "READONLY" and losses == 0:
                losses += 1
                endpoint.drop()
                self.servers.doubt()
            elif reply.code in _NOT_NOW and pauses < len(PATIENCE_S):
                await asyncio.sleep(PATIENCE_S[pauses])
                pauses += 1
            else:
                raise explain(reply)
            endpoint, asking = None, False
        raise StoreUnavailable("Redis sends its callers in circles")


def _seen(future: "asyncio.Future[Reply]") -> None:
    if not future.cancelled():
        future.exception()
