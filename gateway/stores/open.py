"""From a store's URL to the store."""

from pathlib import Path

from gateway.core.clock import Clock
from gateway.core.ports import Events
from gateway.stores.base import Store
from gateway.stores.memory import MemoryStore
from gateway.stores.sqlite import SqliteStore

EXPECTED = "expected 'memory:' or 'sqlite:PATH'"


def open_store(url: str, clock: Clock, events: Events) -> Store:
    """The store that `url` names, not opened yet. ValueError says what was expected."""
    scheme, _, rest = url.partition(":")
    if scheme == "memory" and url == "memory:":
        return MemoryStore(clock, events)
    if scheme == "sqlite" and rest:
        return SqliteStore(Path(rest), clock, events)
    if scheme in ("redis", "rediss"):
        # The rest of such a URL may hold a password.
        raise ValueError(f"store '{scheme}://' is not available in this version: {EXPECTED}")
    raise ValueError(f"unknown store {scheme + ':'!r}: {EXPECTED}")
