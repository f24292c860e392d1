"""What one admitted request asks of a usage store, by each of the ways that are compared.

Ours is a reserve over all limits at once and a settle. PyPI `limits` has neither: its cheapest strategy (fixed
windows) counts the request at one limit after the other, as its documentation does, and gives nothing back.
"""

from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Final

import redis.asyncio as redis_py
from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerMonth
from limits.aio.storage import RedisStorage as LimitsRedis
from limits.aio.strategies import FixedWindowRateLimiter as RemoteWindows
from limits.storage import MemoryStorage as LimitsMemory
from limits.strategies import FixedWindowRateLimiter as LocalWindows

from bench.plan import BenchFailed
from gateway.core.clock import SystemClock
from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, Period, RateSpec, SlotSpec, Spec
from gateway.stores.base import Store
from gateway.stores.redis.store import RedisStore

CALLERS: Final = 64
HOMES: Final = 16
TTL_MS: Final = 60_000
AMOUNTS: Final = {Unit.REQUESTS: 1, Unit.TOTAL_TOKENS: 700, Unit.OUTPUT_TOKENS: 400, Unit.USD: 12_000}
TOO_MUCH: Final = AMOUNTS | {Unit.TOTAL_TOKENS: 10**11}
SERIAL: Final = count()
Pair = Callable[[int], Awaitable[object]]
"""One admitted request of one caller."""


def limits(number: int, home: str) -> tuple[Spec, ...]:
    """So many limits of one org, wide enough to refuse nobody: mostly token rates, as plans have them."""
    specs: list[Spec] = []
    for i in range(number):
        key = f"{home}|{i}"
        if i % 5 == 1:
            specs.append(RateSpec(key, Unit.REQUESTS, 10**7, 60, 10**7, home=home))
        elif i % 5 == 3:
            specs.append(BudgetSpec(key, Unit.USD, 1 << 53, Period.MONTH, home=home))
        elif i % 5 == 4:
            specs.append(SlotSpec(key, 10**6, home=home))
        else:
            specs.append(RateSpec(key, Unit.TOTAL_TOKENS, 10**10, 60, 10**10, home=home))
    return tuple(specs)


def windows_of(specs: Sequence[Spec]) -> list[tuple[RateLimitItem, str, int]]:
    """The same limits in the other library's words, with what a request costs; concurrency, unknown there, as 1."""
    found: list[tuple[RateLimitItem, str, int]] = []
    for spec in specs:
        item = RateLimitItemPerMonth if isinstance(spec, BudgetSpec) else RateLimitItemPerMinute
        found.append((item(1 << 53), spec.key, AMOUNTS.get(spec.unit, 1)))
    return found


def store_pair(store: Store, plans: Sequence[tuple[Spec, ...]]) -> Pair:
    async def pair(caller: int) -> None:
        name = f"req_{next(SERIAL):024d}"
        verdict = await store.reserve(name, plans[caller % HOMES], AMOUNTS, AMOUNTS, TTL_MS)
        if not verdict.granted:
            raise BenchFailed("a limit of the bench was too small")
        store.settle(name, AMOUNTS)

    return pair


def refusal_pair(store: Store, plans: Sequence[tuple[Spec, ...]]) -> Pair:
    """A decision alone: more is asked for than ever fits, so that there is nothing to settle."""

    async def pair(caller: int) -> None:
        name = f"req_{next(SERIAL):024d}"
        verdict = await store.reserve(name, plans[caller % HOMES], TOO_MUCH, TOO_MUCH, TTL_MS)
        if verdict.granted:
            raise BenchFailed("a limit of the bench was too large")

    return pair


def redis_py_pair(client: "redis_py.Redis", store: RedisStore, plans: Sequence[tuple[Spec, ...]]) -> Pair:
    """Our words, sent by another client; they are made here since it makes its own bytes of them."""
    calls, clock = store._calls, SystemClock()

    async def pair(caller: int) -> None:
        name = f"req_{next(SERIAL):024d}"
        specs = plans[caller % HOMES]
        for payload in (
            calls.reserve(specs[0].home, name, specs, AMOUNTS, AMOUNTS, TTL_MS, clock.now_ms(), None, 2),
            calls.settle(specs[0].home, name, AMOUNTS, None),
        ):
            await client.execute_command(*payload.split(b"\r\n")[2::2])

    return pair


def limits_memory_pair(storage: LimitsMemory, plans: Sequence[tuple[Spec, ...]]) -> Pair:
    limiter, windows = LocalWindows(storage), [windows_of(specs) for specs in plans]

    async def pair(caller: int) -> None:
        for item, key, cost in windows[caller % HOMES]:
            if not limiter.hit(item, key, cost=cost):
                raise BenchFailed("a limit of the bench was too small")

    return pair


def limits_redis(port: int) -> LimitsRedis:
    return LimitsRedis(f"async+redis://127.0.0.1:{port}", implementation="redispy", max_connections=CALLERS)


def limits_redis_pair(storage: LimitsRedis, plans: Sequence[tuple[Spec, ...]]) -> Pair:
    limiter, windows = RemoteWindows(storage), [windows_of(specs) for specs in plans]

    async def pair(caller: int) -> None:
        for item, key, cost in windows[caller % HOMES]:
            if not await limiter.hit(item, key, cost=cost):
                raise BenchFailed("a limit of the bench was too small")

    return pair
