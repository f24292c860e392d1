"""`python -m bench.ledger`: what one admitted request costs in each usage store, beside PyPI `limits` on the same.

Memory and SQLite decide in the process. Redis is asked by 64 callers at once: through the gateway's own client, by
`limits`, and by redis-py with one EVALSHA each for our own two calls. All take turns in short windows; the tables show
the calm quarter of them. Then: what an account occupies, and whether limits hold under a crowd. Of all this one thing
is asserted, that nothing is used beyond one of our limits and nothing charged unused.
"""

import argparse
import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import redis
import redis.asyncio as redis_py
from limits.storage import MemoryStorage as LimitsMemory

from bench.ledger_memory import memory
from bench.ledger_overshoot import overshoot
from bench.ledger_pairs import (
    CALLERS,
    HOMES,
    Pair,
    limits,
    limits_memory_pair,
    limits_redis,
    limits_redis_pair,
    redis_py_pair,
    refusal_pair,
    store_pair,
)
from bench.loop import new_loop
from bench.plan import BenchFailed
from bench.redis_process import redis_process
from bench.report import table
from bench.statistics import lower_quartile
from gateway.core.clock import SystemClock
from gateway.core.redis_target import parse
from gateway.stores.memory import MemoryStore
from gateway.stores.redis.endpoint import Dial
from gateway.stores.redis.store import RedisStore
from gateway.stores.sqlite import SqliteStore

LIMITS = (1, 5, 20)
PATIENCE_S = 10
"""How late an answer of Redis may be. A gateway waits 0.1 s; here a full server is what is measured."""


@dataclass
class Figures:
    """Of each window: requests a second, microseconds of this process' CPU and scripts run by Redis per request."""

    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The calm quarter: the rate that a quarter of the windows reach."""
        return -lower_quartile([-rate for rate in self.rates])


async def window(pair: Pair, seconds: float, callers: int, figures: Figures, scripts: Callable[[], int]) -> None:
    done = 0
    loop = asyncio.get_running_loop()
    before = scripts()
    end = loop.time() + seconds

    async def one(caller: int) -> None:
        nonlocal done
        while loop.time() < end:
            await pair(caller)
            done += 1

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(caller) for caller in range(callers)))
    spent = time.process_time() - cpu
    figures.rates.append(done / (time.perf_counter() - began))
    figures.cpu_us.append(spent / done * 1e6)
    await asyncio.sleep(0.01)  # the last settlements are still on their way
    figures.calls.append((scripts() - before) / done)


async def measured(port: int, folder: Path, number: int, rounds: int, seconds: float) -> dict[str, Figures]:
    clock = SystemClock()
    plans = [limits(number, f"org{i}") for i in range(HOMES)]
    lite = SqliteStore(folder / f"usage-{number}.db", clock)
    async with AsyncExitStack() as stack:
        remote = remote_store(port)
        for store in (remote, lite):
            await store.open()
            stack.push_async_callback(store.close)
        client = redis_py.Redis(port=port, max_connections=CALLERS)
        stack.push_async_callback(client.aclose)
        counter = redis.Redis(port=port)
        stack.callback(counter.close)
        pairs: dict[str, tuple[Pair, int]] = {
            "memory": (store_pair(MemoryStore(clock), plans), 1),
            "memory, limits": (limits_memory_pair(LimitsMemory(), plans), 1),
            "sqlite": (store_pair(lite, plans), 1),
            "redis": (store_pair(remote, plans), CALLERS),
            "redis, a refusal": (refusal_pair(remote, plans), CALLERS),
            "redis, limits": (limits_redis_pair(limits_redis(port), plans), CALLERS),
            "redis, our scripts by redis-py": (redis_py_pair(client, remote, plans), CALLERS),
        }
        figures = {name: Figures() for name in pairs}

        def scripts() -> int:
            return int(counter.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"])

        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)  # as `gateway serve` does
        for turn in range(rounds + 1):
            for name, (pair, callers) in pairs.items():
                await window(pair, seconds, callers, figures[name] if turn else Figures(), scripts)
    return figures


def remote_store(port: int) -> RedisStore:
    return RedisStore(parse(f"redis://127.0.0.1:{port}"), SystemClock(), dial=Dial(timeout_s=PATIENCE_S))


def rows_of(number: int, found: dict[str, Figures]) -> list[list[str]]:
    """With ratios to our own figures on the same store."""
    rows = []
    for name, figures in found.items():
        ours = found[name.partition(",")[0]]
        cpu, base = lower_quartile(figures.cpu_us), lower_quartile(ours.cpu_us)
        calls = f"{lower_quartile(figures.calls):.1f}" if name.startswith("redis") else "-"
        ratios = [f"{figures.rate / ours.rate:.2f}×", f"{cpu / base:.2f}×"]
        rows.append([f"{number:2}, {name}", f"{figures.rate:,.0f}", f"{cpu:.1f}", *ratios, calls])
    return rows


async def run(folder: Path, port: int, rounds: int, seconds: float) -> None:
    rows = []
    for number in LIMITS:
        rows += rows_of(number, await measured(port, folder, number, rounds, seconds))
    title = f"One request: reserve, settle. Redis: {CALLERS} callers. Calm quarter of {rounds} windows of {seconds} s."
    header = ("limits, store", "requests/s", "CPU µs", "requests/s ×", "CPU ×", "calls of Redis")
    print(table(title, header, rows))
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        remote, lite = remote_store(port), SqliteStore(folder / "crowd.db", clock)
        for store in (remote, lite):
            await store.open()
            stack.push_async_callback(store.close)
        print(await memory(clock, folder, remote, port))
        stores = {"memory": MemoryStore(clock), "sqlite": lite, "redis": remote}
        print(await overshoot(stores, limits_redis(port)))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few windows: under a minute, coarse")
    quick = parser.parse_args(argv).quick
    try:
        with (
            tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder,
            redis_process(folder) as port,
            asyncio.Runner(loop_factory=new_loop) as runner,
        ):
            runner.run(run(Path(folder), port, *((3, 0.25) if quick else (12, 0.5))))
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
