"""Reads account logs back: who was given a codeword when, and whether the chain of each file holds."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from gateway.core.jsonio import loads
from gateway.watermarks.moments import moment_of

FIRST: Final = "0" * 64
"""What stands in the first line of a file, which has none before it."""
MOST_LINE: Final = 4_096
"""Bytes of a line."""
_MOST_BROKEN: Final = 100
_KEYS: Final = {"at": str, "account": str, "epoch": str, "family": str, "roll": int, "prev": str}


@dataclass(frozen=True, slots=True)
class Note:
    """From `at_ms` on (Unix milliseconds), texts for this account were marked with the codeword of this roll."""

    at_ms: int
    account: str
    epoch: str
    family: str
    roll: int


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file. `broken` says `file:line: what is wrong` for each line that does not follow from the one before."""

    path: Path
    notes: tuple[Note, ...]
    head: str
    """SHA-256 of the last line, in hex: whoever writes it down can later show that nothing before it was changed."""
    size: int
    """Bytes up to the end of the last whole line."""
    torn: bool
    """Whether half a line follows, as a crash leaves it. It is left out, and is no fault."""
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs of all instances."""

    files: tuple[LogFile, ...]

    @property
    def broken(self) -> tuple[str, ...]:
        return tuple(one for file in self.files for one in file.broken)

    @property
    def heads(self) -> dict[str, str]:
        """File name → hash of its last line: what a report states of the logs that it was made from."""
        return {file.path.name: file.head for file in self.files}

    def issued(self, epoch: str, family: str) -> dict[tuple[str, int], int]:
        """(account, roll) → when its codeword was first used, Unix milliseconds; in order of the account's id."""
        first: dict[tuple[str, int], int] = {}
        for note in (note for file in self.files for note in file.notes):
            if (note.epoch, note.family) == (epoch, family):
                key = (note.account, note.roll)
                first[key] = min(note.at_ms, first.get(key, note.at_ms))
        return dict(sorted(first.items()))


def read_logs(folder: Path) -> Logs:
    """All files of a folder, by name; of an absent folder none. Raises OSError for a file that cannot be read."""
    return Logs(tuple(read_log(path) for path in sorted(folder.glob("*.jsonl"))))


def read_log(path: Path) -> LogFile:
    """One file. What breaks the chain is reported; all notes that can be read are there, so that nobody is left out."""
    notes: list[Note] = []
    broken: list[str] = []
    head, size, number, torn = FIRST, 0, 0, False
    with path.open("rb") as file:
        while line := file.readline(MOST_LINE + 1):
            number += 1
            if not line.endswith(b"\n"):
                torn = len(line) <= MOST_LINE
                if not torn:
                    broken.append(f"{path}:{number}: longer than {MOST_LINE} bytes")
                break
            size += len(line)
            line = line[:-1]
            try:
                note, before = _note(loads(line))
                notes.append(note)
                if before != head:
                    raise ValueError("does not follow from the line before it")  # noqa: TRY301 - said like the others
            except ValueError as error:
                if len(broken) < _MOST_BROKEN:
                    broken.append(f"{path}:{number}: {error}")
            head = sha256(line).hexdigest()
    return LogFile(path, tuple(notes), head, size, torn, tuple(broken))


def _note(document: Any) -> tuple[Note, str]:
    if not isinstance(document, dict) or {key: type(value) for key, value in document.items()} != _KEYS:
        raise ValueError(f"expected an object with {', '.join(_KEYS)}")
    if document["roll"] < 0 or not document["account"]:
        raise ValueError("expected an account, and a roll from 0 on")
    at_ms = moment_of(document["at"])
    note = Note(at_ms, document["account"], document["epoch"], document["family"], document["roll"])
    return note, document["prev"]
