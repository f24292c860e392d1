"""The files behind marks: the master secret, the epochs and the pair tables. All or nothing, with what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.config.watermark import WatermarkEntry
from gateway.watermarks.epochs import Epoch
from gateway.watermarks.keys import Master
from gateway.watermarks.pairs import BadTable, PairTable, read_table
from gateway.watermarks.secret import BadSecret, read_master
from gateway.yamlio import Problem, YamlProblems


@dataclass(frozen=True, slots=True)
class MarkFiles:
    """What the settings name, read."""

    master: Master
    epochs: tuple[Epoch, ...]
    tables: Mapping[str, PairTable]
    """By model family."""


def load_mark_files(entry: WatermarkEntry) -> MarkFiles:
    """Raises YamlProblems with everything that is wrong."""
    problems: list[Problem] = []
    tables: dict[str, PairTable] = {}
    master: Master | None = None
    try:
        master = read_master(entry.secret_file)
    except BadSecret as error:
        problems.append(Problem(str(entry.secret_file), 1, 1, str(error).removeprefix(f"{entry.secret_file}: ")))
    for family, path in entry.tables.items():
        try:
            tables[family] = read_table(path)
        except (OSError, BadTable) as error:
            problems.append(Problem(str(path), 1, 1, _why(error, path)))
    if problems or master is None:
        raise YamlProblems(problems)
    return MarkFiles(master, epochs_of(entry), tables)


def epochs_of(entry: WatermarkEntry) -> tuple[Epoch, ...]:
    """The epochs, in order of time."""
    return tuple(Epoch(epoch.id, epoch.from_ms, epoch.until_ms) for epoch in entry.epochs)


def _why(error: OSError | BadTable, path: Path) -> str:
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    return str(error).removeprefix(f"{path.name}: ")
