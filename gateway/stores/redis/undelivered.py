"""Settlements that Redis could not be told, in a file, so that they survive this process.

One JSON line each. They are written when a delivery fails and the file is emptied when everything has been delivered.
Delivering one twice does nothing, and so does one that comes more than an hour after its reservation expired: then
what expiry committed stands. No fsync: the file survives the process, not the machine.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.core.units import Amounts, Unit

MAX_BYTES: Final = 16 << 20
"""About 100,000 settlements."""


@dataclass(slots=True)
class Settlement:
    """The end of one reservation: what it used, in which home."""

    home: str
    id: str
    actual: Amounts = field(default_factory=dict)


class Undelivered:
    """The file; no path, no file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._bytes = 0

    def load(self) -> list[Settlement]:
        """What an earlier process left; a line that it did not finish is dropped. Raises OSError."""
        if self._path is None or not self._path.exists():
            return []
        lines = self._path.read_bytes().split(b"\n")
        self._bytes = sum(len(line) + 1 for line in lines[:-1])
        return [settlement for line in lines[:-1] if (settlement := _read(line)) is not None]

    def add(self, settlements: Iterable[Settlement]) -> bool:
        """Append; False if the file cannot take them."""
        if self._path is None:
            return False
        data = b"".join(_line(one) for one in settlements)
        if self._bytes + len(data) > MAX_BYTES:
            return False
        try:
            with self._path.open("ab") as file:
                file.write(data)
        except OSError:
            return False
        self._bytes += len(data)
        return True

    def clear(self) -> None:
        """Everything in it has been delivered."""
        if self._path is None or not self._bytes:
            return
        try:
            self._path.write_bytes(b"")
        except OSError:
            return
        self._bytes = 0


def _line(settlement: Settlement) -> bytes:
    return json.dumps([settlement.home, settlement.id, dict(settlement.actual)]).encode() + b"\n"


def _read(line: bytes) -> Settlement | None:
    try:
        home, name, actual = json.loads(line)
        return Settlement(str(home), str(name), {Unit(unit): int(amount) for unit, amount in actual.items()})
    except (ValueError, TypeError, AttributeError):
        return None
