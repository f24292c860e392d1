"""Two expressions in one sentence, a few words apart at most.

An expression with a counted gap between two lists of words makes an automaton that outgrows RE2's memory. So the words
are found first, in the one pass over the text, and only where all are there are their places looked at.
"""

from bisect import bisect_left, bisect_right
from itertools import islice
from typing import Final

import re2

from gateway.texts.patterns import Near, expression

REACH: Final = 64
"""Bytes of UTF-8 between the two: about ten Latin words, five Cyrillic ones, twenty Chinese characters."""
MAX_PLACES: Final = 1000
"""Places of one expression that are looked at, so that a text made of its words takes milliseconds, not more."""
_SENTENCE_END: Final = re2.compile(r"[.!?] |。")


class TooManyPlaces(Exception):  # noqa: N818 - named for what happened
    """The expressions occur in more places than are looked at, and near each other in none of those."""


class NearTest:
    """Says of a form in which both occur whether they stand near each other."""

    __slots__ = ("_first", "_second")

    def __init__(self, pattern: Near) -> None:
        options = re2.Options()
        options.log_errors = False
        options.never_capture = True
        self._first = re2.compile(expression(pattern.first), options)
        self._second = re2.compile(expression(pattern.second), options)

    def holds(self, data: bytes) -> bool:
        """`data` is UTF-8. Raises TooManyPlaces."""
        firsts = [match.span() for match in islice(self._first.finditer(data), MAX_PLACES + 1)]
        seconds = [match.span() for match in islice(self._second.finditer(data), MAX_PLACES + 1)]
        starts = [start for start, _ in seconds]
        ends = [end for _, end in seconds]
        for start, end in firsts:
            after = bisect_left(starts, end)
            if after < len(starts) and _one_sentence(data[end : starts[after]]):
                return True
            before = bisect_right(ends, start) - 1
            if before >= 0 and _one_sentence(data[ends[before] : start]):
                return True
        if max(len(firsts), len(seconds)) > MAX_PLACES:
            raise TooManyPlaces
        return False


def _one_sentence(between: bytes) -> bool:
    return len(between) <= REACH and _SENTENCE_END.search(between) is None
