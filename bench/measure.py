"""CPU time and memory of a process and its children, from /proc."""

import re
from collections.abc import Iterator
from pathlib import Path

_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)


def cpu_ns(pid: int) -> int:
    """Nanoseconds on a core so far, user and system, of all threads of the tree."""
    return sum(parse_schedstat(path.read_text()) for each in _tree(pid) for path in _proc(each, "task/*/schedstat"))


def pss_kib(pid: int) -> int:
    """Proportional set size of the tree: shared memory counts by its share, kernel sockets not at all."""
    return sum(parse_pss(path.read_text()) for each in _tree(pid) for path in _proc(each, "smaps_rollup"))


def parse_schedstat(text: str) -> int:
    return int(text.split(maxsplit=1)[0])


def parse_pss(text: str) -> int:
    found = _PSS.search(text)
    if found is None:
        raise ValueError("smaps_rollup without a line 'Pss:'")
    return int(found[1])


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for path in _proc(pid, "task/*/children"):
        for child in path.read_text().split():
            yield from _tree(int(child))


def _proc(pid: int, pattern: str) -> Iterator[Path]:
    return Path(f"/proc/{pid}").glob(pattern)
