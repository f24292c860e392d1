"""`python -m bench.ledger`: what one admitted request costs in each usage store, reserve and settle together.

Memory and SQLite decide in the process. Redis is asked by 64 callers at once, through the gateway's own client and,
for comparison in the same minutes, by redis-py's asyncio client with one EVALSHA each for the same two calls. All take
turns in short windows; the tables show the calm quarter of them. Nothing is asserted.
"""

import argparse
import asyncio
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import redis.asyncio as redis_py

from bench.loop import new_loop
from bench.plan import BenchFailed
from bench.report import table
from bench.statistics import lower_quartile
from gateway.core.clock import SystemClock
from gateway.core.redis_target import parse
from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, Period, RateSpec, SlotSpec, Spec
from gateway.stores.base import Store
from gateway.stores.memory import MemoryStore
from gateway.stores.redis.resp import Reader, command
from gateway.stores.redis.script import text
from gateway.stores.redis.store import RedisStore
from gateway.stores.sqlite import SqliteStore

CALLERS: Final = 64
HOMES: Final = 16
LIMITS: Final = (1, 5, 20)
PATIENCE_S: Final = 10
TTL_MS: Final = 60_000
AMOUNTS: Final = {Unit.REQUESTS: 1, Unit.TOTAL_TOKENS: 700, Unit.OUTPUT_TOKENS: 400, Unit.USD: 12_000}
SERIAL: Final = count()
Pair = Callable[[int], Awaitable[object]]
"""One admitted request of one caller: reserve, then settle."""


@dataclass
class Figures:
    """Of each window: requests a second, and microseconds of this process' CPU per request."""

    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


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
            specs.append(RateSpec(key, Unit.TOTAL_TOKENS, 10**9, 60, 10**9, home=home))
    return tuple(specs)


def store_pair(store: Store, plans: Sequence[tuple[Spec, ...]]) -> Pair:
    async def pair(caller: int) -> None:
        name = f"req_{next(SERIAL):024d}"
        verdict = await store.reserve(name, plans[caller % HOMES], AMOUNTS, AMOUNTS, TTL_MS)
        if not verdict.granted:
            raise BenchFailed("a limit of the bench was too small")
        store.settle(name, AMOUNTS)

    return pair


def redis_py_pair(client: "redis_py.Redis", store: RedisStore, plans: Sequence[tuple[Spec, ...]]) -> Pair:
    """The same words, sent by another client; they are made here since it makes its own bytes of them."""
    calls, clock = store._calls, SystemClock()

    async def pair(caller: int) -> None:
        name = f"req_{next(SERIAL):024d}"
        specs = plans[caller % HOMES]
        for payload in (
            calls.reserve(specs[0].home, name, specs, AMOUNTS, AMOUNTS, TTL_MS, clock.now_ms(), None, 2),
            calls.settle(specs[0].home, name, AMOUNTS, None),
        ):
            await client.execute_command(*words(payload))

    return pair


def words(payload: bytes) -> list[bytes]:
    """The words of a ready command."""
    return payload.split(b"\r\n")[2::2]


async def window(pair: Pair, seconds: float, callers: int, figures: Figures) -> None:
    done = 0
    loop = asyncio.get_running_loop()
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


async def measured(port: int, folder: Path, number: int, rounds: int, seconds: float) -> dict[str, Figures]:
    clock = SystemClock()
    plans = [limits(number, f"org{i}") for i in range(HOMES)]
    remote = RedisStore(parse(f"redis://127.0.0.1:{port}"), clock)
    stores: dict[str, Store] = {
        "memory": MemoryStore(clock),
        "sqlite": SqliteStore(folder / f"usage-{number}.db", clock),
        "redis": remote,
    }
    client = redis_py.Redis(port=port, max_connections=CALLERS)
    pairs = {name: (store_pair(store, plans), 1 if store is not remote else CALLERS) for name, store in stores.items()}
    pairs["redis, one caller"] = (store_pair(remote, plans), 1)
    pairs["redis-py EVALSHA"] = (redis_py_pair(client, remote, plans), CALLERS)
    figures = {name: Figures() for name in pairs}
    try:
        for store in stores.values():
            await store.open()
        for _ in range(rounds):
            for name, (pair, callers) in pairs.items():
                await window(pair, seconds, callers, figures[name])
    finally:
        await client.aclose()
        for store in stores.values():
            await store.close()
    return figures


def redis_process(folder: str) -> "tuple[subprocess.Popen[bytes], int]":
    """A Redis of our own that saves nothing. Raises BenchFailed."""
    if shutil.which("redis-server") is None:
        raise BenchFailed("needs redis-server (Debian package redis-server)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen(
        ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as link:
                link.sendall(command("SCRIPT", "LOAD", text()))
                if Reader().feed(link.recv(4096)):
                    return process, port
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise BenchFailed("redis-server does not start")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few windows: under 20 s, coarse")
    quick = parser.parse_args(argv).quick
    rounds, seconds = (3, 0.25) if quick else (12, 0.5)
    rows = []
    try:
        with (
            tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder,
            asyncio.Runner(loop_factory=new_loop) as runner,
        ):
            process, port = redis_process(folder)
            try:
                for number in LIMITS:
                    found = runner.run(measured(port, Path(folder), number, rounds, seconds))
                    for name, figures in found.items():
                        calm = -lower_quartile([-rate for rate in figures.rates])
                        rows.append(
                            [f"{number} limits, {name}", f"{calm:,.0f}", f"{lower_quartile(figures.cpu_us):.1f}"]
                        )
            finally:
                process.kill()
                process.wait(PATIENCE_S)
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    title = f"Reserve and settle of one request; redis: {CALLERS} callers. Calm quarter of {rounds} windows."
    print(table(title, ["store", "requests/s", "client CPU, µs"], rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
