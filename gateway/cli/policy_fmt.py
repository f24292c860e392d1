"""`gateway policy fmt`: policy files in the one layout; `--check` writes nothing and exits 1 where one is not."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from gateway.policy.fmt import formatted, kind_of
from gateway.policy.load import DEFINITIONS
from gateway.policy.paths import find_files
from gateway.yamlio import MAX_BYTES, Problem, YamlProblems

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(verbs: "Subparsers") -> None:
    """Add the verb."""
    fmt = verbs.add_parser("fmt", help="lay files out as all are", epilog="example: gateway policy fmt policies")
    fmt.add_argument(
        "paths", nargs="*", type=Path, default=[Path("policies")], metavar="PATH", help="files or folders (policies)"
    )
    fmt.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")


def run(args: argparse.Namespace) -> int:
    """Do what was parsed. Files that cannot be laid out are named; all others are done nevertheless."""
    problems: list[Problem] = []
    changed = 0
    paths = list(_files(args.paths))
    for path in paths:
        try:
            before = _read(path)
            after = formatted(before, str(path), kind_of(path))
        except YamlProblems as error:
            problems.extend(error.problems)
            continue
        if after != before:
            changed += 1
            print(f"{'would lay out' if args.check else 'laid out'} {path}")
            if not args.check:
                _replace(path, after)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(paths)} files, {changed} {'to lay out' if args.check else 'laid out'}, {len(problems)} problems")
    return 1 if problems or (args.check and changed) else 0


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Policies, their tests, and the definitions of folders that are named. A file that is named is itself alone."""
    for path in paths:
        if path.is_file():
            yield path
            continue
        policies, tests = find_files([path])
        definitions = path / DEFINITIONS
        yield from sorted([*policies, *tests, *([definitions] if definitions.is_file() else [])])


def _read(path: Path) -> str:
    """As it stands, line ends included. Raises YamlProblems."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1).decode()
    except OSError as error:
        raise YamlProblems([Problem(str(path), 1, 1, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise YamlProblems([Problem(str(path), 1, 1, "not UTF-8")]) from None


def _replace(path: Path, text: str) -> None:
    """All of the new file or all of the old one, whatever happens meanwhile. A link stays one."""
    target = path.resolve()
    with NamedTemporaryFile("w", dir=target.parent, prefix=".", suffix=".tmp", delete=False, newline="") as file:
        file.write(text)
    Path(file.name).chmod(target.stat().st_mode & 0o777)
    Path(file.name).replace(target)
