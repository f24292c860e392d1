"""From a folder of YAML files to checked policies: all of them, or every problem that was found."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from gateway.policy.model import Policy
from gateway.validate import build
from gateway.yamlio import Loaded, Problem, YamlProblems, load, read_text

TEST_SUFFIX: Final = ".test.yaml"
DEFINITIONS: Final = "definitions.yaml"
_KEPT: Final = 1024
"""Checked files that are remembered, about 20 KiB each."""


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy and the document it came from, for whoever must point at a line."""

    policy: Policy
    loaded: Loaded


def policy_paths(directory: Path) -> list[Path]:
    """The policy files of a folder by name. Raises YamlProblems when there is no such folder."""
    if not directory.is_dir():
        raise YamlProblems([Problem(str(directory), 1, 1, "expected a directory of policy files")])
    # Hidden entries are how mounted config maps keep their old versions.
    return [path for path in sorted(directory.glob("*.yaml")) if is_policy(path)]


def is_policy(path: Path) -> bool:
    """What is shared between policies stands in definitions.yaml, which is none itself."""
    if path.name == DEFINITIONS or path.name.endswith(TEST_SUFFIX) or path.name.startswith("."):
        return False
    return path.suffix == ".yaml"


def read_files(paths: Sequence[Path]) -> list[PolicyFile]:
    """Read and check files. Raises YamlProblems with the problems of all of them."""
    files: list[PolicyFile] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            files.append(_checked(str(path), read_text(path)))
        except YamlProblems as error:
            problems.extend(error.problems)
    problems.extend(_duplicates(files))
    if problems:
        raise YamlProblems(problems)
    return files


@lru_cache(maxsize=_KEPT)
def _checked(source: str, text: str) -> PolicyFile:
    """Raises YamlProblems. Of a thousand files a reload finds few changed: the rest need not be parsed again."""
    loaded = load(text, source)
    return PolicyFile(build(loaded, Policy), loaded)


def read_directory(directory: Path) -> list[PolicyFile]:
    """Every policy of a folder. An empty folder is a problem: it would silently allow everything."""
    paths = policy_paths(directory)
    if not paths:
        raise YamlProblems([Problem(str(directory), 1, 1, "no policy files (*.yaml) in this directory")])
    return read_files(paths)


def _duplicates(files: Sequence[PolicyFile]) -> list[Problem]:
    problems: list[Problem] = []
    first: dict[str, PolicyFile] = {}
    for file in files:
        other = first.setdefault(file.policy.id, file)
        if other is not file:
            place = file.loaded.place(("id",))
            message = f"duplicate policy id {file.policy.id!r}, also in {other.loaded.source}"
            problems.append(Problem(file.loaded.source, place.line, place.column, message))
    return problems
