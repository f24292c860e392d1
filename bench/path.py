"""The budget of one request, phase by phase: `python -m bench.path [--quick]`, a minute. Nothing is asserted.

Three processes take turns on one core, under the same load from the other core: the gateway as it is, the same gateway
with its phases timed (bench/phased.py), and a proxy that looks at nothing (bench/bare.py): two reads, two writes and
the loop. The figure is the CPU of the first; the phases come from the second, without what the timing costs; what no
phase explains is shown as such, so that the rows add up to the figure.
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.loop import new_loop
from bench.phased import ONCE
from bench.phases import PROBE, Reading
from bench.plan import BenchFailed
from bench.process import cores, pinned
from bench.report import table
from bench.statistics import lower_quartile
from bench.tolls import Toll, Tolls, corrected, outside_of
from bench.under_load import WARM_S, Target, bare, counted, gateway, load_on, window

_DROPPED = "gateway_decision_log_dropped_total"
_WINDOW_S = 0.4
_WINDOWS, _QUICK = 24, 8
_TELL_S = 5.0
_WRITER = "writer thread: decision records"
_LOOP = "event loop: waiting, reading, tasks"
_BARE = "a proxy that looks at nothing"
_REST = "remainder"


@dataclass(slots=True)
class Costs:
    """µs of one request in each window, by row."""

    figure: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    writer: list[float] = field(default_factory=list)
    phases: dict[str, list[float]] = field(default_factory=dict)
    calls: dict[str, float] = field(default_factory=dict)


async def phases(target: Target, seconds: float, costs: Costs, *, keep: bool) -> list[str]:
    """One window of the gateway whose phases are timed; the functions that it did not find."""
    load = load_on(target)
    await load.start()
    try:
        await asyncio.sleep(WARM_S)
        before = await _told(target)
        await asyncio.sleep(seconds)
        after = await _told(target)
    finally:
        load.stop()
    missing: list[str] = after["missing"]
    if keep:
        _book(before, after, costs)
    return missing


def _book(before: dict[str, Any], after: dict[str, Any], costs: Costs) -> None:
    names: list[str] = after["names"]
    between = _reading(after).since(_reading(before))
    requests = between.starts[names.index(ONCE)]
    if not requests:
        raise BenchFailed(f"no request passed through the phase {ONCE!r}")
    tolls = Tolls(Toll(*after["call"]), Toll(*after["step"]), after["shown_ns"])
    if after["probe_ns"]:
        tolls = tolls.there(after["probe_ns"])
    on_core = after["on_core_ns"] - before["on_core_ns"]
    found = {_LOOP: (outside_of(between, tolls, on_core), 0)}
    for number, ns in enumerate(corrected(between, tolls)):
        if between.starts[number] and names[number] != PROBE:
            found[names[number]] = (ns, between.starts[number])
    for name, (ns, calls) in found.items():
        costs.phases.setdefault(name, []).append(ns / 1000 / requests)
        costs.calls[name] = calls / requests


def _reading(told: dict[str, Any]) -> Reading:
    return Reading(
        tuple(told["spent"]), tuple(told["starts"]),
        (tuple(told["within"][0]), tuple(told["within"][1])), (tuple(told["around"][0]), tuple(told["around"][1])),
    )  # fmt: skip


async def _told(target: Target) -> dict[str, Any]:
    assert target.told is not None
    target.told.unlink(missing_ok=True)
    os.kill(target.pid, signal.SIGUSR1)
    until = time.monotonic() + _TELL_S
    while not target.told.exists():
        if time.monotonic() > until:
            raise BenchFailed("the gateway whose phases are timed does not tell them")
        await asyncio.sleep(0.001)
    told: dict[str, Any] = json.loads(target.told.read_text())
    return told


async def measure(plain: Target, timed: Target, proxy: Target, windows: int, seconds: float) -> tuple[Costs, list[str]]:
    """In turn; the first window of each warms up."""
    costs, missing = Costs(), list[str]()
    for number in range(windows + 1):
        whole, others = await window(plain, seconds)
        missing = await phases(timed, seconds, costs, keep=number > 0)
        loop, _ = await window(proxy, seconds)
        if number:
            costs.figure.append(whole)
            costs.writer.append(others)
            costs.bare.append(loop)
    return costs, missing


def budget(costs: Costs) -> list[tuple[str, float, float, float]]:
    """Rows (name, best, lower quartile, calls), the remainder last: they add up to the figure."""
    rows = [(name, *_spread(values), costs.calls[name]) for name, values in costs.phases.items()]
    rows.append((_WRITER, *_spread(costs.writer), 0.0))
    best, quartile = _spread(costs.figure)
    rest = (_REST, best - sum(row[1] for row in rows), quartile - sum(row[2] for row in rows), 0.0)
    return [*rows, rest]


def shown(costs: Costs, title: str) -> str:
    """As a table; below the rows the figure that they add up to, and what the bare proxy needs."""
    whole = _spread(costs.figure)
    lines = [*budget(costs), ("one request", *whole, 0.0), (_BARE, *_spread(costs.bare), 0.0)]
    rows = [
        [name, f"{low:.1f} / {usual:.1f}", f"{100 * usual / whole[1]:.0f} %", f"{calls:.1f}" if calls else "-"]
        for name, low, usual, calls in lines
    ]
    return table(title, ("phase", "CPU µs best / quartile", "share", "calls"), rows)


def _spread(values: Sequence[float]) -> tuple[float, float]:
    return min(values), lower_quartile(values)


def _profile(plain: Target, seconds: float) -> None:
    record = f"py-spy record --pid {plain.pid} --duration {seconds - 5:.0f} --rate 500"
    print(
        f"The gateway is process {plain.pid}, under load for {seconds:.0f} s. py-spy is no part of this project:\n"
        f"    pip install py-spy\n"
        f"    {record} --format raw --output profile.raw\n"
        f"    {record} --native --output profile.svg",
        flush=True,
    )


def main(argv: list[str] | None = None) -> int:
    """Exit 0 with figures, 1 when they cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m bench.path", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few windows: a quarter of a minute, coarse")
    parser.add_argument("--profile", action="store_true", help="load only, and how to look at it with py-spy")
    parser.add_argument("--shipped-only", action="store_true", help="without the bench's own three limits")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the gateway (may be repeated)"
    )
    args = parser.parse_args(argv)
    flags = [part for setting in args.set for part in ("--set", setting)]
    os.environ.setdefault("PYTHONHASHSEED", "0")  # or two processes of one program differ by a tenth
    own, other = cores()
    title = f"{os.cpu_count()} cores, Python {platform.python_version()}, load average {os.getloadavg()[0]:.1f}"
    try:
        with (
            tempfile.TemporaryDirectory(prefix="gateway-bench-") as name,
            ExitStack() as running,
            asyncio.Runner(loop_factory=new_loop) as runner,
        ):
            folder = Path(name)
            answers = running.enter_context(bare(folder, other, "upstream")).port
            plain = running.enter_context(
                gateway(folder / "plain", answers, own, flags, shipped_only=args.shipped_only)
            )
            running.enter_context(pinned(other))
            if args.profile:
                _profile(plain, 60.0)
                runner.run(window(plain, 60.0))
                return 0
            timed = running.enter_context(
                gateway(folder / "timed", answers, own, flags, shipped_only=args.shipped_only, program="bench.phased")
            )
            proxy = running.enter_context(bare(folder, own, "proxy", str(answers)))
            windows = _QUICK if args.quick else _WINDOWS
            costs, missing = runner.run(measure(plain, timed, proxy, windows, _WINDOW_S))
            limits = "shipped policies" if args.shipped_only else "shipped policies and three limits more"
            print(shown(costs, f"One request through the gateway ({', '.join([limits, *args.set])}); {title}"))
            dropped = counted(plain, _DROPPED)
            if dropped:
                print(
                    f"{dropped:,.0f} decision records were dropped: the figure is that of a gateway that lost work.\n"
                )
            if missing:
                print("Not found, see bench/phased.py: " + ", ".join(missing) + "\n")
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    print(f"Load average at the end {os.getloadavg()[0]:.1f}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
