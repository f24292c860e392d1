"""The form in which texts and phrases are compared: what an eye takes for the same is the same.

Two forms. The matching form is for phrases and words: case, width, invisible characters, accents, white space and the
alphabet a letter was borrowed from make no difference; every letter of a script without spaces, and every sign outside
ASCII, is a word by itself. Genuine Russian or Greek comes out as a mixture of alphabets, the same in a phrase and in a
text. The plain form keeps alphabets and accents, for people's own expressions.

Cost, for 4,096 characters: 15 µs for ASCII and for English with curly quotes, 0.2 to 0.4 ms for others, 1 ms at most
(`python -m bench --only texts`). It grows with the length, whatever the text.
"""

import re
import unicodedata
from functools import cache
from typing import Final

import re2

from gateway.core.prompts import piled, utf8
from gateway.texts.folding import BARE, FILLERS, NOISE, PLAIN, SEAM, SKELETON
from gateway.texts.lookalikes import LATIN, LATIN_IN_LATIN_WORDS, SIGNS

_ASCII: Final = bytes(ord(" " if chr(code).isspace() else chr(code).lower()) for code in range(128)).ljust(256)
_CONTROLS: Final = bytes({*range(32), 127} - {ord(SEAM)} - {code for code in range(32) if chr(code).isspace()})
# Where both are, some word may be of two alphabets: what becomes a Latin letter, what becomes a Greek or Cyrillic one.
_LATIN_LETTER: Final = re2.compile(r"[\p{Latin}\x{2100}-\x{218f}\x{1d400}-\x{1d7ff}]")
_BORROWED: Final = re2.compile(r"[\p{Greek}\p{Cyrillic}\x{b5}\x{2100}-\x{214f}\x{1d6a8}-\x{1d7cb}]")
# Letters of alphabets that lend lookalikes, and marks on them that NFC left over, with nothing visible between.
_BASES: Final = (
    "0-9A-Za-z\u00c0-\u02ff\u0370-\u058f\u13a0-\u13ff\u1c80-\u1dbf\u1e00-\u1fff\u2100-\u218f\u24b6-\u24e9\u2c60-\u2c7f"
    "\ua720-\ua7ff\uab30-\uabbf\uff10-\uff5a\U0001d400-\U0001d7ff"
)
_MARKED: Final = re2.compile(rf"[{_BASES}]\p{{Cf}}*\pM")
# A word of Latin letters and of such as pass for them, the doubtful ones among them; no step is taken back, so time
# stays linear. A word goes on beyond a cut: what it is made of is seen there.
_SURE: Final = (
    "".join({*LATIN, *(one.upper() for one in LATIN if len(one.upper()) == 1)} - {*LATIN_IN_LATIN_WORDS}) + SEAM
)
_DOUBTFUL: Final = re.compile(f"[{''.join(LATIN_IN_LATIN_WORDS)}]")
_MIXED_WORD: Final = re.compile(
    rf"(?<![^\W_])(?=[A-Za-z{_SURE}]*+{_DOUBTFUL.pattern})(?=(?:[{_SURE}]|{_DOUBTFUL.pattern})*+[A-Za-z])"
    rf"(?:[A-Za-z{_SURE}]|{_DOUBTFUL.pattern})++(?![^\W_])"
)
# Private and unassigned characters, which no table should have to look at one by one.
_BEYOND: Final = re.compile("[\U00040000-\U0010ffff]+")
_BEYOND_IN_UTF8: Final = re2.compile(r"[\x{40000}-\x{10ffff}]")
# What the plain form leaves out or makes a space, but for white space and seams.
_UNPLAIN: Final = "".join(FILLERS | NOISE)
_TO_DROP: Final = re2.compile(rf"[\x00\x02-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\x{{2800}}\p{{Cf}}\p{{Cs}}{_UNPLAIN}]")
_HALF_WIDTH: Final = re.compile("[\uff66-\uff9d][\uff9e\uff9f]")
_BORROWED_TO_LATIN: Final = str.maketrans(LATIN_IN_LATIN_WORDS)


# What word processors put into English, and full-width punctuation. With these replaced most texts are ASCII, or plain
# already: the tables would say the same, and take ten times as long.
_COMPATIBLE: Final = tuple(zip("…\u00a0\u3000，！？：；（）", ("...", " ", " ", *",!?:;()"), strict=True))
_TYPOGRAPHY: Final = (*_COMPATIBLE, *((sign, SIGNS[sign]) for sign in "’‘“”–—•"))


def matching_form(text: str) -> str:
    """The text as phrases are matched: lower case, one space between words, none at the ends."""
    return seamed_form(text.replace(SEAM, "")).strip()


def plain_form(text: str) -> str:
    """The text in compatibility form (NFKC) and lower case, without what is not seen, white space as one space."""
    return seamed_plain_form(text.replace(SEAM, "")).strip()


def seamed_form(text: str) -> str:
    """The matching form of pieces joined by `SEAM`, which stays; a space at an end or beside a seam stays too."""
    if not text.isascii():
        for sign, plain in _TYPOGRAPHY:
            text = text.replace(sign, plain)
    if text.isascii():
        return _ascii_form(text)
    text = _composed(text)
    data = utf8(text)
    if _MARKED.search(data):
        text = _marks_on_letters().sub("", text)
    if _BORROWED.search(data) and _LATIN_LETTER.search(data):
        text = _MIXED_WORD.sub(_to_latin, text.translate(BARE))
    return single_spaced(text.translate(SKELETON))


def seamed_plain_form(text: str) -> str:
    """The plain form of pieces joined by `SEAM`."""
    if text.isascii():
        return _ascii_form(text)
    for sign, plain in _COMPATIBLE:
        text = text.replace(sign, plain)
    text = _composed(text)
    data = utf8(text)
    if not piled(data) and not _TO_DROP.search(data) and unicodedata.is_normalized("NFKC", text):
        return " ".join(unicodedata.normalize("NFKC", text.casefold()).split())  # the same, and faster
    return single_spaced(text.translate(PLAIN))


def _ascii_form(text: str) -> str:
    return single_spaced(text.encode().translate(_ASCII, _CONTROLS).decode())


def single_spaced(text: str) -> str:
    """Halving runs of spaces beats splitting at each: most stand alone."""
    while "  " in text:
        text = text.replace("  ", " ")
    return text


def _composed(text: str) -> str:
    """Letters and marks as one where there is such a letter (NFC), if the marks are no pile that makes it dear."""
    if "\uff9e" in text or "\uff9f" in text:
        text = _HALF_WIDTH.sub(lambda kana: unicodedata.normalize("NFKC", kana[0]), text)
    data = utf8(text)
    if _BEYOND_IN_UTF8.search(data):
        text = _BEYOND.sub("", text)
    return text if piled(data) else unicodedata.normalize("NFC", text)


def _to_latin(word: re.Match[str]) -> str:
    """With fewer Latin letters than doubtful ones it is rather a Russian or Greek word with a Latin letter in it."""
    letters = word[0]
    latin = len(letters.encode("ascii", "ignore")) - letters.count(SEAM)
    return letters.translate(_BORROWED_TO_LATIN) if latin >= len(_DOUBTFUL.findall(letters)) else letters


@cache
def _marks_on_letters() -> re.Pattern[str]:
    """Marks of any script (of the first plane). Made when wanted: it takes milliseconds."""
    kinds = ("Mn", "Me", "Mc", "Cf")
    marks = (chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code)) in kinds)
    return re.compile(f"(?<=[{_BASES}])[{''.join(marks)}]+")
