"""What a mark would do, computed from the probabilities that the model gave to words in the unmarked sample.

At every place the favoured words' probabilities are multiplied by e^strength and all divided by their new sum. This has
no sampling noise, so it compares pairings and strengths far more finely than texts can; it knows nothing of how a mark
changes what comes after, nor of top-k and top-p.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.power.counts import Counts
from bench.power.draws import z_of
from bench.power.generate import Cache
from bench.power.plan import SAMPLE
from bench.power.weights import SHIPPED
from gateway.watermarks.pairs import PairTable
from gateway.watermarks.words import read_words

KEYS: Final = 8
TEXTS: Final = 40


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Of one table, number of entries and strength, in the mean over keys."""

    divergence: float
    """Kullback-Leibler, of the marked from the unmarked choice of a token, in nats per token."""
    z: float
    """Of a text of `tokens` tokens whose counts are Poisson."""


class Sampled:
    """The sample's places as arrays."""

    def __init__(self, cache: Cache) -> None:
        rows = cache.read(SAMPLE)
        places = [place for row in rows for place in row["places"]]
        self.tokens = len(places)
        self.words = sum(len(read_words(row["text"]).words) for row in rows)
        self._names: dict[str, int] = {}
        flat = [
            (at, self._names.setdefault(word, len(self._names)), p) for at, ps in enumerate(places) for word, p in ps
        ]
        self._place = np.array([at for at, _, _ in flat])
        self._word = np.array([word for _, word, _ in flat])
        self._p = np.array([p for _, _, p in flat])

    def foresee(self, table: PairTable, strength: float, tokens: int, skip: int = 0) -> Foreseen:
        """Raises KeyError for a table whose words the sample does not know."""
        rng = np.random.default_rng(1)
        sides = np.array([[self._names[pair.first], self._names[pair.second]] for pair in table.pairs])
        found = [self._one_key(table, sides, strength, tokens, skip, rng) for _ in range(KEYS)]
        return Foreseen(*(float(np.mean(each)) for each in zip(*found, strict=True)))

    def _one_key(
        self,
        table: PairTable,
        sides: np.ndarray,
        strength: float,
        tokens: int,
        skip: int,
        rng: np.random.Generator,
    ) -> tuple[float, float]:
        signs = rng.integers(0, 2, len(sides)) * 2 - 1
        favoured = np.where(signs > 0, sides[:, 0], sides[:, 1])
        other = np.where(signs > 0, sides[:, 1], sides[:, 0])
        bias = np.zeros(len(self._names))
        bias[favoured[skip:]] = strength
        grown = self._p * np.exp(bias[self._word])
        total = 1 + np.bincount(self._place, grown - self._p, minlength=self.tokens)
        pushed = np.bincount(self._place, bias[self._word] * grown, minlength=self.tokens) / total
        divergence = float((pushed - np.log(total)).mean())
        rate = np.bincount(self._word, grown / total[self._place], minlength=len(self._names)) / self.tokens
        rates = np.array([[pair.first_rate, pair.second_rate] for pair in table.pairs]) * tokens / self.tokens
        rates *= self.words / 1e6
        first = signs > 0
        expected = np.where(first, rates[:, 0], rates[:, 1]), np.where(first, rates[:, 1], rates[:, 0])
        z = []
        for _ in range(TEXTS):
            counts = Counts(
                rng.poisson(tokens * rate[favoured]).astype(float),
                rng.poisson(tokens * rate[other]).astype(float),
                *expected,
                tokens,
            )
            z.append(z_of(SHIPPED(counts)[skip:]))
        return divergence, float(np.mean(z))
