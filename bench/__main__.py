"""`python -m bench`: figures of the gateway beside nginx, printed as tables. Nothing is asserted."""

import argparse
import asyncio
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.chunks import chunks
from bench.delays import delays
from bench.detectors import detectors
from bench.loop import new_loop
from bench.memory import memory
from bench.outputs import outputs
from bench.plan import FULL, QUICK, BenchFailed, Plan
from bench.policy import policy
from bench.pool import pool
from bench.process import cores, pinned
from bench.registry import registry
from bench.requests import rejections, requests
from bench.stage import Stage, stage
from bench.texts import texts

_ASYNC: dict[str, Callable[[Stage, Plan], Awaitable[str]]] = {
    "memory": memory,
    "chunks": chunks,
    "delays": delays,
    "policy": policy,
    "pool": pool,
}
_SYNC: dict[str, Callable[[Stage, Plan], str]] = {
    "requests": requests,
    "rejections": rejections,
    "detectors": detectors,
    "texts": texts,
    "outputs": outputs,
    "registry": registry,
}
FIGURES = (
    "memory",
    "requests",
    "rejections",
    "chunks",
    "delays",
    "detectors",
    "texts",
    "outputs",
    "registry",
    "policy",
    "pool",
)
"""In this order: memory is measured on fresh processes."""


def main(argv: list[str] | None = None) -> int:
    """Exit 0 with figures, 1 when they cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few windows: under 40 s, coarse")
    parser.add_argument("--only", action="append", choices=FIGURES, help="only this figure (may be repeated)")
    args = parser.parse_args(argv)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16384)), hard))
    print(_machine())
    began = time.monotonic()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder,
            stage(Path(folder)) as set_up,
            pinned(cores()[1]),
            asyncio.Runner(loop_factory=new_loop) as runner,
        ):
            for name in FIGURES:
                if args.only is None or name in args.only:
                    print(_figure(name, set_up, QUICK if args.quick else FULL, runner), flush=True)
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    print(f"Load average at the end {os.getloadavg()[0]:.1f}, {time.monotonic() - began:.0f} s in all.")
    return 0


def _figure(name: str, set_up: Stage, plan: Plan, runner: asyncio.Runner) -> str:
    if name in _SYNC:
        return _SYNC[name](set_up, plan)

    async def measured() -> str:
        return await _ASYNC[name](set_up, plan)

    return runner.run(measured())


def _machine() -> str:
    proxy, other = cores()
    where = f"proxy on core {min(proxy)}, upstream and load on core {min(other)}"
    if proxy == other:
        where += " (there is no second core: rates mean little, CPU per request still does)"
    return (
        f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}, "
        f"load average {os.getloadavg()[0]:.1f}; {where}.\nStore memory:, decision records to a file.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
