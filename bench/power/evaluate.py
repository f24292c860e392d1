"""From the texts in the cache to figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from random import Random
from typing import Final

import numpy as np

from bench.power.counts import Counter2, Counts, Marked
from bench.power.damage import EDITS, damaged
from bench.power.draws import Shown, drawn, shown
from bench.power.generate import Cache
from bench.power.keyed import PROVIDER_QUARTERS, cut, table_of
from bench.power.plan import CELLS, SAMPLE, Cell, Pairing
from bench.power.weights import SHIPPED, WEIGHTS, Weigh
from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.contrast import contrasts
from gateway.watermarks.correction import Tried
from gateway.watermarks.layout import WIDTH, layer_of
from gateway.watermarks.pairs import MOST_PAIRS
from gateway.watermarks.power import power_of
from gateway.watermarks.words import read_words

LENGTHS: Final = (200, 400, 500, 800, 1000, 1500, 1600, 3000, 3200, 6400)
CHOSEN_ON: Final = 12
"""Texts of each cell with which the weight was chosen: the others had no part in it."""
FOREIGN_KEYS: Final = 2_000
EDITED_TOKENS: Final = (500, 1000)
EDITED_DRAWS: Final = 40
WINDOWS: Final = 7
"""Windows of the mark's length over four times as much text, half overlapping."""


@dataclass(frozen=True)
class Read:
    """A cell's texts, counted with the table that its upstream would have."""

    cell: Cell
    counter: Counter2
    texts: list[Marked]

    @property
    def pairs(self) -> np.ndarray:
        """All pairs: what a deployment without a provider layer sees."""
        return np.arange(self.cell.skip, len(self.counter.table.pairs))

    def layer(self, name: str) -> np.ndarray:
        return np.array([n for n in self.pairs if layer_of(int(n), PROVIDER_QUARTERS) == name])


def read_cells(cache: Cache) -> dict[Cell, Read]:
    """All cells that have texts, each with the table that its upstream would have."""
    counters: dict[tuple[Pairing, int], Counter2] = {}
    out = {}
    for cell in CELLS:
        entries = cell.entries or MOST_PAIRS
        if (cell.pairing, entries) not in counters:
            counters[cell.pairing, entries] = Counter2(cut(table_of(cache, cell.pairing), entries))
        counter = counters[cell.pairing, entries]
        texts = counter.read(cache.read(cell))
        if texts:
            out[cell] = Read(cell, counter, texts)
            _same_weights(out[cell])
    return out


def _same_weights(read: Read) -> None:
    """The bench weighs as the detector does. Raises RuntimeError where it does not: its figures would mean nothing."""
    text = read.texts[0]
    turned = SHIPPED(read.counter.count(text)) * text.signs
    weights = {at: weight for at, weight in enumerate(turned.tolist()) if weight}
    if weights != contrasts(text.words, read.counter.table):
        raise RuntimeError("bench.power weighs otherwise than gateway.watermarks.contrast")


def power(read: Read, pairs: np.ndarray, weigh: Weigh = SHIPPED, lengths: Sequence[int] = LENGTHS) -> list[Shown]:
    """How the mark shows by length."""
    out = []
    for tokens in lengths:
        counts = drawn(read.counter, read.texts, tokens, Random(tokens))
        if counts:
            out.append(shown(read.texts, tokens, counts, weigh, pairs))
    return out


def uplift(read: Read, tokens: int) -> tuple[float, int]:
    """How far weights lean to the key at this length, Σ w·s / (2·Σ|w|), and how many pairs a text uses."""
    drawn_weights = [SHIPPED(counts)[read.pairs] for counts in drawn(read.counter, read.texts, tokens, Random(tokens))]
    if not drawn_weights:
        return 0.0, 0
    weights = np.array(drawn_weights)
    return float(weights.sum() / (2 * np.abs(weights).sum())), round(float((weights != 0).sum(axis=1).mean()))


@dataclass(frozen=True, slots=True)
class Stated:
    """What a verdict says of its power, and what was found, at one length and p = 1e-6."""

    z: float
    by_account: list[float]
    uplift: float
    stated: float
    seen: float


def stated(read: Read, tokens: int) -> Stated:
    """Raises ValueError for a cell with fewer tokens."""
    counts = drawn(read.counter, read.texts, tokens, Random(tokens))
    if not counts:
        raise ValueError(f"{read.cell.name} has fewer than {tokens} tokens")
    lean, _ = uplift(read, tokens)
    everything = shown(read.texts, tokens, counts, SHIPPED, read.pairs)
    alone = []
    for account in sorted({text.account for text in read.texts}):
        texts = [text for text in read.texts if text.account == account]
        some = drawn(read.counter, texts, tokens, Random(tokens))
        if some:
            alone.append(float(shown(texts, tokens, some, SHIPPED, read.pairs).z.mean()))
    chances = [power_of(_vector(SHIPPED(each)), lean, Tried(1), 1e-6).chance for each in counts]
    return Stated(float(everything.z.mean()), alone, lean, float(np.mean(chances)), everything.share(1e-6))


def _vector(weights: np.ndarray) -> BucketVector:
    used = tuple((at, int(weight)) for at, weight in enumerate(weights) if weight)
    return BucketVector(WIDTH, used, len(used))


def compare_weights(cells: Sequence[Read], tokens: int, *, first: bool) -> dict[str, list[float]]:
    """Mean z of every way to weigh, on the first texts of each cell or on all that were written later."""
    out: dict[str, list[float]] = {name: [] for name in WEIGHTS}
    for read in cells:
        texts = read.texts[:CHOSEN_ON] if first else read.texts[CHOSEN_ON:]
        counts = drawn(read.counter, texts, min(tokens, sum(text.tokens for text in texts)), Random(tokens))
        for name, weigh in WEIGHTS.items():
            out[name].append(float(shown(texts, tokens, counts, weigh, read.pairs).z.mean()))
    return out


@dataclass(frozen=True, slots=True)
class Foreign:
    """Keys that had no part in the texts."""

    tried: int
    above: dict[float, int]
    """Alpha → how many had a bound that small."""
    spread: float
    """Standard deviation of their z: 1 by theory."""


def foreign_keys(cells: Sequence[Read], weigh: Weigh = SHIPPED) -> Foreign:
    """Random keys on each text, and on each cell's texts together."""
    rng = np.random.default_rng(11)
    z = []
    for read in cells:
        singles = [read.counter.count(text) for text in read.texts]
        for counts in (*singles, reduce(add, singles)):
            weights = weigh(counts)
            keys = rng.integers(0, 2, (FOREIGN_KEYS, len(weights)), dtype=np.int8) * 2 - 1
            z.append(keys @ weights / max(1e-9, float((weights * weights).sum()) ** 0.5))
    every = np.concatenate(z)
    above = {alpha: int((every >= (-2 * np.log(alpha)) ** 0.5).sum()) for alpha in (1e-2, 1e-3, 1e-4, 1e-6)}
    return Foreign(len(every), above, float(every.std()))


def edits(read: Read, cache: Cache, tokens: int) -> dict[str, np.ndarray]:
    """z of texts of about so many tokens after each edit."""
    rng, foreign = Random(3), [word for row in cache.read(SAMPLE) for word in read_words(row["text"]).words]
    texts = [_pieces(read.texts, tokens, rng) for _ in range(EDITED_DRAWS)]
    return {
        name: damaged(read.counter, texts, foreign, edit, SHIPPED, WINDOWS if "foreign" in name else 1)
        for name, edit in EDITS.items()
    }


def _pieces(texts: Sequence[Marked], tokens: int, rng: Random) -> list[Marked]:
    """Texts that together have so many tokens, the last one cut."""
    out: list[Marked] = []
    for text in rng.sample(list(texts), len(texts)):
        left = tokens - sum(piece.tokens for piece in out)
        if left <= 0:
            break
        share = min(1.0, left / text.tokens)
        words = text.words[: round(share * len(text.words))]
        out.append(Marked(words, round(share * text.tokens), text.account, text.signs))
    return out


def total(read: Read) -> Counts:
    """All texts of a cell together."""
    return reduce(add, map(read.counter.count, read.texts))
