"""Which account was given which codeword, and since when: a dated log that only grows.

Every line holds the SHA-256 of the line before it, so that no line can be changed, left out or put in later without
breaking the chain behind it. The log names internal account ids and no text; it is what the detector tests against.
"""

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import Final

from gateway.watermarks.account_notes import LogFile, Note, read_log
from gateway.watermarks.folders import make_private
from gateway.watermarks.moments import moment_text

_FOLDER: Final = "accounts"


class BadLog(ValueError):  # noqa: N818 - a state of the world, not a mistake
    """A log that cannot be gone on with; the message names the file and what to do."""


def log_folder(directory: Path) -> Path:
    """The folder of all instances' logs, in the folder of the settings."""
    return directory / _FOLDER


class AccountLog:
    """The log of one instance. Opening reads what is there; `note` may be called from any thread.

    What is known takes about 150 bytes of memory for each account and epoch.
    """

    def __init__(self, directory: Path, instance: str, now_ms: Callable[[], int]) -> None:
        """Raises BadLog where the chain is broken or another process writes to the file, OSError as the disk does."""
        folder = log_folder(directory)
        make_private(folder)
        self.path = folder / f"{instance}.jsonl"
        self._now_ms = now_ms
        self._lock = Lock()
        self._known: dict[tuple[str, str, int], set[str]] = {}
        self._file = _claimed(self.path)
        try:
            log = read_log(self.path)
            self._head, self._size = log.head, log.size
            self._take_up(log)
        except BaseException:
            self._file.close()
            raise

    def note(self, account: str, epoch: str, family: str, roll: int) -> bool:
        """Write down that this account is marked from now on, unless it is known. Returns whether it was new.

        Costs two look-ups where it is known; else a write and an fsync (milliseconds): a worker thread's work. Raises
        OSError, and the account is then still unknown.
        """
        return self.note_all([(account, epoch, family, roll)]) == 1

    def note_all(self, given: Iterable[tuple[str, str, str, int]]) -> int:
        """The same for several (account, epoch, family, roll), all or none, with one fsync. How many were new."""
        with self._lock:
            now_ms = self._now_ms()
            new = [Note(now_ms, *one) for one in dict.fromkeys(given) if not self._is_known(*one)]
            if new:
                self._append(new)
            for note in new:
                self._known.setdefault((note.epoch, note.family, note.roll), set()).add(note.account)
            return len(new)

    def _is_known(self, account: str, epoch: str, family: str, roll: int) -> bool:
        return account in self._known.get((epoch, family, roll), ())

    def close(self) -> None:
        """No note may follow."""
        with self._lock:
            self._file.close()

    def _take_up(self, log: LogFile) -> None:
        if log.broken:
            raise BadLog(f"{log.broken[0]}: keep this file as it is, under another name that ends in .jsonl")
        for note in log.notes:
            self._known.setdefault((note.epoch, note.family, note.roll), set()).add(note.account)
        self._cut()

    def _append(self, notes: Sequence[Note]) -> None:
        data, head = b"", self._head
        for note in notes:
            entry = {"at": moment_text(note.at_ms), "account": note.account, "epoch": note.epoch, "family": note.family}
            line = json.dumps(entry | {"roll": note.roll, "prev": head}, separators=(",", ":")).encode()
            data, head = data + line + b"\n", sha256(line).hexdigest()
        try:
            if self._file.write(data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 - a full disk takes a part first
            os.fsync(self._file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                self._cut()
            raise
        self._head, self._size = head, self._size + len(data)

    def _cut(self) -> None:
        """Drop what a crash or a full disk left behind the last whole line."""
        self._file.truncate(self._size)
        self._file.seek(self._size)


def _claimed(path: Path) -> FileIO:
    """The file, for this process alone: two writers would break the chain."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    file = FileIO(handle, "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise BadLog(f"{path}: another process writes to it: set watermark.instance, another name for each") from None
    return file
