r"""Phrases in a canonical excerpt, by RE2: time stays linear in the text, whatever a caller writes.

Patterns are lower case, as canonical text is (casefolded: German ß is ss). They hold no gaps: a counted gap beside many
alternatives makes an automaton too large for RE2's memory. What may stand some words apart is a `Near`. RE2's `\b`
knows ASCII letters only.
"""

from itertools import islice
from typing import Final

import re2

from gateway.detectors.facts import Facts

REACH: Final = 64
"""Bytes between two words of a phrase: about ten Latin words, five Cyrillic ones, twenty Chinese characters."""
_OCCURRENCES: Final = 24
"""Words looked at in an excerpt, so that a text made of them costs no more than others."""
_SENTENCE_END: Final = re2.compile(r"[.!?] |。")


class Lexicon:
    """Whether any of some patterns is found."""

    __slots__ = ("pattern",)

    def __init__(self, *patterns: str) -> None:
        self.pattern = re2.compile("|".join(patterns))

    def found(self, data: bytes) -> bool:
        return self.pattern.search(data) is not None


class Near:
    """Whether some word and some other stand in one sentence, at most `REACH` bytes apart, in either order."""

    __slots__ = ("_others", "_words")

    def __init__(self, words: Lexicon, others: Lexicon) -> None:
        self._words = words.pattern
        self._others = others

    def found(self, data: bytes) -> bool:
        for match in islice(self._words.finditer(data), _OCCURRENCES):
            before = _SENTENCE_END.split(data[max(0, match.start() - REACH) : match.start()])[-1]
            after = _SENTENCE_END.split(data[match.end() : match.end() + REACH])[0]
            if self._others.found(before) or self._others.found(after):
                return True
        return False


def read(facts: Facts) -> bytes:
    """The excerpt as the lexicons want it. Half surrogates, which UTF-8 has not, become question marks."""
    return f"{facts.head} {facts.tail}".encode("utf-8", "replace")
