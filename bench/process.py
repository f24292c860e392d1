"""Child processes: which core they run on, when they are ready, how they end."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from bench.plan import BenchFailed

START_S = 20.0
"""Within which a process must say that it is there."""
_STOP_S = 10.0


def cores() -> tuple[set[int], set[int]]:
    """One core for the proxy under test, the next for what stands around it; the same one where there is no other.

    They stay the same when this process is `pinned` to one of them: a target that starts then is on the other.
    """
    usable = _usable()
    return {usable[0]}, {usable[1 if len(usable) > 1 else 0]}


@cache
def _usable() -> tuple[int, ...]:
    """By this process when it was first asked."""
    return tuple(sorted(os.sched_getaffinity(0)))


@contextmanager
def pinned(where: set[int]) -> Iterator[None]:
    """Children started inside run there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, where)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def child(
    command: Sequence[str], where: set[int], log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose output goes to `log`; it is gone when the block ends.

    With `env` that is all its environment, and it starts in the folder of `log`.
    """
    folder = None if env is None else log.parent
    with log.open("wb") as output, pinned(where):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, cwd=folder)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def port_said(process: subprocess.Popen[bytes], log: Path, line: re.Pattern[str], within_s: float = START_S) -> int:
    """Wait for the line in which the process says which port it took (the pattern's first group)."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = line.search(log.read_text())
        if found is not None:
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise _not_started(log)


def wait_listening(process: subprocess.Popen[bytes], log: Path, port: int, within_s: float = START_S) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise _not_started(log)


def _not_started(log: Path) -> BenchFailed:
    return BenchFailed(f"{log.parent.name}: a process that is needed did not start; it said:\n{log.read_text()}")


def free_ports(count: int) -> list[int]:
    """Ports that are free now; nginx cannot be asked to take any."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
