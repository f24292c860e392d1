"""What is looked for in texts, and how each is written for RE2."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import re2

from gateway.texts.folding import SEAM
from gateway.texts.form import matching_form, plain_form
from gateway.texts.lookalikes import LATIN_IN_LATIN_WORDS

MAX_PHRASE: Final = 1000
"""Characters of a phrase or word, in matching form."""
MAX_PROGRAM: Final = 4000
"""Instructions of RE2 for one expression. A text made for it costs up to two microseconds a character at this size."""
_SHORTEST_ROW: Final = 6
"""Letters of a phrase that is found inside a row of single letters."""

_EDGE: Final = r"[^0-9a-z\x{80}-\x{10ffff}]"
"""In a form every sign beyond ASCII, and every letter of a script without spaces, stands between spaces."""
_PLAIN_EDGE: Final = (
    r"[\x00-/:-@\[-\x60{-\x{a9}\x{ab}-\x{b4}\x{b6}-\x{b9}\x{bb}-\x{bf}\x{2000}-\x{206f}\x{20a0}-\x{20cf}\x{2190}-\x{2bff}"
    r"\x{2e00}-\x{2e7f}\x{3000}-\x{a4cf}\x{ac00}-\x{d7af}\x{fe10}-\x{fe6f}\x{1f000}-\x{1faff}]"
)
"""In a plain form they do not: ASCII and the blocks of punctuation, symbols and scripts without spaces."""
_GAP: Final = " _*~/|+,:'\"`-"
_GAPS: Final = 3
_BREAK: Final = re.compile(r"(?<=[^\W_])[-_](?=[^\W_])| ")
_ANCHOR: Final = re.compile(r"(?<!\\)(?:\\\\)*\\([Az])")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in this order, with a space or a little punctuation between them; neither end inside a word."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """Any of these words or phrases."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Regex:
    """An RE2 expression, searched without regard to case in the matching form and in the plain form.

    `^` and `$` are the ends of the text. `longest` is the most characters it can match, as its author says; None: not
    known.
    """

    source: str
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """Two expressions in one sentence, a few words apart at most, in either order (`near.py`)."""

    first: Regex
    second: Regex


@dataclass(frozen=True, slots=True)
class Every:
    """All of these, anywhere in the text."""

    parts: tuple[Regex | Near, ...]


Pattern = Phrase | Words | Regex | Near | Every


@dataclass(frozen=True, slots=True)
class Literal:
    """One phrase or word, written for each kind of search. `plain`: for the plain form instead of the matching one."""

    whole: str
    seamed: str
    row: str | None
    plain: bool


def literals(pattern: Pattern) -> Iterator[Literal]:
    """Its phrases and words. Raises ValueError for one that is empty or too long, and for a list without any."""
    if isinstance(pattern, Words) and not pattern.words:
        raise ValueError("a list of words needs at least one")
    for word in _words(pattern):
        yield _literal(word)


def expressions(pattern: Pattern) -> Iterator[Regex]:
    """Its expressions, unchecked."""
    if isinstance(pattern, Regex):
        yield pattern
    elif isinstance(pattern, Near):
        yield from (pattern.first, pattern.second)
    elif isinstance(pattern, Every):
        for part in pattern.parts:
            yield from expressions(part)


def expression(pattern: Regex) -> str:
    """The source, wrapped. Raises ValueError where RE2 refuses it or it is too large."""
    source = pattern.source
    anchor = _ANCHOR.search(source)
    if anchor:
        raise ValueError(f"write {'^' if anchor[1] == 'A' else '$'} for \\{anchor[1]} in an expression")
    options = re2.Options()
    options.log_errors = False
    wrapped = f"(?im)(?:{source})"
    try:
        re2.compile(source, options)  # alone, so that a bracket of its own cannot close ours
        compiled = re2.compile(wrapped, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(f"RE2 cannot read the expression: {_reason(error)}") from None
    if compiled.programsize > MAX_PROGRAM:
        raise ValueError(f"the expression makes a program of {compiled.programsize} steps; {MAX_PROGRAM} are allowed")
    if compiled.search("") is not None:
        raise ValueError("the expression is found in every text: it matches an empty one")
    return wrapped


def longest(pattern: Pattern) -> int | None:
    """The most characters of a form that a match takes; None where that is not known."""
    if isinstance(pattern, Regex):
        return pattern.longest
    if isinstance(pattern, Near | Every):
        return None
    return max(max(_reach(matching_form(word)), _reach(plain_form(word))) for word in _words(pattern))


def _words(pattern: Pattern) -> tuple[str, ...]:
    if isinstance(pattern, Phrase):
        return (pattern.text,)
    return pattern.words if isinstance(pattern, Words) else ()


def _literal(word: str) -> Literal:
    form = matching_form(word)
    if not form:
        raise ValueError("a phrase is empty, or nothing of it is seen")
    if len(form) > MAX_PHRASE:
        raise ValueError(f"a phrase is longer than {MAX_PHRASE} characters")
    plain = form.isascii() and _foreign(plain_form(word))
    tokens = [[*token] for token in _BREAK.split(plain_form(word) if plain else form)]
    letters = "".join(map("".join, tokens))
    edge = _PLAIN_EDGE if plain else _EDGE
    before = edge if _inner(letters[0]) else ""
    after = edge if _inner(letters[-1]) else ""
    between = f"[{re2.escape(_GAP)}]{{1,{_GAPS}}}"
    between_pieces = f"[{re2.escape(_GAP + SEAM)}]{{1,{_GAPS + 1}}}"
    if len(tokens) > 1 or not all(char.isascii() or char in LATIN_IN_LATIN_WORDS for char in letters):
        tokens = [[doubtful(char) for char in token] for token in tokens]
    else:
        tokens = [[re2.escape(char) for char in token] for token in tokens]
    return Literal(
        before + between.join(map("".join, tokens)) + after,
        before + between_pieces.join(map(f"{SEAM}?".join, tokens)) + after,
        re2.escape(letters) if len(letters) >= _SHORTEST_ROW and letters.isalpha() else None,
        plain,
    )


def doubtful(char: str) -> str:
    """For RE2: a Russian or Greek letter, or the Latin one that a word with Latin letters has in its place."""
    latin = LATIN_IN_LATIN_WORDS.get(char)
    return f"[{char}{latin}]" if latin else re2.escape(char)


def _reach(form: str) -> int:
    """With the widest gaps, and a character at each end that is no part of the phrase."""
    return len(form) + (_GAPS - 1) * len(_BREAK.findall(form)) + 2


def _inner(char: str) -> bool:
    """Part of a word, so that its neighbour must not be."""
    return char.isalnum() or not char.isascii()


def _foreign(form: str) -> bool:
    """A word of letters that all pass for Latin ones, such as кот: in matching form it would be found in English."""
    return any(not char.isascii() and not unicodedata.name(char, "LATIN").startswith("LATIN") for char in form)


def _reason(error: Exception) -> str:
    message = "it is not valid Unicode" if isinstance(error, UnicodeError) else error.args[0]
    return message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
