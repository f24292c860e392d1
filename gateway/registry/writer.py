"""Appends answers to the log of one replica and one epoch.

A record is there for readers, and survives the death of the process, as soon as `append` returns; that of the machine
after the next `sync`. One file is open at a time.
"""

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from gateway.registry.leftovers import close_left
from gateway.registry.records import LOG_MAGIC, Document, framed
from gateway.registry.shelf import WRITING, RegistryUnavailable, Shelf, private, sync_folder, unavailable
from gateway.registry.sketch import Hasher, Sketch

MOST_BYTES: Final = 32 << 20
"""Of one log: about 65,000 answers of 500 tokens. A day's log is closed when the next day begins."""
_DAY_MS: Final = 86_400_000


class Writer:
    """Used by one thread at a time. Holds the folder's lock until it is closed."""

    def __init__(self, folder: Path, until_ms: int, root: bytes, most_bytes: int = MOST_BYTES) -> None:
        """`folder` is REGISTRY/<instance>/<epoch>, made where it is missing; `root` the epoch's registry key.

        Closes what an earlier process left open, without the torn end of its last record. Raises RegistryUnavailable.
        """
        self._shelf = Shelf(folder)
        self._most = most_bytes
        self._shelf.create(until_ms)
        self._held = ExitStack()
        self._held.enter_context(
            self._shelf.lock(WRITING, "another process writes to it; each replica needs its own watermark.instance")
        )
        try:
            hasher = self._shelf.hasher(root)
            if hasher is None:
                raise RegistryUnavailable(f"registry {folder}: it was shredded")  # noqa: TRY301 - one way out
            self.hasher: Hasher = hasher
            for stem in self._shelf.stems_of("open"):
                close_left(self._shelf, stem)
        except OSError as error:
            self._held.close()
            raise unavailable(folder, error) from error
        except BaseException:
            self._held.close()
            raise
        self._stem = ""
        self._day = 0
        self._descriptor = -1
        self._size = 0

    def append(self, document: Document, sketch: Sketch) -> None:
        """Raises RegistryUnavailable: nothing of this record is kept then, and the next call tries again."""
        data = framed(document, sketch.fingerprints)
        day = document.issued_ms // _DAY_MS
        try:
            if self._descriptor >= 0 and (day > self._day or self._size + len(data) > self._most):
                self._close_log()
            if self._descriptor < 0:
                self._open_log(day)
            self._write(data)
        except OSError as error:
            raise unavailable(self._shelf.folder, error) from error

    def sync(self) -> None:
        """What was appended survives the machine. Raises RegistryUnavailable."""
        if self._descriptor >= 0:
            try:
                os.fdatasync(self._descriptor)
            except OSError as error:
                raise unavailable(self._shelf.folder, error) from error

    def close(self) -> None:
        """Close the log, so that it can be sorted, and let go of the folder. Raises RegistryUnavailable."""
        try:
            if self._descriptor >= 0:
                self._close_log()
        except OSError as error:
            raise unavailable(self._shelf.folder, error) from error
        finally:
            self._held.close()

    def _open_log(self, day: int) -> None:
        stems = self._shelf.stems()
        number = 1 + max((int(stem.partition("-")[2]) for stem in stems), default=0)
        date = time.strftime("%Y%m%d", time.gmtime(day * 86_400))
        self._stem, self._day = f"{date}-{number:06d}", day
        path = str(self._shelf.path(self._stem, "open"))
        self._descriptor = private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
        self._size = 0
        sync_folder(self._shelf.folder)

    def _write(self, data: bytes) -> None:
        """All of it or nothing."""
        if self._size == 0:
            data = LOG_MAGIC + data
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            # What cannot be cut off is a torn end: the log is left as it is, and the next record begins another.
            try:
                os.ftruncate(self._descriptor, self._size)
            except OSError:
                descriptor, self._descriptor = self._descriptor, -1
                os.close(descriptor)
            raise
        self._size += len(data)

    def _close_log(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if self._size == 0:
            self._shelf.path(self._stem, "open").unlink()
        else:
            self._shelf.path(self._stem, "open").rename(self._shelf.path(self._stem, "log"))
        sync_folder(self._shelf.folder)
