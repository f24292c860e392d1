"""Which lines of a document belong to which of its outermost keys, for whoever moves lines without rewriting them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from gateway.yamlio.places import Mark, Marked, Problem, YamlProblems


@dataclass(frozen=True, slots=True)
class Span:
    """A key of the outermost mapping: its line, and the line after the last one of its value. Lines count from 0."""

    key: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Outline:
    """The outermost keys in the order of the file, and the lines whose white space belongs to a text."""

    spans: tuple[Span, ...]
    texts: frozenset[int]


def outline(text: str, source: str) -> Outline:
    """For what `load` reads. Raises YamlProblems where keys do not stand at the start of lines of their own."""
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    spans: list[Span] = []
    texts: set[int] = set()
    for event in events:
        if isinstance(event, yaml.MappingStartEvent):
            if event.flow_style:
                raise YamlProblems([_problem(event, source, "expected keys on lines of their own, without braces")])
            spans = list(_keys(events, source, text.split("\n"), texts))
            break
        if isinstance(event, yaml.NodeEvent):
            raise YamlProblems([_problem(event, source, "expected a mapping of keys")])
    return Outline(tuple(spans), frozenset(texts))


def _keys(events: Iterator[yaml.Event], source: str, lines: Sequence[str], texts: set[int]) -> Iterator[Span]:
    taken = -1
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            return
        if not isinstance(event, yaml.ScalarEvent):
            raise YamlProblems([_problem(event, source, "expected a key written out")])
        start, column = _at(event.start_mark)
        if column or start <= taken:
            raise YamlProblems([_problem(event, source, f"'{event.value}' does not stand at the start of a line")])
        end = _end(events, lines, texts)
        taken = end - 1
        yield Span(event.value, start, end)


def _end(events: Iterator[yaml.Event], lines: Sequence[str], texts: set[int]) -> int:
    """Read one value; the line after its last. Ends of block collections are those of what stands in them."""
    depth, end = 0, 0
    for event in events:
        first, last = _at(event.start_mark)[0], _at(event.end_mark)[0]
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            end = max(end, first + 1)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
            if _at(event.end_mark) != _at(event.start_mark):  # a bracket; the end of a block has no width
                end = max(end, last + 1)
        elif isinstance(event, yaml.ScalarEvent) and event.style in ("|", ">"):
            last = _block_end(event, lines)
            end = max(end, last)
            texts.update(range(first + 1, last))
        else:
            end = max(end, last + 1)
            texts.update(range(first, last))
        if depth == 0:
            return end
    raise AssertionError("a document ends only after its values")


def _block_end(event: yaml.ScalarEvent, lines: Sequence[str]) -> int:
    """The line after a text in lines of its own. Its mark is where something else starts.

    Blank lines before that belong to the text only where it keeps them (`|+`).
    """
    first = _at(event.start_mark)[0] + 1
    line, column = _at(event.end_mark)
    last = max(first, line + bool(column))
    keeps = event.value.endswith("\n\n") or not event.value.strip()
    while not keeps and last > first and not lines[last - 1].strip():
        last -= 1
    return last


def _at(mark: Marked | None) -> Mark:
    """Line and column from 0."""
    return (mark.line, mark.column) if mark else (0, 0)


def _problem(event: yaml.Event, source: str, message: str) -> Problem:
    line, column = _at(event.start_mark)
    return Problem(source, line + 1, column + 1, message)
