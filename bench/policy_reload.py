"""A reload of a thousand policies under a running gateway: how long it takes, and how long a request then waits."""

import asyncio
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.gateway_proc import gateway
from bench.plan import BenchFailed, Plan
from bench.policy_set import policies
from bench.process import cores
from bench.report import table
from bench.stage import Stage
from bench.statistics import lower_quartile, median, percentile
from bench.streams import Seen, at_rate, request

_POLICIES, _COVERING = 1000, 10
_PER_S = 200
_WINDOW_S = 3.0
_PATIENCE_S = 30.0


@dataclass(slots=True)
class _Waits:
    """Of the requests of each window, in milliseconds."""

    median: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    worst: list[float] = field(default_factory=list)

    def add(self, seen: Seen) -> None:
        waits = [each / 1e6 for each in seen.first_ns]
        self.median.append(median(waits))
        self.p99.append(percentile(waits, 0.99))
        self.worst.append(max(waits))

    def cells(self) -> list[str]:
        return [f"{lower_quartile(some):.1f} / {median(some):.1f}" for some in (self.median, self.p99, self.worst)]


async def reload(stage: Stage, plan: Plan) -> str:
    """Windows with a reload in them, and windows without, in turn. Every file is read again."""
    proxy, _ = cores()
    folder = stage.folder / "reload"
    quiet, busy, took = _Waits(), _Waits(), []
    with gateway(
        folder, stage.direct.answers_port, stage.direct.streams_port, proxy, more=policies(_POLICIES, _COVERING)
    ) as served:
        data = request(served.key, 1, 1)
        await at_rate(served.port, data, _PER_S, _WINDOW_S, Seen())  # the first one warms up
        for _ in range(plan.delay_windows):
            for waits in (quiet, busy):
                seen = Seen()
                load = asyncio.create_task(at_rate(served.port, data, _PER_S, _WINDOW_S, seen))
                if waits is busy:
                    await asyncio.sleep(0.5)
                    times, began = _times_loaded(folder / "log"), time.monotonic()
                    served.process.send_signal(signal.SIGHUP)
                    await _loaded(folder / "log", times + 1)
                    took.append((time.monotonic() - began) * 1000)
                await load
                waits.add(seen)
    rows = [["no reload", "-", *quiet.cells()], ["one reload", _spread(took), *busy.cells()]]
    return table(
        f"Reload of {_POLICIES:,} policies: ms until the first chunk, {_PER_S} requests/s, windows of {_WINDOW_S:g} s,"
        " lower quartile / median of the windows",
        ("window", "ms until it is in force", "median", "p99", "longest"),
        rows,
    )


def _times_loaded(log: Path) -> int:
    return log.read_text().count("accounts, models and policies loaded")


async def _loaded(log: Path, times: int) -> None:
    """Wait until the gateway has said so as often."""
    deadline = time.monotonic() + _PATIENCE_S
    while _times_loaded(log) < times:
        if time.monotonic() > deadline:
            raise BenchFailed(f"no reload within {_PATIENCE_S:g} s; the gateway said:\n{log.read_text()[-2000:]}")
        await asyncio.sleep(0.005)


def _spread(took: Sequence[float]) -> str:
    return f"{lower_quartile(took):,.0f} / {median(took):,.0f}"
