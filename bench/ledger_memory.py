"""What an account with five limits occupies, its limits' own words included: at rest, and for an open request."""

import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Final

import redis
from limits.storage import MemoryStorage as LimitsMemory
from limits.strategies import FixedWindowRateLimiter

from bench.ledger_pairs import AMOUNTS, SERIAL, TTL_MS, limits, windows_of
from bench.report import table
from gateway.core.clock import Clock
from gateway.engine.spec import Spec
from gateway.stores.base import Store
from gateway.stores.memory import MemoryStore
from gateway.stores.redis.store import RedisStore
from gateway.stores.sqlite import SqliteStore

ACCOUNTS: Final = 2000
NUMBER: Final = 5


def plans() -> list[tuple[Spec, ...]]:
    return [limits(NUMBER, f"organisation-{i:06d}") for i in range(ACCOUNTS)]


async def memory(clock: Clock, folder: Path, remote: RedisStore, port: int) -> str:
    path = folder / "memory.db"
    lite = SqliteStore(path, clock)
    await lite.open()
    in_memory = await _grown(MemoryStore(clock), allocated)
    in_lite = await _grown(lite, allocated)
    await lite.close()
    client = redis.Redis(port=port)
    client.flushdb()
    in_redis = await _grown(remote, lambda: int(client.info("memory")["used_memory"]))
    client.close()
    rows = [
        ["memory", *in_memory, "-"],
        ["memory, limits", f"{_library():,.0f}", "-", "-"],
        ["sqlite", *in_lite, f"{path.stat().st_size / ACCOUNTS:,.0f}"],
        ["redis, in the server", *in_redis, "-"],
    ]
    return table(
        f"Memory: {ACCOUNTS:,} accounts of {NUMBER} limits, bytes each",
        ("store", "after a request", "more while one is open", "on disk"),
        rows,
    )


def allocated() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def _grown(store: Store, size: Callable[[], int]) -> tuple[str, str]:
    """Bytes per account after a request of each, and how many more while another one of each is open."""
    tracemalloc.start()
    empty = size()
    everyone = plans()
    names = [await _request(store, specs) for specs in everyone]
    for name in names:
        store.settle(name, AMOUNTS)
    await store.peek(everyone[0])  # whatever was told before it has been heard
    rest = size()
    names = [await _request(store, specs) for specs in everyone]
    busy = size()
    tracemalloc.stop()
    for name in names:
        store.settle(name, AMOUNTS)
    return f"{(rest - empty) / ACCOUNTS:,.0f}", f"{(busy - rest) / ACCOUNTS:,.0f}"


async def _request(store: Store, specs: tuple[Spec, ...]) -> str:
    name = f"memo_{next(SERIAL):023d}"
    assert (await store.reserve(name, specs, AMOUNTS, AMOUNTS, TTL_MS)).granted
    return name


def _library() -> float:
    tracemalloc.start()
    empty = allocated()
    storage = LimitsMemory()
    limiter = FixedWindowRateLimiter(storage)
    everyone = [windows_of(specs) for specs in plans()]
    for windows in everyone:
        for item, key, cost in windows:
            limiter.hit(item, key, cost=cost)
    grown = allocated() - empty
    tracemalloc.stop()
    return grown / ACCOUNTS
