"""Logs that a process left open when it died."""

import os
from contextlib import suppress
from typing import Final

from gateway.registry.records import Scan
from gateway.registry.shelf import WRITING, RegistryBusy, RegistryUnavailable, Shelf, sync_folder

QUIET_MS: Final = 3_600_000
"""A log of another process is taken for left only after so long without a write, even where no lock is held: on some
shared file systems locks do not reach from one machine to the next."""


def close_left(shelf: Shelf, stem: str) -> None:
    """Cut the torn end off and close it. Raises OSError, and RegistryUnavailable for a file that is no log."""
    path = shelf.path(stem, "open")
    try:
        scan = Scan(path.read_bytes())
    except ValueError as error:
        raise RegistryUnavailable(f"registry {path}: {error}") from None
    if sum(1 for _ in scan) == 0:
        path.unlink()
        return
    with path.open("r+b") as file:
        file.truncate(scan.end)
        file.flush()
        os.fsync(file.fileno())
    path.rename(shelf.path(stem, "log"))
    sync_folder(shelf.folder)


def close_all_left(shelf: Shelf, now_ms: int) -> None:
    """Those of a replica that will not come back, as when each start has another host name. Raises as `close_left`."""
    left = [stem for stem in shelf.stems_of("open") if _quiet(shelf, stem, now_ms)]
    if not left:
        return
    with suppress(RegistryBusy), shelf.lock(WRITING, "it is being written"):
        for stem in left:
            close_left(shelf, stem)


def _quiet(shelf: Shelf, stem: str, now_ms: int) -> bool:
    try:
        return shelf.path(stem, "open").stat().st_mtime * 1000 < now_ms - QUIET_MS
    except FileNotFoundError:  # its writer has just closed it
        return False
