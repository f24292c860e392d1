"""Many texts, each scored against all accounts, and who is named: the owner, somebody else, or nobody.

Of a text only two scores matter here: the owner's, and the best of all others. Whether they fire is decided by the
product's bound and correction.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np

from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.codewords import score_blocks
from gateway.watermarks.correction import Tried
from gateway.watermarks.intervals import interval
from gateway.watermarks.power import power_of
from gateway.watermarks.score import Score

ALPHA = 1e-6
COARSE = 0.1
"""A family-wise level at which wrong names are frequent enough to be counted."""
BATCH = 2_500
"""Texts at a time: their scores of one block of accounts take 10 MiB."""
_NONE = -(1 << 40)


class Text(NamedTuple):
    vector: BucketVector
    owner: int | None
    """The place of the account that it was marked for; None: unmarked."""
    label: tuple[float, int]
    """Uplift and length."""


@dataclass
class Outcome:
    """`wrong` counts texts for which anybody but the owner fires, the rest is by label."""

    tried: Tried
    texts: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    coarse: Counter[str] = field(default_factory=Counter)
    """The same at the level COARSE."""
    of: Counter[tuple[float, int]] = field(default_factory=Counter)
    right: Counter[tuple[float, int]] = field(default_factory=Counter)
    stated: Counter[tuple[float, int]] = field(default_factory=Counter)
    """The sum of the chances that the power statements give."""

    def add(self, text: Text, own: int, best: int) -> None:
        """`own` is the owner's score, `best` the highest of all others."""
        kind = "unmarked" if text.owner is None else "marked"
        self.texts[kind] += 1
        self.wrong[kind] += self.fires(best, text.vector, ALPHA)
        self.coarse[kind] += self.fires(best, text.vector, COARSE)
        if text.owner is not None:
            self.of[text.label] += 1
            self.right[text.label] += self.fires(own, text.vector, ALPHA)
            self.stated[text.label] += power_of(text.vector, text.label[0], self.tried, ALPHA).chance

    def fires(self, total: int, vector: BucketVector, alpha: float) -> bool:
        return self.tried.corrected(Score(total, vector.squares).log_bound) <= math.log(alpha)

    def rows(self) -> Iterator[tuple[float, int, int, float, tuple[float, float], float]]:
        """Uplift, length, texts, share named rightly, its 95 % interval, and the chance that was stated."""
        for label, texts in sorted(self.of.items()):
            right = self.right[label]
            yield *label, texts, right / texts, interval(right, texts), self.stated[label] / texts


def attribute(texts: Iterable[Text], seeds: Sequence[bytes]) -> Outcome:
    """Score all texts against all seeds, a block of accounts at a time."""
    outcome, rest = Outcome(Tried(len(seeds))), iter(texts)
    while batch := list(islice(rest, BATCH)):
        own, best = _extremes(batch, seeds)
        for text, mine, other in zip(batch, own.tolist(), best.tolist(), strict=True):
            outcome.add(text, mine, other)
    return outcome


def _extremes(batch: Sequence[Text], seeds: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """The owner's score of each text, and the best of everybody else."""
    own, best = np.full(len(batch), _NONE), np.full(len(batch), _NONE)
    owners = np.array([-1 if text.owner is None else text.owner for text in batch])
    begin = 0
    for block in score_blocks([text.vector for text in batch], seeds):
        size = block.shape[1]
        here = np.flatnonzero((owners >= begin) & (owners < begin + size))
        own[here] = block[here, owners[here] - begin]
        block[here, owners[here] - begin] = _NONE
        best = np.maximum(best, block.max(axis=1))
        begin += size
    return own, best
