"""Revisions of the policy set on disk, so that an old decision can be explained by the policies that made it.

One file for each revision, named after it: what the files of the folder said, without their layout and comments. A
file is written once, whole or not at all; of too many the one that was longest out of force is removed.
"""

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway import __version__
from gateway.policy.compile import PolicySet
from gateway.policy.compiling import Unusable
from gateway.policy.definitions import NONE, Definitions, DefinitionsFile
from gateway.policy.model import Policy
from gateway.validate import build
from gateway.yamlio import Place, Problem, YamlProblems

FORMAT: Final = 1
MOST: Final = 500
"""Revisions that are kept."""
MAX_BYTES: Final = 64 << 20
"""Of one file."""
_NAME: Final = re.compile(r"[0-9a-f]{12}")
_SUFFIX: Final = ".json"
_TEMPORARY: Final = ".new-"
_LEFTOVER_S: Final = 3600
"""A file that is still not whole after so long never will be."""


@dataclass(frozen=True, slots=True)
class Documents:
    """What the files of a policy folder say: mappings as YAML gives them, before anything is made of them."""

    policies: tuple[Mapping[str, Any], ...] = ()
    definitions: Mapping[str, Any] | None = None


NO_DOCUMENTS: Final = Documents()


@dataclass(slots=True)
class _Kept:
    """A document of an archived file; its parts have no lines of their own."""

    value: Any
    source: str

    def place(self, path: Sequence[str | int], *, key: bool = False) -> Place:  # noqa: ARG002 - the protocol's
        return Place(self.source, 1, 1)


def keep(directory: Path, revision: str, documents: Documents, most: int = MOST) -> bool:
    """Write a revision where it is not there yet; whether it was written. Raises OSError."""
    if not documents.policies:
        return False  # a set of no files has nothing to read again
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = _path(directory, revision)
    if path.exists():
        os.utime(path)  # it is in force again: the oldest is the one that was not for the longest time
        return False
    content = {
        "format": FORMAT,
        "revision": revision,
        "gateway": __version__,
        "policies": sorted(documents.policies, key=lambda policy: str(policy.get("id"))),
        "definitions": documents.definitions,
    }
    _write(path, json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n")
    _tidy(directory, path, most)
    return True


def revisions(directory: Path) -> list[str]:
    """What is kept, the one that was in force last first. Raises OSError."""
    return [path.stem for path in _by_age(directory)]


def is_revision(name: str) -> bool:
    """Whether it looks like a revision, and not like a folder's path."""
    return _NAME.fullmatch(name) is not None


def read(directory: Path, revision: str) -> PolicySet:
    """The policies of a revision. Raises YamlProblems where it is not kept or cannot be read.

    A later version of the gateway may read the same words as another revision: who compares looks at the set's own.
    """
    if not is_revision(revision):
        raise YamlProblems([Problem(str(directory), 1, 1, "a revision is twelve of the digits 0-9 and a-f")])
    return read_file(_path(directory, revision))


def read_file(path: Path) -> PolicySet:
    """The same, by the file. Raises YamlProblems."""
    source = str(path)
    content = _content(path)
    policies = [build(_Kept(document, source), Policy) for document in content["policies"]]
    try:
        return PolicySet(policies, _definitions(content["definitions"], source))
    except Unusable as error:
        raise YamlProblems([Problem(source, 1, 1, error.message)]) from None


def _definitions(document: Any, source: str) -> Definitions:
    if document is None:
        return NONE
    file = build(_Kept(document, source), DefinitionsFile)
    return Definitions(file.fragments, file.words, file.terms)


def _content(path: Path) -> dict[str, Any]:
    """Raises YamlProblems."""
    problem = "expected an archived revision of policies"
    try:
        if path.stat().st_size > MAX_BYTES:
            problem = f"larger than {MAX_BYTES >> 20} MiB"
        else:
            content = json.loads(path.read_bytes())
            if isinstance(content, dict) and content.get("format") == FORMAT and _is_whole(content):
                return content
    except FileNotFoundError:
        problem = "this revision is not in the archive"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except (ValueError, RecursionError):
        problem = "not JSON"
    raise YamlProblems([Problem(str(path), 1, 1, problem)])


def _is_whole(content: dict[str, Any]) -> bool:
    policies = content.get("policies")
    return isinstance(policies, list) and bool(policies) and "definitions" in content


def _path(directory: Path, revision: str) -> Path:
    return directory / f"{revision}{_SUFFIX}"


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, whatever ends the process."""
    descriptor, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _by_age(directory: Path) -> list[Path]:
    """The archived files, newest first. One that another process removes meanwhile is left out."""
    dated: list[tuple[int, str, Path]] = []
    for path in directory.glob(f"*{_SUFFIX}"):
        if is_revision(path.stem):
            with contextlib.suppress(FileNotFoundError):
                dated.append((path.stat().st_mtime_ns, path.stem, path))
    return [path for _, _, path in sorted(dated, reverse=True)]


def _tidy(directory: Path, newest: Path, most: int) -> None:
    """Remove the oldest revisions, and what a process left behind that was killed while it wrote."""
    for path in _by_age(directory)[most:]:
        path.unlink(missing_ok=True)
    now = newest.stat().st_mtime
    for path in directory.glob(f"{_TEMPORARY}*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < now - _LEFTOVER_S:
                path.unlink()
