"""Codewords that nobody was ever issued, scored on the same text: what chance looks like here, without any formula.

They do not carry the proof, the bound does. They check the code that computes it, and they are the figure that an
outside expert can recompute: the share of decoys that score as high as the accused.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from gateway.watermarks.intervals import interval

LEAST: Final = 1_000
"""Fewer say too little: their spread alone would stray by more than the tolerance now and then."""

SPREAD: Final = (0.9, 1.1)
"""Where the standard deviation of the decoys' z must lie. With 10,000 decoys chance stays within 0.97 to 1.03."""


class Decoys:
    """The decoys' scores on one text whose Σw² is `squares`."""

    __slots__ = ("_scores", "spread")

    def __init__(self, scores: Iterable[int], squares: int) -> None:
        self._scores = sorted(scores)
        if len(self._scores) < LEAST:
            raise ValueError(f"{LEAST} decoys at least, not {len(self._scores)}")
        sum_squares = sum(score * score for score in self._scores)
        self.spread = math.sqrt(sum_squares / (squares * len(self._scores))) if squares else 1.0

    def __len__(self) -> int:
        return len(self._scores)

    @property
    def best(self) -> int:
        return self._scores[-1]

    @property
    def agree(self) -> bool:
        """Do the decoys vary as the theory says? If not, keys, buckets or code are broken and nothing else counts."""
        return SPREAD[0] <= self.spread <= SPREAD[1]

    def as_high(self, total: int) -> int:
        """How many decoys score `total` or more."""
        return len(self._scores) - bisect_left(self._scores, total)

    def rank_p(self, total: int) -> float:
        """(1 + decoys as high) / (1 + decoys): a valid p-value whatever the distribution, never below 1 / (1 + K)."""
        return (1 + self.as_high(total)) / (1 + len(self))

    def share(self, total: int) -> tuple[float, float]:
        """The 95 % interval of the share of innocent codewords that score `total` or more on this text."""
        return interval(self.as_high(total), len(self))
