"""What a Redis must be like before the first request, and what is said when it is not."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.clock import SystemClock
from gateway.core.redis_target import Target, parse
from gateway.core.units import Unit
from gateway.engine.spec import RateSpec
from gateway.stores.base import StoreUnavailable
from gateway.stores.redis.store import RedisStore
from tests.support.redis_server import PATIENT, free_port, redis_server

pytestmark = pytest.mark.redis
RATE = RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 100)


@pytest.fixture(scope="module")
def server():
    with redis_server() as one:
        yield one


async def opened(url, **dial):
    target = parse(url)
    store = RedisStore(target, SystemClock(), dial=replace(PATIENT, username=target.username, db=target.db, **dial))
    try:
        await store.open()
        return (await store.reserve("a", (RATE,), {Unit.TOTAL_TOKENS: 1}, {}, 1000)).granted
    finally:
        await store.close()


async def listed(url, **dial):
    target = parse(url)
    store = RedisStore(target, SystemClock(), dial=replace(PATIENT, username=target.username, **dial))
    await store.open()
    try:
        await store.reserve("a", (RATE,), {Unit.TOTAL_TOKENS: 1}, {}, 100_000)
        store.renew(["a"], 100_000)
        return [one.id for one in await store.held()]
    finally:
        await store.close()


def no(url, match, **dial):
    with pytest.raises(StoreUnavailable, match=match) as caught:
        asyncio.run(opened(url, **dial))
    assert not caught.value.transient
    assert "hunter2" not in str(caught.value)


def test_a_good_one_is_opened_and_used(server):
    server.say("FLUSHALL")
    assert asyncio.run(opened(server.url + "/3"))
    assert server.say("DBSIZE") == 0
    server.say("SELECT", "3")
    assert server.say("DBSIZE") > 0
    server.say("SELECT", "0")


def test_nobody_there():
    no(f"redis://127.0.0.1:{free_port()}", "cannot be reached")


def test_eviction_is_a_forgotten_limit(server):
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        no(server.url, "allkeys-lru: set noeviction")
    finally:
        server.say("CONFIG", "SET", "maxmemory-policy", "noeviction")


def test_a_replica_is_refused(server):
    with redis_server("--replicaof", "127.0.0.1", str(server.port)) as replica:
        no(replica.url, "replica")


def test_a_cluster_is_named_as_one(server):
    with redis_server("--cluster-enabled", "yes") as node:
        no(node.url, r"part of a cluster: use redis\+cluster")
    no(server.url.replace("redis:", "redis+cluster:"), "slots|not part of a cluster")


def test_logins(server):
    server.say("ACL", "SETUSER", "gateway", "on", ">hunter2", "~*", "+@all")
    server.say("ACL", "SETUSER", "weak", "on", ">hunter2", "~*", "+@all", "-script")
    url = server.url.replace("//", "//{}@")
    server.say("FLUSHALL")
    assert asyncio.run(opened(url.format("gateway"), password=lambda: "hunter2"))
    server.say("FLUSHALL")
    no(url.format("gateway"), "refuses the login: WRONGPASS", password=lambda: "hunter3")
    no(url.format("weak"), "does not let this user load scripts: NOPERM", password=lambda: "hunter2")

    # The rights that docs/redis.md names are enough.
    page = (Path(__file__).parents[3] / "docs" / "redis.md").read_text()
    rights = " ".join(re.findall(r"`([~+][^`]*)`", page)).split()
    server.say("ACL", "SETUSER", "least", "reset", "on", ">hunter2", *rights)
    assert asyncio.run(opened(url.format("least"), password=lambda: "hunter2"))
    assert asyncio.run(listed(url.format("least"), password=lambda: "hunter2")) == ["a"]

    def absent():
        raise OSError("no such file hunter2")

    no(url.format("gateway"), "password of Redis cannot be read: OSError", password=absent)


def test_another_format_of_usage_is_refused_for_good(server):
    server.say("FLUSHALL")
    server.say("EVAL", "redis.call('HSET', KEYS[1], '\\0', cmsgpack.pack({7, 1, 1}))", "1", "gw1:{%}:s")
    no(server.url, "written by another version")
    server.say("FLUSHALL")


def test_no_memory_left_is_said_and_changes_nothing(server):
    server.say("FLUSHALL")

    async def body():
        store = RedisStore(Target("single", (("127.0.0.1", server.port),)), SystemClock(), dial=PATIENT)
        await store.open()
        server.say("CONFIG", "SET", "maxmemory", "1")
        try:
            with pytest.raises(StoreUnavailable, match="no memory left"):
                await store.reserve("a", (RATE,), {Unit.TOTAL_TOKENS: 1}, {}, 1000)
        finally:
            server.say("CONFIG", "SET", "maxmemory", "0")
        assert store.degraded
        assert (await store.reserve("b", (RATE,), {Unit.TOTAL_TOKENS: 1}, {}, 1000)).readings[0].remaining == 99
        await store.close()

    asyncio.run(body())
