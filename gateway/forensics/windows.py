"""Windows along a text, so that a marked passage inside foreign text shows, and shows where it stands.

Windows of half, a quarter, an eighth … of the text, each overlapping its neighbour by half: any passage lies, for half
of its length at least, in a window of at most twice its length. They depend on no key, and every one is counted.
"""

import re
from dataclasses import dataclass
from typing import Final

LEAST_WORDS: Final = 120
"""Shorter windows hold too few pairs to show anything."""
MOST: Final = 255
"""Windows of one text."""

_PIECE: Final = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Window:
    """Words `begin` to before `end`, by white space, and the text between them."""

    begin: int
    end: int
    text: str


def windows_of(text: str) -> list[Window]:
    """The windows, longest first; none for a text of fewer than twice LEAST_WORDS words."""
    places = [match.span() for match in _PIECE.finditer(text)]
    found: list[Window] = []
    length = len(places) // 2
    while length >= LEAST_WORDS:
        step = length // 2
        begins = list(range(0, len(places) - length, step))
        # The last one ends where the text does.
        begins.append(len(places) - length)
        if len(found) + len(begins) > MOST:
            break
        found += [_window(text, places, begin, begin + length) for begin in begins]
        length //= 2
    return found


def _window(text: str, places: list[tuple[int, int]], begin: int, end: int) -> Window:
    return Window(begin, end, text[places[begin][0] : places[end - 1][1]])
