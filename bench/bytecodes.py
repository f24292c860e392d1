"""How long the path is: the bytecodes of one request, by function. `python -m bench.bytecodes`, ten seconds.

CPU time on a shared machine moves by a tenth from run to run, so that a cut of a hundredth cannot be seen in it. The
number of bytecodes that the interpreter executes for a request does not move at all: it is the same on a busy machine,
and compares between machines with the same Python. It says nothing of what a C call costs; those are counted beside it.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.asking import ANSWERS, FRESH, FRESH_HELP, Caller, Fresh, caller, shipped
from bench.plan import BenchFailed
from bench.process import cores
from bench.report import table
from bench.under_load import Target, bare, gateway

_ROOT = f"{Path(__file__).resolve().parents[1]}/"
_WARM = 64
_REQUESTS = 200
_TELL_S = 10.0
_NONE = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Counted:
    """One function's part of one request."""

    file: str
    line: int
    name: str
    bytecodes: float
    frames: float
    native: float


def counted(folder: Path, status: int = 200, requests: int = _REQUESTS, fresh: Collection[Fresh] = ()) -> list[Counted]:
    """What one request that gets this answer costs on the hot lane under the shipped policies, the most expensive
    function first. Raises BenchFailed.
    """
    own, other = cores()
    with ExitStack() as running:
        answers = running.enter_context(bare(folder, other, "upstream")).port
        target = running.enter_context(
            gateway(folder / "traced", answers, own, (), shipped_only=True, setup=shipped(), program="bench.traced")
        )
        ask = running.enter_context(caller(target, status, fresh))
        ask.times(_WARM)
        before = _tell(target, ask)
        ask.times(requests)
        after = _tell(target, ask)
    asked = requests + 1  # with the one that makes it tell
    found = [
        Counted(
            file.removeprefix(_ROOT), line, name,
            *((now - then) / asked for now, then in zip(numbers, before.get((file, line, name), _NONE), strict=True)),
        )
        for (file, line, name), numbers in after.items()
    ]  # fmt: skip
    return sorted(found, key=lambda row: -row.bytecodes)


def whole(rows: Sequence[Counted]) -> float:
    """Bytecodes of one request."""
    return sum(row.bytecodes for row in rows)


def _tell(target: Target, ask: Caller) -> dict[tuple[str, int, str], list[int]]:
    """The count so far; the first time it begins. A request makes an idle interpreter notice the signal."""
    assert target.told is not None
    target.told.unlink(missing_ok=True)
    os.kill(target.pid, signal.SIGUSR1)
    ask.times(1)
    until = time.monotonic() + _TELL_S
    while not target.told.exists():
        if time.monotonic() > until:
            raise BenchFailed("the gateway whose bytecodes are counted does not tell them")
        time.sleep(0.01)
    rows = json.loads(target.told.read_text())
    told: dict[tuple[str, int, str], list[int]] = {}
    for file, line, name, *numbers in rows:  # what a dataclass generates has neither file nor line of its own
        known = told.setdefault((file, line, name), [0, 0, 0])
        told[file, line, name] = [sum(pair) for pair in zip(known, numbers, strict=True)]
    return told


def shown(rows: Sequence[Counted], most: int) -> str:
    """The `most` expensive functions, and the sum of all."""
    lines = [(f"{row.file}:{row.line} {row.name}", row) for row in rows[:most]]
    cells = [[where, *(f"{number:.1f}" for number in (row.bytecodes, row.frames, row.native))] for where, row in lines]
    sums = [sum(getattr(row, name) for row in rows) for name in ("bytecodes", "frames", "native")]
    cells.append(["one request", *(f"{number:,.0f}" for number in sums)])
    return table(f"One request, Python {sys.version.split()[0]}", ("function", "bytecodes", "frames", "C calls"), cells)


def main(argv: list[str] | None = None) -> int:
    """Exit 0 with figures, 1 when they cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m bench.bytecodes", description=__doc__)
    parser.add_argument("--top", type=int, default=40, metavar="N", help="functions shown (40)")
    parser.add_argument("--answer", type=int, choices=ANSWERS, default=200, help="of which requests (200)")
    parser.add_argument("--fresh", choices=FRESH, action="append", default=[], help=FRESH_HELP)
    args = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
            print(shown(counted(Path(name), args.answer, fresh=args.fresh), args.top))
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
