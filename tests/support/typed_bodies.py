"""Request bodies made from the official clients' types: every field, every member of every union, down to the leaves.

A string that a type leaves open becomes a fresh marker, so that a test can say where each one went.
"""

import itertools
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import typing_extensions

DEPTH = 14
_UNIONS = (typing.Union, types.UnionType)
_WRAPPERS = (
    typing.Required, typing.NotRequired, typing_extensions.Required, typing_extensions.NotRequired, typing.Annotated,
)  # fmt: skip


class Maker:
    """Makes values of a type. `mark` is called for each open string with the path where it stands."""

    def __init__(self, mark: Callable[[str], str]) -> None:
        self.mark = mark

    def all(self, kind: Any, path: str = "", depth: int = 0, seen: tuple[Any, ...] = ()) -> list[Any]:
        """Values that together hold every part of the type at least once."""
        if depth > DEPTH or seen.count(kind) > 1:
            return []
        if isinstance(kind, typing.TypeAliasType if hasattr(typing, "TypeAliasType") else ()):
            return self.all(kind.__value__, path, depth, seen)
        origin, args = typing.get_origin(kind), typing.get_args(kind)
        if origin in _WRAPPERS:
            return self.all(args[0], path, depth, seen)
        if origin in _UNIONS:
            return [value for one in args for value in self.all(one, path, depth, seen)]
        if origin is typing.Literal:
            return [args[0]]
        if kind is str:
            return [self.mark(path)]
        if kind in (int, float, bool):
            return [kind(1)]
        if kind is type(None):
            return [None]
        if isinstance(kind, type) and issubclass(kind, dict) and hasattr(kind, "__annotations__"):
            return self._objects(kind, path, depth, (*seen, kind))
        if kind in (object, Any) or origin is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
            return [{self.mark(f"{path}.{{}}"): self.mark(f"{path}.{{}}.*")}]
        if isinstance(origin, type) and issubclass(origin, Iterable) and args:
            return [self.all(args[0], f"{path}.*", depth + 1, seen)]
        if isinstance(kind, type) and issubclass(kind, Sequence | Iterable):
            return [[self.mark(f"{path}.*")]]
        return []

    def _objects(self, kind: type, path: str, depth: int, seen: tuple[Any, ...]) -> list[dict[str, Any]]:
        fields = typing_extensions.get_type_hints(kind, include_extras=True)
        below = {
            name: self.all(hint, f"{path}.{name}" if path else name, depth + 1, seen) for name, hint in fields.items()
        }
        below = {name: values for name, values in below.items() if values}
        count = max((len(values) for values in below.values()), default=1)
        ways = {name: itertools.cycle(values) for name, values in below.items()}
        return [{name: next(values) for name, values in ways.items()} for _ in range(count)]
