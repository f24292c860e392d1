"""Whether a limit holds when many call at once: how much more was used than it allows, and what was charged unused.

64 callers share a limit of 10,000 tokens. A request holds 100 while it is answered and uses 40, and the callers try
until nothing is left. A library without reservations has two ways to count that: the estimate before the answer, or
the use after it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from limits import RateLimitItemPerMonth
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter

from bench.ledger_pairs import CALLERS, SERIAL, TTL_MS
from bench.plan import BenchFailed
from bench.report import table
from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, Period, RateSpec
from gateway.stores.base import Store

SIZE: Final = 10_000
ESTIMATE: Final = 100
USE: Final = 40
TRIES: Final = 20
Try = Callable[[], Awaitable[int]]
"""One request: the tokens it used, 0 if it was refused."""


async def crowd(attempt: Try) -> int:
    """What all of them together used."""

    async def one() -> int:
        return sum([await attempt() for _ in range(TRIES)])

    return sum(await asyncio.gather(*(one() for _ in range(CALLERS))))


async def ours(store: Store) -> tuple[int, int]:
    """Used, and counted in the end. Raises BenchFailed if either is wrong."""
    home = "crowd"
    tight = BudgetSpec("crowd|tokens", Unit.TOTAL_TOKENS, SIZE, Period.MONTH, home=home)
    specs = (RateSpec("crowd|requests", Unit.REQUESTS, 10**6, 60, 10**6, home=home), tight)
    want, used = {Unit.REQUESTS: 1, Unit.TOTAL_TOKENS: ESTIMATE}, {Unit.REQUESTS: 1, Unit.TOTAL_TOKENS: USE}

    async def attempt() -> int:
        name = f"crowd_{next(SERIAL):020d}"
        verdict = await store.reserve(name, specs, want, want, TTL_MS)
        await asyncio.sleep(0)
        if not verdict.granted:
            return 0
        store.settle(name, used)
        return USE

    total = await crowd(attempt)
    (reading,) = await store.peek([tight])
    counted = SIZE - reading.remaining
    if total > SIZE or counted != total:
        raise BenchFailed(f"{store.name}: {total} tokens used and {counted} counted, where {SIZE} were allowed")
    return total, counted


async def theirs(limiter: FixedWindowRateLimiter, *, before: bool) -> tuple[int, int]:
    """The same, counting the estimate before the answer, or the use after it."""
    item, key = RateLimitItemPerMonth(SIZE), "before" if before else "after"

    async def attempt() -> int:
        ask = limiter.hit if before else limiter.test
        granted = await ask(item, key, cost=ESTIMATE)
        await asyncio.sleep(0)
        if granted and not before:
            await limiter.hit(item, key, cost=USE)
        return USE if granted else 0

    total = await crowd(attempt)
    return total, await limiter.storage.get(item.key_for(key))


async def overshoot(stores: dict[str, Store], remote: RedisStorage) -> str:
    found = {name: await ours(store) for name, store in stores.items()}
    for name, storage in (("memory", MemoryStorage()), ("redis", remote)):
        limiter = FixedWindowRateLimiter(storage)
        found[f"{name}, limits: the estimate before"] = await theirs(limiter, before=True)
        found[f"{name}, limits: the use afterwards"] = await theirs(limiter, before=False)
    rows = [
        [name, f"{used:,}", f"{max(0, used - SIZE):,}", f"{max(0, counted - used):,}"]
        for name, (used, counted) in found.items()
    ]
    title = f"A limit of {SIZE:,} tokens, {CALLERS} callers at once; a request is estimated at {ESTIMATE}, uses {USE}."
    return table(title, ("store", "tokens used", "over the limit", "charged, not used"), rows)
