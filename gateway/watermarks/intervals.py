"""Counts with their uncertainty: exact binomial tails, and the interval of Clopper and Pearson (1934)."""

import math
from collections.abc import Callable


def at_least(count: int, trials: int, p: float) -> float:
    """P(X ≥ count) for X binomial. Good to about 1e-7 of itself with ten million trials, better with fewer."""
    if count <= 0 or p >= 1:
        return 1.0 if count <= trials else 0.0
    if count > trials or p <= 0:
        return 0.0
    if count > trials * p:
        return _from(count, trials, p)
    return 1.0 - _from(trials - count + 1, trials, 1 - p)


def interval(count: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The shares that `count` of `trials` does not speak against, each side at (1 − confidence) / 2."""
    if not 0 <= count <= trials or trials == 0:
        raise ValueError("a count is between 0 and the trials")
    each = (1 - confidence) / 2
    return lower_limit(count, trials, each), upper_limit(count, trials, each)


def lower_limit(count: int, trials: int, error: float) -> float:
    """The share below which so many would have been seen with probability less than `error`."""
    if count == 0:
        return 0.0
    return _where(lambda p: at_least(count, trials, p) > error)


def upper_limit(count: int, trials: int, error: float) -> float:
    """The share above which so few would have been seen with probability less than `error`."""
    if count == trials:
        return 1.0
    return _where(lambda p: at_least(count + 1, trials, p) > 1 - error)


def _where(above: Callable[[float], bool]) -> float:
    """The p at which `above`, false for small p and true for large, turns true."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if above(middle):
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _from(count: int, trials: int, p: float) -> float:
    """Σ of the terms from `count` up, for a count above the mean: each is smaller than the one before."""
    log_term = math.lgamma(trials + 1) - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
    term = math.exp(log_term + count * math.log(p) + (trials - count) * math.log1p(-p))
    total, odds = term, p / (1 - p)
    for k in range(count, trials):
        term *= (trials - k) / (k + 1) * odds
        total += term
        if term < total * 1e-17:
            break
    return min(1.0, total)
