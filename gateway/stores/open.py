"""From a store's URL to the store."""

from pathlib import Path

from gateway.core.clock import Clock
from gateway.core.ports import Events
from gateway.core.redis_target import is_redis, parse
from gateway.stores.base import Store
from gateway.stores.memory import MemoryStore
from gateway.stores.redis.store import RedisStore
from gateway.stores.sqlite import SqliteStore

EXPECTED = "expected 'memory:', 'sqlite:PATH' or 'redis://HOST'"


def open_store(url: str, clock: Clock, events: Events) -> Store:
    """The store that `url` names, not opened yet; a Redis without password. ValueError says what was expected."""
    scheme, _, rest = url.partition(":")
    if scheme == "memory" and url == "memory:":
        return MemoryStore(clock, events)
    if scheme == "sqlite" and rest:
        return SqliteStore(Path(rest), clock, events)
    if is_redis(url):
        return RedisStore(parse(url), clock, events)
    raise ValueError(f"unknown store {scheme + ':'!r}: {EXPECTED}")
