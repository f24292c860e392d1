"""How long the path is: the bytecodes of one request, by function. `python -m bench.bytecodes`, ten seconds.

CPU time on a shared machine moves by a tenth from run to run, so that a cut of a hundredth cannot be seen in it. The
number of bytecodes that the interpreter executes for a request does not move at all: it is the same on a busy machine,
and compares between machines with the same Python. It says nothing of what a C call costs; those are counted beside it.
"""

import argparse
import http.client
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from bench.plan import BenchFailed
from bench.process import cores
from bench.report import table
from bench.requests import BODY
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


def counted(folder: Path, *, key: str = "", requests: int = _REQUESTS, status: int = 200) -> list[Counted]:
    """What one request costs on the hot lane under the shipped policies, the most expensive function first.

    Without `key` it is the one that is served. Raises BenchFailed where an answer has another status.
    """
    own, other = cores()
    with ExitStack() as running:
        answers = running.enter_context(bare(folder, other, "upstream")).port
        target = running.enter_context(
            gateway(folder / "traced", answers, own, (), shipped_only=True, program="bench.traced")
        )
        ask = Caller(running.enter_context(closing(connection(target))), key or target.key, status)
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


def connection(target: Target) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", target.port, timeout=10)


class Caller:
    """One request after the other, on one connection. Raises BenchFailed where an answer has another status."""

    def __init__(self, connection: http.client.HTTPConnection, key: str, status: int) -> None:
        self._connection = connection
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._body = json.dumps(BODY).encode()
        self._status = status

    def times(self, many: int) -> None:
        for _ in range(many):
            self._connection.request("POST", "/v1/chat/completions", self._body, self._headers)
            answer = self._connection.getresponse()
            answer.read()
            if answer.status != self._status:
                raise BenchFailed(f"expected an answer with status {self._status}, got {answer.status}")


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
    parser.add_argument("--unknown-key", action="store_true", help="the refusal of an unknown key instead")
    args = parser.parse_args(argv)
    key, status = ("sk-ex-unknown", 401) if args.unknown_key else ("", 200)
    try:
        with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
            print(shown(counted(Path(name), key=key, status=status), args.top))
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
