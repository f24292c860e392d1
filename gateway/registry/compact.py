"""Closed logs become segments, one by one. A crash at any step loses nothing and leaves nothing to mend.

The segment is written beside its log under another name, read back and checked, given its own name, and only then is
the log removed. A reader that finds both reads the segment.
"""

import contextlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from gateway.registry.leftovers import close_all_left
from gateway.registry.records import Scan
from gateway.registry.segment import Segment, header
from gateway.registry.shelf import COMPACTING, RegistryUnavailable, Shelf, private, sync_folder, unavailable

_TEMPORARY: Final = ".seg.new"


class Compacted(NamedTuple):
    """What became of one log."""

    stem: str
    documents: int
    log_bytes: int
    segment_bytes: int
    torn: bool
    """Its end could not be read: what was whole is in the segment, and the log stays as `.log.damaged`."""


def compact(shelf: Shelf, now_ms: int = 0) -> Iterator[Compacted]:
    """Sort what is closed; the log that is being written is left alone. Raises RegistryUnavailable.

    What a dead process left open is closed first, if nothing was written to it for an hour before `now_ms`.
    """
    busy = "it is being sorted by another process"
    with shelf.lock(COMPACTING, busy):
        try:
            for left in shelf.folder.glob(f"*{_TEMPORARY}"):
                left.unlink()
            close_all_left(shelf, now_ms)
            segments = set(shelf.stems_of("seg"))
            for stem in shelf.stems_of("log"):
                if stem in segments:
                    shelf.path(stem, "log").unlink()  # a crash kept it
                else:
                    yield _sorted(shelf, stem)
        except OSError as error:
            raise unavailable(shelf.folder, error) from error


def _sorted(shelf: Shelf, stem: str) -> Compacted:
    log = shelf.path(stem, "log")
    data = log.read_bytes()
    try:
        scan = Scan(data)
        records = list(scan)
    except ValueError as error:
        raise RegistryUnavailable(f"registry {log}: {error}") from None
    from gateway.registry.postings import columns  # noqa: PLC0415 - numpy takes a while and is not always there

    parts = columns([record.fingerprints for record in records])
    heads = [record.head for record in records]
    offsets = [0]
    for head in heads:
        offsets.append(offsets[-1] + len(head))
    parts += [struct.pack(f"<{len(offsets)}I", *offsets), b"".join(heads)]
    postings = len(parts[2]) // 4
    target = shelf.path(stem, "seg")
    size = _write(target, [header(postings, len(records), parts), *parts])
    if scan.torn:
        log.rename(log.with_suffix(".log.damaged"))
    else:
        log.unlink()
    sync_folder(shelf.folder)
    return Compacted(stem, len(records), len(data), size, scan.torn)


def _write(target: Path, parts: list[bytes]) -> int:
    """Checked before it gets its name. Raises OSError and RegistryUnavailable."""
    temporary = target.with_name(target.stem + _TEMPORARY)
    try:
        with open(temporary, "wb", opener=private) as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        with Segment(temporary) as written:
            written.check()
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(target.parent)
    return sum(map(len, parts))
