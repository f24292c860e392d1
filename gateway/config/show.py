"""The settings in force, one row each, with where each came from. Secrets are masked."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.config.load import Config
from gateway.validate import dotted

_MASK: Final = "********"
_SECRET: Final = frozenset({"token_sha256"})


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: its dotted name, its value as plain data, its source."""

    name: str
    value: Any
    source: str


def rows(config: Config) -> list[Row]:
    """Every setting, in the order of the model."""
    found: list[Row] = []
    for path, value in _leaves(config.settings.model_dump(mode="python", by_alias=True), ()):
        assignment = config.layers.assignment(path)
        if assignment is not None:
            source = assignment.source
        elif config.layers.in_file(path):
            place = config.layers.place(path)
            source = f"{place.source}:{place.line}"
        else:
            source = "default"
        secret = str(path[-1]) in _SECRET or (assignment is not None and assignment.secret)
        found.append(Row(dotted(path), _MASK if secret else _plain(value), source))
    return found


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    elif isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        for index, below in enumerate(value):
            yield from _leaves(below, (*path, index))
    else:
        yield path, value


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, str | int | float | bool | None):
        return value
    return str(value) if not isinstance(value, Path) else value.as_posix()
