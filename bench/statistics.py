"""The few statistics that the tables need."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def lower_quartile(values: Sequence[float]) -> float:
    """Of windows on a noisy machine: disturbance only ever adds, so the calm quarter says what the work costs."""
    return percentile(values, 0.25)


def median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)
