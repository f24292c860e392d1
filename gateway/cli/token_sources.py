"""Which token a word is: asked of a tokenizer, remembered in a file, and checked by turning tokens back into words."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from gateway.core.jsonio import loads

BASE: Final = "the"
"""Words are asked for behind another word, as they stand in a text: " word" alone means something else to some."""
_FORMAT: Final = 1
_MOST_CACHE: Final = 16 << 20
_MOST_LINE: Final = 1_024
_CHECKED: Final = 200
"""Words that are turned back at a time."""
_AGAIN: Final = 16
"""Remembered words that are asked about again."""
_MOST_WRONG: Final = 0.1

Learned = Callable[[str, int | None], None]


class TokensFailed(Exception):  # noqa: N818 - a state of the world, not a mistake
    """A tokenizer that cannot be used, in words for people."""


class TokenSource(Protocol):
    """A tokenizer, wherever it is."""

    name: str
    """Tells it from every other."""

    def tokens_of(self, words: Sequence[str], learned: Learned) -> None:
        """Tell `learned` the token of each word, None for a word that is not one token. Raises TokensFailed."""
        ...

    def text_of(self, tokens: Sequence[int]) -> str | None:
        """The text of `BASE` and these tokens; None where it cannot be had. Raises TokensFailed."""
        ...


class TokenFile:
    """Answers on disk: a second table of the same tokenizer costs no question."""

    def __init__(self, path: Path, tokenizer: str) -> None:
        """What is there of another tokenizer, or is no such file, is started over. Raises OSError."""
        self.path = path
        header = {"format": _FORMAT, "tokenizer": tokenizer}
        try:
            self.known = _read(path, header)
        except (FileNotFoundError, TypeError, ValueError):  # half a line, after a crash, is ValueError too
            self.known = {}
            path.write_text(json.dumps(header) + "\n", encoding="utf-8")

    def add(self, answers: Mapping[str, int | None]) -> None:
        """Keep answers. Raises OSError."""
        self.known.update(answers)
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps([word, token], ensure_ascii=False) + "\n" for word, token in answers.items())


def _read(path: Path, header: Mapping[str, object]) -> dict[str, int | None]:
    """Raises ValueError or TypeError for a file that is not of this tokenizer, or is damaged."""
    known: dict[str, int | None] = {}
    with path.open("rb") as file:
        lines = iter(lambda: file.readline(_MOST_LINE), b"")
        if path.stat().st_size > _MOST_CACHE or loads(next(lines, b"")) != header:
            raise ValueError("another tokenizer's")
        for line in lines:
            word, token = loads(line)
            if not isinstance(word, str) or not (token is None or type(token) is int):
                raise ValueError("no answer")
            known[word] = token
    return known


def tokens_for(words: Sequence[str], source: TokenSource, kept: TokenFile) -> tuple[dict[str, int], str]:
    """Word → token, of the words that are one token and come back from it; and what was checked, in words.

    Raises TokensFailed, also where the source contradicts itself; OSError of the file.
    """
    _compare(source, kept)
    new: dict[str, int | None] = {}
    try:
        source.tokens_of([word for word in words if word not in kept.known], new.__setitem__)
    finally:
        kept.add(new)
    found = {word: token for word in words if (token := kept.known.get(word)) is not None}
    shared = _shared(found)
    if len(shared) > _MOST_WRONG * max(1, len(found)):
        raise TokensFailed(f"{source.name}: gives {len(shared)} of {len(found)} words a token that others have too")
    single = {word: token for word, token in found.items() if word not in shared}
    wrong = _wrong(list(single), single, source)
    if wrong is None:
        return single, "the tokens could not be turned back into words: there is no way to ask"
    return {word: token for word, token in single.items() if word not in wrong}, "all tokens came back as their words"


def _compare(source: TokenSource, kept: TokenFile) -> None:
    """A server may have got another model under its old name."""
    known = list(kept.known)
    again: dict[str, int | None] = {}
    source.tokens_of(known[:: -(-len(known) // _AGAIN) or 1], again.__setitem__)
    if any(kept.known[word] != token for word, token in again.items()):
        raise TokensFailed(f"{kept.path}: holds answers that differ from those of {source.name} now: remove it")


def _shared(found: Mapping[str, int]) -> set[str]:
    """Words that have a token in common, which for a tokenizer is only the one for "unknown"."""
    words: dict[int, list[str]] = {}
    for word, token in found.items():
        words.setdefault(token, []).append(word)
    return {word for group in words.values() if len(group) > 1 for word in group}


def _wrong(words: Sequence[str], tokens: Mapping[str, int], source: TokenSource) -> set[str] | None:
    """Words whose token does not come back as the word. None where the source turns nothing back."""
    wrong: set[str] = set()
    rest = [words[at : at + _CHECKED] for at in range(0, len(words), _CHECKED)]
    while rest:
        some = rest.pop()
        text = source.text_of([tokens[word] for word in some])
        if text is None:
            return None
        if text.endswith(_after_base(some)):
            continue
        if len(some) > 1:
            rest += [some[: len(some) // 2], some[len(some) // 2 :]]
            continue
        wrong.update(some)
        if len(wrong) > _MOST_WRONG * len(words):
            raise TokensFailed(f"{source.name}: does not turn its tokens back into the words, such as {some[0]!r}")
    return wrong


def _after_base(words: Iterable[str]) -> str:
    return "".join(f" {word}" for word in words)


def single_token(base: Sequence[int], both: Sequence[int]) -> int | None:
    """The token that stands behind `base` in `both`, if it is one and the rest is the same."""
    return both[-1] if len(both) == len(base) + 1 and list(both[:-1]) == list(base) else None
