"""From the parser's events to values with places, within bounds that hold before anything large is built."""

import re
from collections.abc import Iterator
from contextlib import suppress
from math import isinf
from typing import Any, Final

import yaml

from gateway.yamlio.places import Loaded, Mark, Marked, Node, Problem, YamlProblems
from gateway.yamlio.scalars import plain

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
MAX_ALIASES: Final = 20
MAX_VALUES: Final = 600_000
"""With aliases expanded: more than a file of MAX_BYTES can write out, less than a bomb of twenty aliases stands for."""


def load(text: str, source: str) -> Loaded:
    """Read one document. Raises YamlProblems. An empty document is None."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise YamlProblems([Problem(source, 1, 1, f"file too large: expected at most {MAX_BYTES} bytes, found {size}")])
    reader = _Reader(source)
    root = Node(None, (1, 1))
    with suppress(_TooMuch):
        try:
            root = reader.document(yaml.parse(text, Loader=yaml.CSafeLoader))
        except yaml.MarkedYAMLError as error:
            mark = _mark(error.problem_mark or error.context_mark)
            reader.fault(mark, f"not YAML: {error.problem or error.context}{_hint(text, mark)}")
        except (yaml.YAMLError, UnicodeError):
            reader.fault(_unreadable(text), "not YAML: a character that YAML does not allow")
    if reader.problems:
        raise YamlProblems(sorted(reader.problems, key=lambda problem: (problem.line, problem.column)))
    return Loaded(source, root)


class _TooMuch(Exception):  # noqa: N818 - ends the reading; the problem is already noted
    """A bound was passed: reading on would be the attack."""


class _Reader:
    """Builds values from events. Recursion is bounded by MAX_DEPTH."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._anchors: dict[str, Node] = {}
        self._aliases = 0
        self._values = 0

    def fault(self, mark: Mark, message: str) -> None:
        self.problems.append(Problem(self.source, *mark, message))
        if len(self.problems) >= 50:
            raise _TooMuch

    def document(self, events: Iterator[yaml.Event]) -> Node:
        root = Node(None, (1, 1))
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(event, "a second document: expected one document in a file")
                if event.tags or event.version:
                    self._stop(event, "% directives are not accepted")
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, events, 0)
        return root

    def _stop(self, event: yaml.Event, message: str) -> None:
        self.fault(_mark(event.start_mark), message)
        raise _TooMuch

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        self._count(event, 1)
        if depth > MAX_DEPTH:
            self._stop(event, f"nested deeper than {MAX_DEPTH} levels")
        mark = _mark(event.start_mark)
        if getattr(event, "tag", None) is not None:
            self.fault(mark, "tags (!) are not accepted: expected a plain value")
        if isinstance(event, yaml.ScalarEvent):
            node = Node(self._scalar(event), mark)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(mark, events, depth)
        else:
            node = self._mapping(mark, events, depth)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _count(self, event: yaml.Event, values: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            self._stop(event, f"more than {MAX_VALUES} values, aliases expanded")

    def _alias(self, event: yaml.AliasEvent, depth: int) -> Node:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            self._stop(event, f"more than {MAX_ALIASES} aliases")
        # An anchor is known once its value is complete, so an alias into itself is unknown here.
        target = self._anchors.get(event.anchor or "")
        mark = _mark(event.start_mark)
        if target is None:
            self.fault(mark, f"alias *{event.anchor} has no complete anchor before it")
            return Node(None, mark)
        self._count(event, target.size)
        if depth + target.height > MAX_DEPTH:
            self._stop(event, f"nested deeper than {MAX_DEPTH} levels, aliases expanded")
        return Node(target.value, mark, children=target.children, size=target.size, height=target.height)

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        if event.style not in (None, ""):
            return event.value
        value = plain(event.value)
        if isinstance(value, float) and isinf(value):
            self.fault(_mark(event.start_mark), "number out of range")
        return value

    def _sequence(self, mark: Mark, events: Iterator[yaml.Event], depth: int) -> Node:
        node = Node([], mark)
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            self._adopt(node, len(node.value), self._node(event, events, depth + 1))
        return node

    def _mapping(self, mark: Mark, events: Iterator[yaml.Event], depth: int) -> Node:
        node = Node({}, mark)
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._node(event, events, depth + 1)
            merge = isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.style in (None, "")
            child = self._node(next(events), events, depth + 1)
            if merge:
                self.fault(key.mark, "merge keys (<<) are not accepted: write the keys out")
            elif not isinstance(key.value, str):
                self.fault(key.mark, "a key must be text: put it in quotes")
            elif key.value in node.value:
                first = node.children[key.value].key or mark
                self.fault(key.mark, f"duplicate key {key.value!r}, first at line {first[0]}")
            else:
                child.key = key.mark
                self._adopt(node, key.value, child)
        return node

    @staticmethod
    def _adopt(node: Node, key: str | int, child: Node) -> None:
        if isinstance(node.value, list):
            node.value.append(child.value)
        else:
            node.value[key] = child.value
        node.children[key] = child
        node.size += child.size
        node.height = max(node.height, child.height + 1)


def _hint(text: str, mark: Mark) -> str:
    """What most often causes it: the parser's own words name neither tabs nor indentation."""
    lines = text.splitlines()
    line = lines[mark[0] - 1] if mark[0] <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "; the line is indented with a tab: use spaces"
    if line.strip() and not line[: mark[1] - 1].strip():
        return "; is the line indented like its neighbours?"
    return ""


def _mark(mark: Marked | None) -> Mark:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _unreadable(text: str) -> Mark:
    found = _FORBIDDEN.search(text)
    start = found.start() if found else 0
    return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
