"""Which files a command means: folders and files as people name them on a command line."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.policy.definitions import NONE, Definitions, read_definitions
from gateway.policy.load import DEFINITIONS, TEST_SUFFIX, is_policy
from gateway.yamlio import Problem, YamlProblems


def find_files(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Policy files and test files. A policy brings its tests along, a test its policy, definitions.yaml its folder.

    Raises YamlProblems.
    """
    policies: set[Path] = set()
    tests: set[Path] = set()
    for path in paths:
        # What policies share can be judged with all of them only.
        folder = path.parent if path.name == DEFINITIONS and path.is_file() else path
        if folder.is_dir():
            inside = [one for one in folder.glob("*.yaml") if not one.name.startswith(".")]
        elif path.is_file():
            inside = [path, _counterpart(path)]
        else:
            raise YamlProblems([Problem(str(path), 1, 1, "no such file or directory")])
        policies |= set(_existing(one for one in inside if is_policy(one)))
        tests |= set(_existing(one for one in inside if one.name.endswith(TEST_SUFFIX)))
    if not policies:
        source = ", ".join(map(str, paths))
        raise YamlProblems([Problem(source, 1, 1, "no policy files (*.yaml) here")])
    return sorted(policies), sorted(tests)


def definitions_beside(policies: Sequence[Path]) -> Definitions:
    """What the policies of one folder share. Raises YamlProblems, also where several folders share something each."""
    folders = sorted({path.parent for path in policies})
    found = [path for path in (folder / DEFINITIONS for folder in folders) if path.exists()]
    if len(found) > 1:
        others = ", ".join(map(str, found[1:]))
        raise YamlProblems([Problem(str(found[0]), 1, 1, f"expected one file of definitions, found also {others}")])
    return read_definitions(found[0].parent) if found else NONE


def _counterpart(path: Path) -> Path:
    if path.name.endswith(TEST_SUFFIX):
        return path.with_name(path.name.removesuffix(TEST_SUFFIX) + ".yaml")
    return path.with_name(path.stem + TEST_SUFFIX)


def _existing(paths: Iterable[Path]) -> Iterable[Path]:
    return (path for path in paths if path.is_file())
