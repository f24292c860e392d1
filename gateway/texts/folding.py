"""What becomes of one character in a form, worked out when it is first met and remembered.

`str.translate` with these tables costs some 40 ns for a character, whatever it is: no caller's text makes it dear. A
table grows by the assigned characters of the first two planes at most, about 10 MB if a caller sends them all.
"""

import unicodedata
from abc import ABC, abstractmethod
from typing import Final

from gateway.texts.lookalikes import LATIN, SIGNS

SEAM: Final = "\x01"
"""Stands between the pieces of a text while it is folded."""

_LONGEST: Final = 8
"""Characters that one may become. What NFKC makes longer (U+FDFA: 18) is a sign like any other."""
_FAR: Final = 0x20000
_NO_HAN: Final = 0x40000
_FAR_COMPATIBLE: Final = (0x2F800, 0x2FA1F)
FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0\ufffd\u0640\u180b\u180c\u180d\u180e\u180f")
"""Invisible though called letters or marks, and what says only that something was lost."""

# Marks that hang on letters of any script, and those of Arabic and Hebrew that mostly go unwritten. Vowel signs of
# India and of the Thai family are letters in all but name and stay.
NOISE: Final = frozenset(
    chr(code)
    for first, last in (
        (0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670),
        (0x06D6, 0x06ED), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0x3099, 0x309C), (0xFE00, 0xFE0F),
        (0xFE20, 0xFE2F), (0xFF9E, 0xFF9F),
    )
    for code in range(first, last + 1)
    if unicodedata.category(chr(code))[0] in "MLS" and chr(code).isprintable()
)  # fmt: skip
# Scripts written without spaces: Thai, Lao, Tibetan, Myanmar, Khmer; kana and Han. And Hangul, whose spaces are a
# matter of taste, and whose particles stand on their words. And notes, whose stems are marks.
_UNSPACED: Final = (
    (0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1100, 0x11FF), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x318F),
    (0x31A0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF),
    (0x1D100, 0x1D1FF),
)  # fmt: skip
# The first of 26 letters in white on a disc, in white on a square, and of flags: a row of them is a row of words.
_LETTER_SIGNS: Final = (0x1F150, 0x1F170, 0x1F1E6)


class Folding(dict[int, str | int], ABC):
    """A table for `str.translate` that fills itself."""

    def __missing__(self, code: int) -> str | int:
        if code >= _FAR and not _FAR_COMPATIBLE[0] <= code <= _FAR_COMPATIBLE[1]:
            return self.far(code)
        folded = self.fold(chr(code))
        self[code] = kept = code if folded == chr(code) else folded
        return kept

    def far(self, code: int) -> str | int:
        """Of the planes beyond the second: rare Han, tags, nothing or private signs."""
        return code if code < _NO_HAN else ""

    @abstractmethod
    def fold(self, char: str) -> str:
        """What a character becomes; "" for nothing."""


class Plain(Folding):
    """Compatibility forms and case; nothing that is not seen, no mark that makes no letter of its own with its base."""

    def fold(self, char: str) -> str:
        if char == SEAM:
            return SEAM
        if char.isspace() or char == "\u2800":
            return " "
        if _unseen(char) or char in NOISE:
            return ""
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", char).casefold())
        if len(folded) > _LONGEST:
            return " "
        kind = unicodedata.category(char)
        # x² and № are no part of the word beside them, but ⓐ is a letter of one.
        return f" {folded} " if kind == "No" or (kind == "So" and len(folded) > 1) else folded


class Bare(Folding):
    """Letters without marks, in their own case."""

    def fold(self, char: str) -> str:
        if char != SEAM and (_unseen(char) or char in NOISE):
            return ""
        if not char.isalpha() or char.casefold() in LATIN:
            return char
        bare = "".join(one for one in unicodedata.normalize("NFKD", char)[:_LONGEST] if one not in NOISE)
        return unicodedata.normalize("NFC", bare)


class Skeleton(Folding):
    """Every letter as the Latin one it looks like, without marks; signs and unspaced scripts as words by themselves."""

    def fold(self, char: str) -> str:
        if char in SIGNS:
            return SIGNS[char]
        for first in _LETTER_SIGNS:
            if first <= ord(char) < first + 26:
                return f" {chr(ord('a') + ord(char) - first)} "
        plain = PLAIN.fold(char)
        if plain in ("", " ", SEAM) or char in NOISE:
            return "" if char in NOISE else plain
        if char.casefold() in LATIN:
            return LATIN[char.casefold()]
        bare = (one for one in unicodedata.normalize("NFKD", plain) if one not in NOISE and one not in FILLERS)
        folded = unicodedata.normalize("NFC", "".join(_lookalike(one) for one in bare))
        return f" {' '.join(folded)} " if any(map(_alone, folded)) else folded

    def far(self, code: int) -> str | int:
        return f" {chr(code)} " if code < _NO_HAN else ""


def _unseen(char: str) -> bool:
    """Controls, format characters, half surrogates, fillers."""
    return char in FILLERS or unicodedata.category(char) in ("Cc", "Cf", "Cs")


def _lookalike(char: str) -> str:
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    return LATIN.get(char) or SIGNS.get(char) or char


def _alone(char: str) -> bool:
    """Signs and symbols beyond ASCII, and all of scripts that put no space between words."""
    code = ord(char)
    if code < 128:
        return False
    return unicodedata.category(char)[0] in "SP" or any(first <= code <= last for first, last in _UNSPACED)


PLAIN: Final = Plain()
BARE: Final = Bare()
SKELETON: Final = Skeleton()
