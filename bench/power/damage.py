"""What edits leave of the mark: the real texts, put together to one length, edited in the ways of issue and tests."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import numpy as np

from bench.power.counts import Counter2, Counts, Marked
from bench.power.draws import z_of
from bench.power.weights import Weigh

Edit = Callable[[list[str], list[str], Random], list[str]]


def _cut(words: list[str], _: list[str], rng: Random) -> list[str]:
    start = rng.randrange(len(words) - len(words) // 2)
    return words[start : start + len(words) // 2]


def _replaced(share: float) -> Edit:
    return lambda words, foreign, rng: [rng.choice(foreign) if rng.random() < share else word for word in words]


def _deleted(share: float) -> Edit:
    return lambda words, _, rng: [word for word in words if rng.random() >= share]


def _pasted(words: list[str], foreign: list[str], rng: Random) -> list[str]:
    at = rng.randrange(3 * len(words))
    around = [foreign[(at + n) % len(foreign)] for n in range(3 * len(words))]
    place = rng.randrange(len(around))
    return [*around[:place], *words, *around[place:]]


EDITS: Final[dict[str, Edit]] = {
    "none": lambda words, _, __: words,
    "cut to half": _cut,
    **{f"{share:.0%} of words replaced": _replaced(share) for share in (0.1, 0.2, 0.3)},
    **{f"{share:.0%} of words deleted": _deleted(share) for share in (0.1, 0.2, 0.3)},
    "a quarter within foreign text": _pasted,
}
"""Replacements are drawn from unmarked text of the same model, with the frequencies of that text."""


def damaged(
    counter: Counter2, texts: Sequence[list[Marked]], foreign: list[str], edit: Edit, weigh: Weigh, windows: int
) -> np.ndarray:
    """z of each drawn text (pieces of several accounts) after the edit: the best of so many windows."""
    rng = Random(5)
    return np.array([_best(counter, pieces, foreign, edit, weigh, windows, rng) for pieces in texts])


def _best(
    counter: Counter2,
    pieces: list[Marked],
    foreign: list[str],
    edit: Edit,
    weigh: Weigh,
    windows: int,
    rng: Random,
) -> float:
    """Edits work on words with their account, so that pieces stay what they are."""
    tagged = [f"{at} {word}" for at, piece in enumerate(pieces) for word in piece.words]
    edited = edit(tagged, foreign, rng)
    if windows == 1:
        return _z(counter, pieces, edited, weigh)
    size = len(tagged)
    starts = {round(n * (len(edited) - size) / (windows - 1)) for n in range(windows)}
    return max(_z(counter, pieces, edited[start : start + size], weigh) for start in starts)


def _z(counter: Counter2, pieces: list[Marked], words: list[str], weigh: Weigh) -> float:
    """Foreign words carry no tag: they count for the first piece's account, whose signs know nothing of them."""
    total: Counts | None = None
    for at, piece in enumerate(pieces):
        tag = f"{at} "
        own = [word.removeprefix(tag) for word in words if word.startswith(tag) or (at == 0 and " " not in word)]
        counts = counter.count(Marked(own, len(own) or 1, piece.account, piece.signs))
        total = counts if total is None else total + counts
    return z_of(weigh(total)) if total else 0.0
