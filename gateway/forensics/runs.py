"""The ledger of runs, `runs.jsonl`: who tested what, when, and what came of it. It only grows.

Testing a text again, with other windows, accounts or epochs, is another look at it, and every look is paid for:
earlier runs on the same words with any of the same keys are counted here and multiply each p. The ledger holds no text.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

FILE: Final = "runs.jsonl"
MOST_LINE: Final = 65_536


class BadLedger(ValueError):  # noqa: N818 - a state of the world, not a mistake
    """Runs cannot be counted: a line is none, or another run came in between. No result may be shown."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the detector."""

    at: str
    by: str
    input: str
    """SHA-256 of the words (`identity`), in hex."""
    keys: tuple[str, ...]
    tried: dict[str, int]
    verdict: str
    accounts: tuple[str, ...]


class Ledger:
    """The ledger in a folder. Raises OSError as the disk does."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE

    def earlier(self, digest: str, keys: Iterable[str]) -> int:
        """How often these words were tested with any of these keys. Raises BadLedger."""
        wanted = set(keys)
        return sum(run["input"] == digest and not wanted.isdisjoint(run["keys"]) for run in self._runs())

    def add(self, run: Run, earlier: int) -> None:
        """Append and make it last. What a crash left of a line is dropped: nobody was told of that run.

        `earlier` is what was counted when the run began. Raises BadLedger where another run has come in between: this
        one has counted one too few, so its result must not be shown.
        """
        line = json.dumps(asdict(run), separators=(",", ":")).encode() + b"\n"
        with self._open() as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if self.earlier(run.input, run.keys) != earlier:
                raise BadLedger(f"{self.path}: the same words were tested by somebody else meanwhile: run it again")
            size = os.fstat(handle).st_size
            tail = os.pread(handle, MOST_LINE, max(0, size - MOST_LINE))
            os.ftruncate(handle, size - len(tail) + tail.rfind(b"\n") + 1)
            _write(handle, line)
            os.fsync(handle)

    @contextmanager
    def _open(self) -> Iterator[int]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            yield handle
        finally:
            os.close(handle)

    def _runs(self) -> Iterable[dict[str, Any]]:
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            number = 0
            while line := file.readline(MOST_LINE + 1):
                number += 1
                if line.endswith(b"\n") or len(line) > MOST_LINE:
                    yield self._run(line, number)

    def _run(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            run = json.loads(line)
        except ValueError:
            run = None
        match run:
            case {"input": str(), "keys": [*keys]} if all(isinstance(key, str) for key in keys):
                return dict(run)
        raise BadLedger(f"{self.path}:{number}: not a run: put the line right from a copy")


def _write(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]
