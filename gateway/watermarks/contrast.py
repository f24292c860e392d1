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


def contrasts(words: Sequence[str], table: PairTable) -> list[int]:
    """One weight for each pair: above 0 where the first word prevails, 0 where neither is there.

    Of all weights with the same sum of squares, the expected sign given the counts has the highest expected score
    (Cauchy-Schwarz). For Poisson counts, and a mark that makes one word e times as frequent against the other, that is
    tanh((difference − expected difference) / 2). So a pair seen once speaks with half a voice, and a word that a text
    keeps repeating never has more than one.
    """
    counts = Counter(words)
    millions = len(words) / 1e6
    return [
        _weight(
            counts[pair.first],
            counts[pair.second],
            pair.first_rate * millions,
            pair.second_rate * millions,
        )
        for pair in table.pairs
    ]


def _weight(first: int, second: int, first_expected: float, second_expected: float) -> int:
    if not first and not second:
        # Absence says something too, but hardly anything about any one pair, and it would let empty texts speak.
        return 0
    beyond = (first - first_expected) - (second - second_expected)
    return round(SCALE * math.tanh(beyond / (1 + SPREAD * (first_expected + second_expected)) / 2))
