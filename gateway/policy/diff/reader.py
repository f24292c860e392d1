"""Decision logs, line by line, in the order of their time; of several files as much as one line each is in memory."""

import gzip
import heapq
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from gateway.policy.diff.recorded import NotARecord, Recorded, read_record

MAX_LINE: Final = 1 << 18
"""Bytes; a record has far fewer."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no record of ours."""

    source: str
    line: int
    why: str


Line = Recorded | Unreadable


def total_bytes(paths: Sequence[Path]) -> int:
    """Of all files as they are on disk. Raises OSError."""
    return sum(path.stat().st_size for path in paths)


def read_logs(paths: Sequence[Path], seen: Callable[[int], None] = lambda _bytes: None) -> Iterator[Line]:
    """Every line that is not empty. `seen` is told how many bytes of the files were read since. Raises OSError.

    Each file is in order already but for requests that took long: of several, the one that is behind comes next.
    """
    if len(paths) == 1:
        for _, line in _read(paths[0], seen):
            yield line
        return
    for _, line in heapq.merge(*(_read(path, seen) for path in paths), key=lambda dated: dated[0]):
        yield line


def _read(path: Path, seen: Callable[[int], None]) -> Iterator[tuple[int, Line]]:
    """Lines with their time, that of the one before where they have none; compressed where the name ends in `.gz`."""
    source, at_ms, place = str(path), 0, 0
    with path.open("rb") as raw:
        file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if path.suffix == ".gz" else raw
        for number, line in enumerate(_lines(file), 1):
            here = raw.tell()
            seen(here - place)
            place = here
            if line is None:
                yield at_ms, Unreadable(source, number, f"longer than {MAX_LINE >> 10} KiB, or broken off")
            elif line.strip():
                try:
                    record = read_record(line)
                except NotARecord as error:
                    yield at_ms, Unreadable(source, number, str(error))
                else:
                    at_ms = record.time_ms
                    yield at_ms, record


def _lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """None for a line that is too long, and for the end of a compressed file that is not whole."""
    try:
        while line := file.readline(MAX_LINE + 1):
            if len(line) <= MAX_LINE:
                yield line
                continue
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)
            yield None
    except (EOFError, zlib.error):
        yield None
