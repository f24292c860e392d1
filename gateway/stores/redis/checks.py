"""What must be true of a Redis before the first request: each "no" is a sentence about what to change."""

import asyncio
from typing import Final

from gateway.core.redis_target import Target
from gateway.stores.base import StoreUnavailable
from gateway.stores.redis.endpoint import LOAD, Endpoint
from gateway.stores.redis.link import Lost
from gateway.stores.redis.resp import Refused, Reply, command
from gateway.stores.redis.script import sha
from gateway.stores.redis.servers import Servers

OLDEST: Final = (6, 2)


async def check(servers: Servers, target: Target) -> list[str]:
    """Warnings, for what cannot be looked at. Raises StoreUnavailable."""
    try:
        endpoints = await servers.all()
        return [warning for endpoint in endpoints for warning in await _check(endpoint, target)]
    except Lost as error:
        raise StoreUnavailable(f"the usage store {target}: {error}", transient=False) from error


async def _check(endpoint: Endpoint, target: Target) -> list[str]:
    link = await endpoint.link()
    words = (command("INFO", "server"), command("INFO", "replication"), command("INFO", "memory"),
             command("INFO", "cluster"), LOAD, command("SCRIPT", "EXISTS", sha()))  # fmt: skip
    server, replication, memory, cluster, loaded, exists = await asyncio.gather(*[link.send(word) for word in words])
    version = _fact(server, "redis_version")
    if version is None:
        raise _no(target, f"it does not answer INFO: {_said(server)}")
    if _numbers(version) < OLDEST:
        raise _no(target, f"it is Redis {version}; the oldest that will do is 6.2")
    if _fact(replication, "role") != "master":
        raise _no(target, "it is a replica and takes no writes: name the master, or use redis+sentinel://")
    clustered = _fact(cluster, "cluster_enabled") == "1"
    if clustered and target.mode != "cluster":
        raise _no(target, "it is part of a cluster: use redis+cluster://")
    if target.mode == "cluster" and not clustered:
        raise _no(target, "it is not part of a cluster: use redis://")
    if isinstance(loaded, Refused) or exists != [1]:
        raise _no(target, f"it does not let this user load scripts: {_said(loaded)}")
    policy = _fact(memory, "maxmemory_policy")
    if policy is None:
        return [f"{target} does not say its maxmemory-policy; it must be noeviction"]
    if policy != "noeviction":
        raise _no(
            target, f"its maxmemory-policy is {policy}: set noeviction, since an evicted key is a forgotten limit"
        )
    return []


def _fact(info: Reply, name: str) -> str | None:
    """One line of an INFO section."""
    if not isinstance(info, bytes):
        return None
    for line in info.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


def _said(reply: Reply) -> str:
    return reply.code if isinstance(reply, Refused) else "an answer of another kind"


def _no(target: Target, why: str) -> StoreUnavailable:
    return StoreUnavailable(f"the usage store {target}: {why}", transient=False)
