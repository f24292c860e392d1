"""Processes under the same load, one at a time: gateways, and a proxy that looks at nothing."""

import asyncio
import json
import os
import re
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

from bench import gateway_proc
from bench.bare import Callers, request_to
from bench.measure import cpu_ns, parse_schedstat
from bench.plan import BenchFailed
from bench.process import START_S, child, port_said
from bench.requests import BODY

WARM_S = 0.1
"""Of load before each window."""
CALLERS = 32
PATH = "/v1/chat/completions"
_PORT = re.compile(r"^mock ready: port (\d+)", re.MULTILINE)
_GATEWAY = re.compile(r"^gateway ready: data 127\.0\.0\.1:(\d+)", re.MULTILINE)
_OPS = re.compile(r"^gateway ready: .*, ops 127\.0\.0\.1:(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Target:
    """A process under load."""

    port: int
    pid: int
    key: str = ""
    told: Path | None = None
    ops_port: int = 0
    keys: Mapping[str, str] = field(default_factory=dict)
    """Of a gateway's accounts, `key` among them."""


@contextmanager
def gateway(
    folder: Path,
    answers: int,
    where: set[int],
    flags: Sequence[str],
    *,
    shipped_only: bool,
    program: str = "gateway",
    tree: Path | None = None,
    setup: gateway_proc.Setup | None = None,
    under: Sequence[str] = (),
) -> Iterator[Target]:
    """`gateway serve`, or the same in a module of ours that measures it. `flags` are further arguments of it. With
    `tree` it is the gateway of that checkout, run by the Python of its own .venv where it has one. `under` is the
    command of a program that executes it, at a thirtieth of its speed.
    """
    folder.mkdir()
    setup = setup or gateway_proc.Setup(three_limits=not shipped_only)
    keys = gateway_proc._write(folder, answers, answers, setup)
    told = folder / "told.json"
    tells = [] if program == "gateway" else [str(told)]
    command = [*under, _python(tree), "-m", program, *tells, "serve", "--config", str(folder / "gateway.yaml"), *flags]
    log = folder / "log"
    env = None if tree is None else {**os.environ, "PYTHONPATH": str(tree.resolve())}
    with child(command, where, log, env) as process:
        ops_port = port_said(process, log, _OPS, START_S if not under else 10 * START_S)
        yield Target(port_said(process, log, _GATEWAY), process.pid, keys["acme"], told, ops_port, keys)


def _python(tree: Path | None) -> str:
    own = None if tree is None else tree / ".venv" / "bin" / "python"
    return sys.executable if own is None or not own.exists() else str(own.absolute())


@contextmanager
def bare(folder: Path, where: set[int], *what: str) -> Iterator[Target]:
    log = folder / f"{what[0]}.log"
    with child([sys.executable, "-m", "bench.bare", *what], where, log) as process:
        yield Target(port_said(process, log, _PORT), process.pid)


async def window(target: Target, seconds: float, load: Callers | None = None) -> tuple[float, float]:
    """CPU µs of one request: of the process, and of its threads but the first. The load is the usual one, or `load`."""
    load = load or load_on(target)
    await load.start()
    try:
        await asyncio.sleep(WARM_S)
        before, others, first = cpu_ns(target.pid), _others_ns(target.pid), load.done
        await asyncio.sleep(seconds)
        used, used_by_others, came = cpu_ns(target.pid) - before, _others_ns(target.pid) - others, load.done - first
    finally:
        load.stop()
    if not came:
        raise BenchFailed("nothing was answered")
    return used / 1000 / came, used_by_others / 1000 / came


async def in_turns(targets: Sequence[Target], windows: int, seconds: float) -> list[list[float]]:
    """CPU µs of one request in each window, by target: whatever else the machine does hits all of them."""
    costs: list[list[float]] = [[] for _ in targets]
    for number in range(windows + 1):
        for target, found in zip(targets, costs, strict=True):
            cost, _ = await window(target, seconds)
            if number:  # the first one warms up
                found.append(cost)
    return costs


def counted(target: Target, name: str) -> float:
    """All that a gateway has counted under that name."""
    with urllib.request.urlopen(f"http://127.0.0.1:{target.ops_port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE))


def load_on(target: Target, callers: int = CALLERS) -> Callers:
    """Callers that ask again as soon as they were answered."""
    body = json.dumps(BODY).encode()
    return Callers(target.port, repeat(request_to(target.port, PATH, target.key or "-", body)), callers)


def _others_ns(pid: int) -> int:
    """Of all threads but the first."""
    threads = [path for path in Path(f"/proc/{pid}/task").iterdir() if path.name != str(pid)]
    return sum(parse_schedstat((path / "schedstat").read_text()) for path in threads)
