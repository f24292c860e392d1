"""Keep virtual cores from halting: `python -m bench.compare.spinning SECONDS` spins where it is pinned.

A core that halts is woken by its hypervisor, which takes up to milliseconds; that would be measured as the delay of
whoever happened to be asked. A spinner has the scheduling class that gives way to everything else (SCHED_IDLE), so it
takes no time from a target, and its time is nobody's CPU in the tables.
"""

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.process import child, cores, port_said

_TURNS = 100_000
_SPINS = re.compile(r"^spins on (\d+)$", re.MULTILINE)


@contextmanager
def spinning(folder: Path, at_most_s: float) -> Iterator[None]:
    """One spinner on each of the two cores while the block runs."""
    with ExitStack() as running:
        for where in cores():
            command = [sys.executable, "-m", "bench.compare.spinning", f"{at_most_s}"]
            log = folder / f"spin{min(where)}.log"
            port_said(running.enter_context(child(command, where, log)), log, _SPINS)
        yield


def _spin(seconds: float) -> None:
    """Until the time is over, or whoever started it is gone."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    print(f"spins on {min(os.sched_getaffinity(0))}", flush=True)
    parent, until = os.getppid(), time.monotonic() + seconds
    while time.monotonic() < until and os.getppid() == parent:
        for _ in range(_TURNS):
            pass


if __name__ == "__main__":
    _spin(float(sys.argv[1]))
