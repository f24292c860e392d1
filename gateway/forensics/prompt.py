"""Words that a text has from its prompt: a caller who pastes marked text and gets it back has taken nothing.

Words that stand inside five in a row which the prompt has too are dropped before the text is read. Case and
punctuation at the ends of words make no difference.
"""

import re
from typing import Final

GRAM: Final = 5

_PIECE: Final = re.compile(r"\S+")
_FENCE: Final = re.compile(r"```|~~~")
_ENDS: Final = re.compile(r"^\W+|\W+$")

Grams = frozenset[tuple[str, ...]]


def grams_of(prompt: str) -> Grams:
    """All runs of five words."""
    words = [word for word in map(_plain, _PIECE.findall(prompt)) if word]
    return frozenset(tuple(words[at : at + GRAM]) for at in range(len(words) - GRAM + 1))


def without_grams(text: str, grams: Grams) -> tuple[str, int]:
    """The text without the words of those runs, and how many were dropped. Marks of code blocks stay in place."""
    if not grams:
        return text, 0
    pieces = [(match.span(), _plain(match.group())) for match in _PIECE.finditer(text)]
    worded = [(span, word) for span, word in pieces if word]
    shared: set[int] = set()
    for at in range(len(worded) - GRAM + 1):
        if tuple(word for _, word in worded[at : at + GRAM]) in grams:
            shared.update(range(at, at + GRAM))
    kept, end, dropped = [], 0, 0
    for at in sorted(shared):
        begin, after = worded[at][0]
        if _FENCE.search(text, begin, after):
            continue
        kept.append(text[end:begin])
        end, dropped = after, dropped + 1
    return "".join([*kept, text[end:]]), dropped


def _plain(piece: str) -> str:
    return _ENDS.sub("", piece).casefold()
