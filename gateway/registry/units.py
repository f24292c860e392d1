"""A text as the units that fingerprints are made of: words, and single characters of scripts without spaces.

Writer and searcher must see the same units in a text and in its copy, so what a copy loses is dropped: case, width and
compatibility forms, accents, invisible characters, lookalike letters, quotes, dashes, punctuation, white space and
Markdown (marks, targets of links, the language of a code fence). `VERSION` counts changes: fingerprints of another
version are never compared.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from gateway.core.prompts import utf8
from gateway.texts.form import matching_form

VERSION: Final = 1
WORD: Final = 2
"""What a word weighs. A character of a script without spaces weighs half: it says about half as much."""
CHARACTER: Final = 1

MAX_CHARS: Final = 1 << 20
"""Characters of a text that are looked at."""
_SLICE: Final = 192
"""Characters that are folded at once: 3 µs of English, 60 µs of most others."""
_BACK: Final = 8

# Neither takes a step back, so time is linear.
_TARGET: Final = re.compile(r"\]\([^()\s]*\)")
_FENCE: Final = re.compile(r"```[ \t]*[^\s`]*")

_SPACED: Final = bytes(code if code >= 128 or chr(code).isalnum() else 32 for code in range(256))
_GONE: Final = b"'"
"""An apostrophe joins: don't and dont are one word."""


def units(text: str) -> Iterator[list[bytes]]:
    """The units (UTF-8), slice by slice, so that a thread can pause in between. Never empty."""
    for piece in _slices(text[:MAX_CHARS]):
        yield _units(piece)


def weight(unit: bytes) -> int:
    """In half words; 0: a sign, which is no unit."""
    return WORD if unit[0] < 128 or len(unit) > 4 else _weight(unit)


def _units(piece: str) -> list[bytes]:
    if "```" in piece:
        piece = _FENCE.sub(" ", piece)
    if "](" in piece:
        piece = _TARGET.sub("] ", piece)
    found = utf8(matching_form(piece)).translate(_SPACED, _GONE).split()
    return found if piece.isascii() else [unit for unit in found if weight(unit)]


def _slices(text: str) -> Iterator[str]:
    """Cut where white space is, or where no letter is torn from its marks."""
    start = 0
    while len(text) - start > _SLICE:
        end = start + _SLICE
        cut = max(text.rfind(" ", start, end), text.rfind("\n", start, end))
        if cut <= start:
            cut = end
            while cut > end - _BACK and unicodedata.category(text[cut])[0] == "M":
                cut -= 1
        yield text[start:cut]
        start = cut
    yield text[start:]


@lru_cache(maxsize=1 << 15)
def _weight(unit: bytes) -> int:
    chars = unit.decode("utf-8", "surrogatepass")
    if len(chars) > 1:
        return WORD
    return 0 if unicodedata.category(chars)[0] in "CPSZ" else CHARACTER
