"""Several sources laid over each other: flags over environment over file. Every value knows where it came from."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_origin

from pydantic import BaseModel

from gateway.config.settings import Settings
from gateway.validate import nearest, types_at
from gateway.yamlio import Loaded, Place, Problem, YamlProblems, load

PREFIX: Final = "GATEWAY_"
OWN: Final = frozenset({"GATEWAY_CONFIG", "GATEWAY_ADMIN_TOKEN", "GATEWAY_ADMIN_TOKEN_FILE"})
"""Variables of the prefix that are not settings."""

_KUBERNETES: Final = re.compile(r"GATEWAY_(\w+_)?(SERVICE_(HOST|PORT)|PORT)(_\w+)?")
"""What Kubernetes sets in every pod beside a service named gateway."""

Path_ = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """One value from outside the file."""

    path: Path_
    value: Any
    source: str
    secret: bool = False


class Layered:
    """A document made of a file and assignments over it."""

    def __init__(self, file: Loaded | None, assignments: Sequence[Assignment]) -> None:
        self._file = file
        self.source = file.source if file else "settings"
        self.value: Any = {} if file is None or file.value is None else deepcopy(file.value)
        self._assigned: dict[Path_, Assignment] = {}
        for one in assignments:
            if isinstance(self.value, dict):
                _assign(self.value, one.path, one.value)
                self._assigned[one.path] = one

    def assignment(self, path: Sequence[str | int]) -> Assignment | None:
        """The assignment that decided the value at `path`, if one did."""
        for length in range(len(path), 0, -1):
            found = self._assigned.get(tuple(map(str, path[:length])))
            if found is not None:
                return found
        return None

    def place(self, path: Sequence[str | int], *, key: bool = False) -> Place:
        found = self.assignment(path)
        if found is None and not self.in_file(path[:-1]):
            # A key is missing from an entry that only an assignment made: its name is what is wrong.
            entry = tuple(map(str, path[:-1]))
            found = next((one for made, one in self._assigned.items() if made[: len(entry)] == entry), None)
        if found is not None:
            return Place(found.source, 1, 1)
        return self._file.place(path, key=key) if self._file else Place(self.source, 1, 1)

    def in_file(self, path: Sequence[str | int]) -> bool:
        """Whether the file itself holds a value at `path`."""
        value = self._file.value if self._file else None
        for step in path:
            if not (isinstance(value, dict) and step in value):
                return isinstance(value, list)
            value = value[step]
        return True


def from_environment(env: Mapping[str, str], document: Any) -> list[Assignment]:
    """Assignments of the variables with our prefix. Raises YamlProblems for one that names no setting."""
    assignments: list[Assignment] = []
    problems: list[Problem] = []
    for name in sorted(env):
        if not name.startswith(PREFIX) or name in OWN:
            continue
        source = f"environment {name}"
        if name == "GATEWAY_KEY_PEPPER_FILE":
            pepper = [{"file": str(Path(env[name]).absolute())}]
            assignments.append(Assignment(("key_pepper_files",), pepper, source))
            continue
        if "__" not in name and _from_kubernetes(name, env[name]):
            continue
        path = _spelt_as_in(document, name.removeprefix(PREFIX).lower().split("__"))
        try:
            assignments.append(_from_text(path, env[name], source))
        except YamlProblems as error:
            problems.extend(error.problems)
    if problems:
        raise YamlProblems(problems)
    return assignments


def _from_kubernetes(name: str, value: str) -> bool:
    if _KUBERNETES.fullmatch(name) is None:
        return False
    # A bare ..._PORT holds an address there: GATEWAY_DATA_PORT=9000 is data.port spelt wrongly.
    bare = name.endswith("_PORT") and not name.endswith(("SERVICE_PORT", "TCP_PORT", "UDP_PORT", "SCTP_PORT"))
    return not bare or "://" in value


def from_flags(flags: Mapping[str, str]) -> list[Assignment]:
    """Assignments of `--set data.port=9000` and the like. Raises YamlProblems."""
    return [_from_text(tuple(name.split(".")), text, f"flag {name}") for name, text in flags.items()]


def _from_text(path: Path_, text: str, source: str) -> Assignment:
    kinds = _settable(path)
    if kinds:
        return Assignment(path, _typed(text, kinds, source), source)
    if path[-1].endswith("_file"):
        stem = (*path[:-1], path[-1].removesuffix("_file"))
        kinds = _settable(stem)
        if kinds:
            return Assignment(stem, _typed(_content(text, source), kinds, source), source, secret=True)
    known = list(Settings.model_fields) if len(path) == 1 else []
    group, _, rest = path[0].partition("_")
    hint = f", did you mean '{group}.{rest}'?" if len(path) == 1 and _settable((group, rest)) else ""
    message = f"unknown setting '{'.'.join(path)}'{hint or nearest(path[-1], known)}"
    raise YamlProblems([Problem(source, 1, 1, message)])


def _content(path: str, source: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise YamlProblems([Problem(source, 1, 1, "the file it names cannot be read as text")]) from None


def _settable(path: Path_) -> list[Any]:
    """The types at a path if every step of it is a setting or an entry of a mapping."""
    for length in range(1, len(path) + 1):
        parents = types_at(Settings, path[: length - 1])
        models = [kind for kind in parents if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not any(path[length - 1] in model.model_fields for model in models) and all(
            get_origin(kind) is not dict for kind in parents
        ):
            return []
    return types_at(Settings, path)


def _typed(text: str, kinds: Sequence[Any], source: str) -> Any:
    """Text for settings that are text; numbers, booleans, lists and mappings as YAML writes them."""
    if Path in kinds:
        return str(Path(text).absolute())
    origins = {get_origin(kind) for kind in kinds}
    if tuple in origins and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    plain = {int, float, bool} & set(kinds) or origins & {tuple, dict}
    models = any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds)
    if not plain and not models:
        return text
    try:
        return load(text, source).value
    except YamlProblems:
        raise YamlProblems([Problem(source, 1, 1, "expected a number, true, false, or YAML in one line")]) from None


def _spelt_as_in(document: Any, segments: Sequence[str]) -> Path_:
    """The keys of the file that the segments of a variable's name stand for: names may hold dashes and capitals."""
    path: list[str] = []
    for segment in segments:
        keys = list(document) if isinstance(document, dict) else []
        key = next((key for key in keys if re.sub(r"\W", "_", key).lower() == segment), segment)
        document = document.get(key) if isinstance(document, dict) else None
        path.append(key)
    return tuple(path)


def _assign(document: dict[str, Any], path: Path_, value: Any) -> None:
    for step in path[:-1]:
        below = document.get(step)
        if not isinstance(below, dict):
            below = document[step] = {}
        document = below
    document[path[-1]] = value
