"""Texts of a stated length, put together from the texts of a cell.

The texts are drawn without replacement and the last is cut, so a cell of N tokens holds N / length independent texts;
that number, not the number of draws, decides how wide an interval is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np

from bench.power.counts import Counter2, Counts, Marked
from bench.power.weights import Weigh
from gateway.watermarks.intervals import lower_limit, upper_limit

DRAWS: Final = 120


@dataclass(frozen=True, slots=True)
class Shown:
    """How a mark shows at one length."""

    tokens: int
    z: np.ndarray
    """Of every draw."""
    independent: int

    def share(self, alpha: float) -> float:
        """Of the draws, how many have a bound of alpha at most."""
        return float((self.z >= np.sqrt(-2 * np.log(alpha))).mean())

    def interval(self, alpha: float) -> tuple[float, float]:
        """95 %, by Clopper and Pearson, as if each independent text had been judged once."""
        n = max(1, self.independent)
        found = round(self.share(alpha) * n)
        return lower_limit(found, n, 0.025), upper_limit(found, n, 0.025)


def drawn(counter: Counter2, texts: Sequence[Marked], tokens: int, rng: Random, draws: int = DRAWS) -> list[Counts]:
    """Texts of so many tokens; none where there are not enough."""
    if sum(text.tokens for text in texts) < tokens:
        return []
    whole = {id(text): counter.count(text) for text in texts}
    out = []
    for _ in range(draws):
        order = rng.sample(list(texts), len(texts))
        total, at = None, 0
        while total is None or total.tokens < tokens:
            left = tokens - (total.tokens if total else 0)
            part = whole[id(order[at])] if order[at].tokens <= left else counter.count(order[at], left)
            total = part if total is None else total + part
            at += 1
        out.append(total)
    return out


def shown(texts: Sequence[Marked], tokens: int, counts: Sequence[Counts], weigh: Weigh, pairs: np.ndarray) -> Shown:
    """z of each drawn text, with the pairs that a key owns."""
    z = np.array([z_of(weigh(each)[pairs]) for each in counts])
    return Shown(tokens, z, sum(text.tokens for text in texts) // tokens)


def z_of(weights: np.ndarray) -> float:
    """Score over the root of Σw², for weights that are turned towards the key."""
    squares = float((weights * weights).sum())
    return float(weights.sum()) / squares**0.5 if squares else 0.0
