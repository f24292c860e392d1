"""`python -m bench.compare`: the gateway beside nginx, Envoy, ferrogw and LiteLLM. Nothing is asserted.

All of them run on one core, upstream and load on the other, and take turns in windows of about a second. Peers are
optional: `--install` puts them into virtual environments outside the repository.
"""

import argparse
import asyncio
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Final

from bench.chunks import measure as measure_chunks
from bench.compare import measures, page, peers
from bench.compare.bars import bars
from bench.compare.crowd import crowd
from bench.compare.dripping import Upstream
from bench.compare.figures import Figures
from bench.compare.lineup import DIRECT, ENVOY, FERROGW, HOT, LITELLM, NGINX, PEERS, REFERENCE, Lineup, lineup
from bench.compare.plan import FULL, QUICK, ComparePlan
from bench.compare.spinning import spinning
from bench.compare.tables import tables
from bench.loop import new_loop
from bench.plan import BenchFailed
from bench.process import cores, pinned
from bench.statistics import lower_quartile
from gateway.core.build import COMPILED

FIGURES: Final = ("starts", "crowd", "requests", "refusals", "overshoot", "chunks", "latency")
"""In this order: memory and starts are measured on fresh processes."""
_SPIN_S: Final = 1200.0
_STREAMING: Final = (NGINX, HOT, REFERENCE, ENVOY)
_LANES: Final = (HOT, REFERENCE)


def main(argv: list[str] | None = None) -> int:
    """Exit 0 with figures, 1 when they cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few windows: under two minutes, coarse")
    parser.add_argument("--only", action="append", choices=FIGURES, help="only this figure (may be repeated)")
    parser.add_argument("--peers", type=Path, default=peers.default_folder(), help="where peers are (%(default)s)")
    parser.add_argument("--install", action="store_true", help="install the peers there with pip, and measure nothing")
    parser.add_argument("--write", action="store_true", help="put the tables and the plot into docs/performance.md")
    args = parser.parse_args(argv)
    if args.write and (args.only or args.quick):
        parser.error("--write needs all figures of a full run: leave --only and --quick out")
    try:
        if args.install:
            peers.install(args.peers)
            return 0
        _compare(args.peers, QUICK if args.quick else FULL, args.only or FIGURES, write=args.write)
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    return 0


def _compare(installed: Path, plan: ComparePlan, wanted: Sequence[str], *, write: bool) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16384)), hard))
    machine, began = _machine(), time.monotonic()
    print(machine, flush=True)
    if write:
        page.with_section(page.PAGE.read_text(), "")  # before a quarter of an hour is spent for nothing
    figures = Figures()
    versions = {name: peers.version(installed, peer) for name, peer in PEERS.items()}
    try:
        with (
            tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder,
            lineup(Path(folder), installed, plan.tight_requests, plan.tight_tokens) as line,
            pinned(cores()[1]),
            asyncio.Runner(loop_factory=new_loop) as runner,
        ):
            _alone(line, plan, wanted, figures)
            _in_turn(line, plan, wanted, figures, runner)
    finally:  # what was found before something failed is worth its minutes
        shown = tables(figures, plan, versions)
        print("\n".join(shown), flush=True)
    print(f"Load average at the end {os.getloadavg()[0]:.1f}, {time.monotonic() - began:.0f} s in all.")
    if write:
        costs = {name: lower_quartile(found.costs) for name, found in figures.requests.items() if any(found.costs)}
        page.write(machine, shown, bars("CPU per request, lower quartile", costs, "µs", "gateway"))


def _alone(line: Lineup, plan: ComparePlan, wanted: Sequence[str], figures: Figures) -> None:
    """What needs fresh processes, one target at a time."""
    if "starts" in wanted:
        measures.starts(line, line.names(), plan, figures)
    if "crowd" in wanted:
        some = [name for name in _STREAMING if name in line.names()][: plan.crowd_targets - 1]
        with spinning(line.folder, _SPIN_S), Upstream() as upstream, line.streaming_from(upstream.port):
            for name in (DIRECT, *some):
                with nullcontext(line.direct) if name == DIRECT else line.started(name) as target:
                    measures.ready(target)
                    try:
                        figures.crowds[name] = crowd(target, plan, upstream)
                    except BenchFailed as failed:  # who cannot carry it is a result, and no reason to stop
                        figures.failed_crowds[name] = str(failed)


def _in_turn(line: Lineup, plan: ComparePlan, wanted: Sequence[str], figures: Figures, runner: asyncio.Runner) -> None:
    """What is compared window by window, with all targets running."""
    with ExitStack() as running:
        targets = {}
        for name in line.names():
            if name not in (FERROGW, LITELLM):
                targets[name] = running.enter_context(line.started(name))
        lanes = [targets[name] for name in _LANES]
        for target in targets.values():
            measures.ready(target)
        if "requests" in wanted:
            with ExitStack() as briefly:
                others = [briefly.enter_context(line.started(n)) for n in line.names() if n not in targets]
                for target in others:
                    measures.ready(target)
                measures.requests(line, [line.direct, *targets.values(), *others], plan, figures)
        measures.limits(line.records[HOT], figures)
        if "refusals" in wanted:
            measures.refusals(line, lanes, plan, figures)
        if "overshoot" in wanted:
            measures.overshoots(line, lanes, plan, figures)
        if "chunks" in wanted:
            streaming = [targets[name] for name in _STREAMING if name in targets]
            figures.chunks = runner.run(measure_chunks(streaming, plan.windows))
        if "latency" in wanted:
            with spinning(line.folder, _SPIN_S):
                measures.waits([line.direct, *targets.values()], plan, figures)


def _machine() -> str:
    proxy, other = cores()
    where = f"targets on core {min(proxy)}, upstreams and load on core {min(other)}"
    if proxy == other:
        where += " (there is no second core: rates and delays mean little, CPU per request still does)"
    return (
        f"{os.cpu_count()} cores ({_model()}), Linux {platform.release()}, Python {platform.python_version()}; "
        f"{where}. Load average {os.getloadavg()[0]:.1f} at the start. Store `memory:`, decision records to a file. "
        f"The gateway's request path is {'compiled' if COMPILED else 'not compiled'}."
    )


def _model() -> str:
    """Of the processor; empty lines of /proc/cpuinfo and other systems have none."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
