"""Does a p-value hold? Counts against the nominal level, judged by binomial limits and never by eye.

`holds` fails only when a 99.9 % one-sided limit puts the realised share above the nominal one: a sound detector fails
one time in a thousand by chance. `looks` is how many such gates one test has: the thousandth is shared among them, so
that texts which change with the repository do not make a gate fail now and then. `not_too_weak` is the other side, for
p-values without lattice gaps: a p that is far too large is safe and useless.
"""

import numpy as np

from gateway.watermarks.intervals import lower_limit, upper_limit

ERROR = 1e-3


def holds(count: int, pairs: int, nominal: float, looks: int = 1) -> bool:
    return lower_limit(count, pairs, ERROR / looks) <= nominal


def not_too_weak(count: int, pairs: int, nominal: float, looks: int = 1, floor: float = 0.8) -> bool:
    return upper_limit(count, pairs, ERROR / looks) >= floor * nominal


def plus_distribution(sizes) -> np.ndarray:
    """P(the weights with a plus sign sum to t), t = 0..Σw, by convolution: not the way that the product counts."""
    p = np.ones(1)
    for size in sizes:
        gap = np.zeros(size)
        p = (np.concatenate([p, gap]) + np.concatenate([gap, p])) / 2
    return p


def tail_above(plus: np.ndarray) -> np.ndarray:
    """P(the weights with a plus sign sum to t or more), t = 0..Σw, and 0 behind."""
    return np.append(np.cumsum(plus[::-1])[::-1], 0.0)


def randomised_p(scores: np.ndarray, plus: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """P(S > s) + U·P(S = s): uniform under the null, where the plain tail of a lattice only bounds a uniform one."""
    at = (scores + len(plus) - 1) // 2
    return tail_above(plus)[at + 1] + rng.random(len(scores)) * plus[at]
