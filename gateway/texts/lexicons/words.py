"""How a lexicon's words become expressions.

Words are written as the matching form has them: lower case, without accents, Arabic without vowels and hamza. So they
are found however they are typed. Scripts without spaces, and Cyrillic, are found in the plain form; Cyrillic is
written a second time with the letters that the matching form turns into Latin ones, so that a disguise does not help.
No word has a counted gap: what may stand some words apart is a `Near`.
"""

import re
from typing import Final

from gateway.texts.folding import SKELETON
from gateway.texts.patterns import Regex, doubtful

Table = tuple[str, ...]
"""Alternatives, a line or two per language."""

_CYRILLIC: Final = re.compile(r"\[а-яё\]|[а-яё]")


def any_of(*tables: Table) -> Regex:
    """One expression for all alternatives."""
    words = [word for table in tables for word in table]
    return Regex("|".join(dict.fromkeys(words + [_CYRILLIC.sub(_disguised, word) for word in words])))


def _disguised(letter: re.Match[str]) -> str:
    """A Cyrillic letter as the matching form has it; `[а-яё]` as any letter."""
    return doubtful(SKELETON.fold(letter[0])) if len(letter[0]) == 1 else "[a-zа-яё]"
