"""What a pair says about a text: which of its two words came more often than expected, and how surely.

Weights are whole numbers and made without any key, so the bound on scores holds for them (`score`).
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from gateway.watermarks.pairs import PairTable

SCALE: Final = 16
"""The largest weight. Weights are rounded: the same on every machine."""
SPREAD: Final = 0.1
"""How much the use of a word varies between texts beyond chance: the more it is expected, the more it may stray."""


def contrasts(words: Sequence[str], table: PairTable) -> dict[int, int]:
    """Pair → weight, in the order of the pairs and without zeros: above 0 where the first word prevails.

    Of all weights with the same sum of squares, the expected sign given the counts has the highest expected score
    (Cauchy-Schwarz). For Poisson counts, and a mark that makes one word e times as frequent against the other, that is
    tanh((difference − expected difference) / 2). So a pair seen once speaks with half a voice, and a word that a text
    keeps repeating never has more than one. A pair of which neither word is there has no weight: its absence says
    something too, but hardly anything about any one pair, and it would let empty texts speak.
    """
    counts = Counter(map(table.places.get, words))
    counts.pop(None, None)
    millions = len(words) / 1e6
    weights = {}
    for at in sorted({place >> 1 for place in counts if place is not None}):
        pair = table.pairs[at]
        weight = _weight(counts[2 * at], counts[2 * at + 1], pair.first_rate * millions, pair.second_rate * millions)
        if weight:
            weights[at] = weight
    return weights


def _weight(first: int, second: int, first_expected: float, second_expected: float) -> int:
    beyond = (first - first_expected) - (second - second_expected)
    return round(SCALE * math.tanh(beyond / (1 + SPREAD * (first_expected + second_expected)) / 2))
