"""Which files a command means: folders and files as people name them on a command line."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.policy.load import TEST_SUFFIX, is_policy
from gateway.yamlio import Problem, YamlProblems


def find_files(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Policy files and test files. A policy brings its tests along, a test its policy. Raises YamlProblems."""
    policies: set[Path] = set()
    tests: set[Path] = set()
    for path in paths:
        if path.is_dir():
            inside = [one for one in path.glob("*.yaml") if not one.name.startswith(".")]
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


def _counterpart(path: Path) -> Path:
    if path.name.endswith(TEST_SUFFIX):
        return path.with_name(path.name.removesuffix(TEST_SUFFIX) + ".yaml")
    return path.with_name(path.stem + TEST_SUFFIX)


def _existing(paths: Iterable[Path]) -> Iterable[Path]:
    return (path for path in paths if path.is_file())
