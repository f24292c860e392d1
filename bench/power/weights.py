"""Ways to weigh a pair by its counts. All are odd: the two words change places, the weight changes its sign."""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from bench.power.counts import Counts

Weigh = Callable[[Counts], np.ndarray]
SCALE: Final = 16


def type_sign(c: Counts) -> np.ndarray:
    """Which word came at all."""
    return np.asarray(np.sign(c.favoured) - np.sign(c.other))


def count_sign(c: Counts) -> np.ndarray:
    """Which word came more often."""
    return np.asarray(np.sign(c.favoured - c.other))


def log_counts(c: Counts, *, expected: bool, absent: bool = False) -> np.ndarray:
    """Difference of log2(1 + count), less what is expected of it."""
    out = np.log2(1 + c.favoured) - np.log2(1 + c.other)
    if expected:
        out = out - _mean_log(c.favoured_expected) + _mean_log(c.other_expected)
    return np.round(16 * (out if absent else np.where(c.favoured + c.other > 0, out, 0.0)))


def standardised(c: Counts, *, kappa: float, spread: float, expected: bool = True, absent: bool = True) -> np.ndarray:
    """tanh of half the log-likelihood ratio of both signs, for counts that vary more than Poisson's.

    The best weight is the expected sign given the counts (Cauchy-Schwarz). For two Poisson counts whose rates the mark
    changes by the factors e^±κ/2 the ratio is κ·(difference − expected difference); texts have themes, which add
    (spread·mean)² to the variance and divide the ratio accordingly.
    """
    difference, mean = c.favoured - c.other, c.favoured_expected + c.other_expected
    if expected:
        difference = difference - (c.favoured_expected - c.other_expected)
    ratio = kappa * difference / (1 + spread * mean)
    out = np.tanh(ratio / 2)
    return np.round(SCALE * (out if absent else np.where(c.favoured + c.other > 0, out, 0.0)))


def _mean_log(mean: np.ndarray) -> np.ndarray:
    """The mean of log2(1 + X) for Poisson counts."""
    counts = np.arange(0, 120)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, 120)))])
    safe = np.maximum(mean, 1e-12)[:, None]
    chances = np.exp(counts * np.log(safe) - safe - logs)
    return np.asarray(np.where(mean > 60, np.log2(1 + mean), chances @ np.log2(1 + counts)))


SHIPPED: Final = partial(standardised, kappa=1.0, spread=0.1, absent=False)
"""What `gateway.watermarks.contrast` does."""

WEIGHTS: Final[dict[str, Weigh]] = {
    "which word came at all": type_sign,
    "which word came more often": count_sign,
    "difference of log counts": partial(log_counts, expected=False),
    "the same less what is expected": partial(log_counts, expected=True),
    "tanh(difference / 2) less expected": partial(standardised, kappa=1.0, spread=0.0, absent=False),
    "**the same, spread 0.1**": SHIPPED,
    "the same, spread 1": partial(standardised, kappa=1.0, spread=1.0, absent=False),
    "the same, spread 0.1, twice as flat": partial(standardised, kappa=0.5, spread=0.1, absent=False),
    "the same, spread 0.1, half as flat": partial(standardised, kappa=2.0, spread=0.1, absent=False),
    "the same, spread 0.1, absent pairs too": partial(standardised, kappa=1.0, spread=0.1),
    "the same, spread 0.1, nothing expected": partial(
        standardised, kappa=1.0, spread=0.1, expected=False, absent=False
    ),
}
