"""What the model wrote, read out of events and bodies for rules that look at it. Never on the path where none does.

Everything that is not known to be something else counts as the model's text: a field that an upstream adds tomorrow is
then looked at, not missed.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any, Final, Protocol

from gateway.dialects.usage_fields import parse_object

MAX_LANES: Final = 512
"""Texts of one answer that are told apart. Honest answers have a few for each choice and tool call."""
MAX_LENIENT: Final = 4 << 20
"""Bytes of a document that are parsed a second time, by the slower and more lenient parser."""

Piece = tuple[int, str]
"""A lane and the text that continues it. Empty text says that a part ends here, so that a word ends there too."""
Path = tuple[str | int, ...]


class OutputReader(Protocol):
    """Reads one answer. A lane is one running text of it: the content of a choice, its reasoning, one tool call."""

    def read(self, event: bytes) -> list[Piece] | None:
        """The text that one event of a stream adds; None when it cannot be read."""
        ...

    def whole(self, body: bytes) -> list[Piece] | None:
        """The text of a complete answer; None when it cannot be read."""
        ...


class Lanes:
    """Numbers the running texts of an answer, and ends a part where the choice goes on in another text."""

    __slots__ = ("_numbers", "_open")

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, Path], int] = {}
        self._open: dict[int, set[int]] = {}

    def pieces(self, texts: Iterable[tuple[int, Path, str]]) -> list[Piece] | None:
        """Texts by choice and place as pieces; None when there are too many to be told apart.

        The first text of a new lane ends the open ones of its choice. Later changes to and fro do not: upstreams
        that say everything under two names, or write two tool calls at once, would end every word in its middle.
        """
        said: list[Piece] = []
        spoken: dict[int, set[int]] = {}
        fresh: list[int] = []
        for choice, path, text in texts:
            if not text:
                continue
            lane = self._numbers.get((choice, path))
            if lane is None:
                if len(self._numbers) >= MAX_LANES:
                    return None
                lane = self._numbers[choice, path] = len(self._numbers)
                fresh.append(choice)
            spoken.setdefault(choice, set()).add(lane)
            said.append((lane, text))
        ends = [(lane, "") for choice in fresh for lane in self._end(choice, keep=spoken[choice])]
        for choice, lanes in spoken.items():
            self._open.setdefault(choice, set()).update(lanes)
        return ends + said

    def end(self, choice: int) -> list[Piece]:
        """The choice, or a part of it, is over."""
        return [(lane, "") for lane in self._end(choice, keep=())]

    def _end(self, choice: int, *, keep: Collection[int]) -> list[int]:
        opened = self._open.get(choice, set())
        ended = sorted(opened.difference(keep))
        opened.difference_update(ended)
        return ended


def leaves(value: Any, skip: frozenset[str]) -> list[tuple[Path, str]]:
    """Every string below `value` in its order, with the keys that lead to it, except below the keys in `skip`.

    Elements of lists are told apart by an `index` of their own, else by their position.
    """
    found: list[tuple[Path, str]] = []
    stack: list[tuple[Path, Any]] = [((), value)]
    while stack:
        path, node = stack.pop()
        if type(node) is str:
            found.append((path, node))
        elif type(node) is dict:
            stack.extend(((*path, key), below) for key, below in reversed(node.items()) if key not in skip)
        elif type(node) is list:
            stack.extend(((*path, _place(below, position)), below) for position, below in reversed([*enumerate(node)]))
    return found


def _place(element: Any, position: int) -> int:
    own = element.get("index") if type(element) is dict else None
    return own if type(own) is int else position


def parse(data: bytes) -> dict[str, Any] | None:
    """The JSON object of an event or body; None when it is none.

    The strict parser first. It refuses two things that clients read well: half a character (an upstream may cut a
    surrogate pair between two events) and documents of very many values (log probabilities).
    """
    document = parse_object(data)
    if document is not None or len(data) > MAX_LENIENT:
        return document
    try:
        document = json.loads(data.decode(), object_pairs_hook=_unambiguous)
    except (ValueError, RecursionError):
        return None
    return document if type(document) is dict else None


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found
