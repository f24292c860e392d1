"""The two ends of a turn against the lexicons that come with the gateway, in one search."""

from typing import Final

from gateway.texts.index import TextIndex
from gateway.texts.lexicons import LEXICONS

_LOOKED_UP: Final = ("reasoning", "rubric")
_NAMES: Final = tuple(name for name in _LOOKED_UP for _ in LEXICONS[name])
_INDEX: Final = TextIndex([pattern for name in _LOOKED_UP for pattern in LEXICONS[name]])


def occurring(head: str, tail: str) -> frozenset[str]:
    """Names of the lexicons that occur."""
    return frozenset(_NAMES[number] for number in _INDEX.search(f"{head} {tail}").indices)
