"""Values that remember where they stood, and what to say when one is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


def printable(text: str) -> str:
    """Text with everything escaped that could end a line or steer a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; line and column count from 1."""

    source: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file, and where. `code` is a lint code where there is one."""

    source: str
    line: int
    column: int
    message: str
    code: str = ""

    def __post_init__(self) -> None:
        """Messages quote what stands in files: on a terminal and in a log it stays one line without commands."""
        object.__setattr__(self, "message", printable(self.message))

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}: {self.message}"


class YamlProblems(ValueError):  # noqa: N818 - it carries a list, it is not one error
    """Everything found wrong, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


Mark = tuple[int, int]
"""Line and column, from 1."""


class Marked(Protocol):
    """PyYAML has two classes of marks, one for each of its parsers."""

    line: int
    column: int


@dataclass(slots=True)
class Node:
    """A value with its mark, the mark of its key when it has one, and its size and height with aliases expanded."""

    value: Any
    mark: Mark
    key: Mark | None = None
    children: dict[str | int, "Node"] = field(default_factory=dict)
    size: int = 1
    height: int = 0


class Loaded:
    """A document and the places in it."""

    __slots__ = ("_root", "source", "value")

    def __init__(self, source: str, root: Node) -> None:
        self.value: Any = root.value
        self.source = source
        self._root = root

    def place(self, path: Sequence[str | int], *, key: bool = False) -> Place:
        """Where the value at `path` stands, or its nearest ancestor that is there.

        A scalar's own place; the key's place for what spans lines (mappings, lists, nothing) or with `key`.
        """
        node = self._root
        for step in path:
            below = node.children.get(step)
            if below is None:
                break
            node = below
        spans = bool(node.children) or node.value is None or isinstance(node.value, dict | list)
        line, column = node.key if node.key is not None and (key or spans) else node.mark
        return Place(self.source, line, column)
