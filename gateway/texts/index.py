"""Which of many phrases, word lists and expressions occur in a text, in time linear in the text whatever they are."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from gateway.texts.expressions import Expressions
from gateway.texts.folding import SEAM
from gateway.texts.form import seamed_form, seamed_plain_form, single_spaced
from gateway.texts.matcher import FAILED, Matcher
from gateway.texts.patterns import Every, Near, Pattern, Regex, expressions, literals
from gateway.texts.spelled import SPELLED, respelled

MAX_SEARCHED: Final = 1 << 18
"""Characters of a text that are searched, an eighth of that where not all are ASCII; of longer ones both ends. It takes
some milliseconds as a rule, and up to fifty for a text made to be dear: everybody else waits so long."""
_COSTLIER: Final = 8
MAX_LITERALS: Final = 10_000
"""Phrases and words of one index."""
MAX_EXPRESSIONS: Final = 1000

_SPELLED: Final = -3


class Found(NamedTuple):
    """What occurs, by its place in the index. Not `complete`: not all of the text was searched."""

    indices: frozenset[int]
    complete: bool


class TextIndex:
    """Patterns, compiled once. Searching changes nothing and may go on in several threads."""

    __slots__ = ("_expressions", "_rows", "_seamed", "_whole")

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        """Raises ValueError, in a sentence, for a pattern that cannot be used and for too many."""
        numbered = [(one, number) for number, one in enumerate(patterns)]
        words = [(literal, number) for pattern, number in numbered for literal in literals(pattern)]
        if len(words) > MAX_LITERALS:
            raise ValueError(f"there are more than {MAX_LITERALS:,} phrases and words")
        if sum(1 for pattern in patterns for _ in expressions(pattern)) > MAX_EXPRESSIONS:
            raise ValueError(f"there are more than {MAX_EXPRESSIONS:,} expressions")
        folded = [(literal, number) for literal, number in words if not literal.plain]
        spelled = [(SPELLED, _SPELLED)] if folded else []
        self._whole = Matcher([*spelled, *((literal.whole, number) for literal, number in folded)])
        self._seamed = Matcher([*spelled, *((literal.seamed, number) for literal, number in folded)])
        self._rows = Matcher((literal.row, number) for literal, number in folded if literal.row)
        self._expressions = Expressions(
            ((one, number) for one, number in numbered if isinstance(one, Regex | Near | Every)),
            ((literal.whole, number) for literal, number in words if literal.plain),
        )

    def search(self, text: str) -> Found:
        """Never raises, whatever the text."""
        return self._both_ends(text.replace(SEAM, ""))

    def search_pieces(self, pieces: Sequence[str]) -> Found:
        """As if the pieces (messages, parts of them) were one text, with a space or without at each cut."""
        return self._both_ends(SEAM.join(piece.replace(SEAM, "") for piece in pieces if piece))

    def _both_ends(self, text: str) -> Found:
        limit = MAX_SEARCHED if text.isascii() else MAX_SEARCHED // _COSTLIER
        whole = len(text) <= limit
        if whole:
            found = self._occurring(text)
        else:
            found = self._occurring(text[: limit // 2]) | self._occurring(text[-limit // 2 :])
        return Found(frozenset(number for number in found if number >= 0), whole and FAILED not in found)

    def _occurring(self, text: str) -> set[int]:
        """Numbers of patterns; FAILED where some search could not be made."""
        form = seamed_form(text)
        found = self._phrases(form)
        if self._expressions:
            for other in (form,) if text.isascii() else (form, seamed_plain_form(text)):
                for way in _ways(other):
                    found |= self._expressions.matches(way)
        return found

    def _phrases(self, form: str) -> set[int]:
        matcher = self._whole
        if not matcher:
            return set()
        if SEAM in form:
            form = SEAM.join(piece.strip() for piece in form.split(SEAM) if piece.strip())
            matcher = self._seamed
        found = matcher.matches(form)
        if _SPELLED in found:
            joined, rows = respelled(form)
            found |= matcher.matches(joined)
            if self._rows:
                found |= self._rows.matches(rows)
        return found


def _ways(form: str) -> tuple[str, ...]:
    """The form with a space at each seam, and with nothing."""
    return (single_spaced(form.replace(SEAM, " ")), single_spaced(form.replace(SEAM, ""))) if SEAM in form else (form,)
