"""Peppers from their files: at most two, the first one makes new hashes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.identity.keys import Pepper, fingerprint
from gateway.yamlio import Problem, YamlProblems

MIN_BYTES: Final = 32
MAX_BYTES: Final = 4096


def load_peppers(files: Sequence[tuple[str, Path]]) -> tuple[Pepper, ...]:
    """Read (id, file) pairs; an empty id becomes the value's fingerprint. Raises YamlProblems."""
    peppers: list[Pepper] = []
    problems: list[Problem] = []
    for pepper_id, path in files:
        try:
            with path.open("rb") as file:
                value = file.read(MAX_BYTES + 1).strip()
        except OSError as error:
            problems.append(_problem(path, f"cannot be read: {error.strerror}"))
            continue
        if not MIN_BYTES <= len(value) <= MAX_BYTES:
            found = f"found {len(value)}" if len(value) <= MAX_BYTES else "found more"
            problems.append(_problem(path, f"expected a pepper of {MIN_BYTES} to {MAX_BYTES} bytes, {found}"))
            continue
        peppers.append(Pepper(pepper_id or fingerprint(value), value))
    if len({pepper.id for pepper in peppers}) < len(peppers):
        problems.append(_problem(files[-1][1], "two peppers have the same id"))
    if problems:
        raise YamlProblems(problems)
    return tuple(peppers)


def _problem(path: Path, message: str) -> Problem:
    return Problem(str(path), 1, 1, message)
