"""From the URL of a store of one process to the store; a remote one needs more than a URL (usage_store.py)."""

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
    raise ValueError(f"unknown store {scheme + ':'!r}: {EXPECTED}")
