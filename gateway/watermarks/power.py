"""What could have been found: the chance to detect a mark of a stated strength in a text of this size.

The strength is the uplift u: a marked unit falls on its key's + side with probability ½ + u instead of ½. Without this
statement "nothing found" means nothing: a short text carries too few units to show any mark.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.correction import Tried
from gateway.watermarks.intervals import at_least


@dataclass(frozen=True, slots=True)
class Power:
    """A text like this one, marked with this uplift, would be detected with this chance."""

    units: int
    uplift: float
    alpha: float
    chance: float
    least_units: int | None
    """Units for a chance of one half; None where no length suffices at this width."""


def power_of(vector: BucketVector, uplift: float, tried: Tried, alpha: float) -> Power:
    """The chance is exact for n different units that agree with the key independently: S = 2·Bin(n, ½ + u) − n."""
    needed = math.ceil(tried.least_z(alpha) * math.sqrt(vector.squares))
    agreeing = (needed + vector.units + 1) // 2
    chance = at_least(agreeing, vector.units, 0.5 + uplift) if vector.units else 0.0
    least = least_units(tried.least_z(alpha), uplift, vector.width)
    return Power(vector.units, uplift, alpha, chance, least)


def expected_z(units: int, uplift: float, width: int) -> float:
    """m·n / √(n + n(n−1)(1+m²)/L) with m = 2u. Units that share a bucket count less: z stops at m·√(L / (1+m²)).

    Marked units crowd the + half of the buckets: two of them meet with probability (1+m²)/L instead of 1/L.
    """
    m = 2 * uplift
    return m * units / math.sqrt(units * _crowding(units, m, width))


def least_units(z: float, uplift: float, width: int, chance: float = 0.5) -> int | None:
    """The least number of different units whose z reaches `z` with this chance; None where no number does.

    Normal approximation of S around its mean; half the texts of `least_units(z, u, L)` units reach z.
    """
    m = 2 * uplift
    if m <= 0 or m * m <= z * z * (1 + m * m) / width:
        return None

    def enough(units: int) -> bool:
        excess = m * math.sqrt(units) - z * math.sqrt(_crowding(units, m, width))
        return excess >= NormalDist().inv_cdf(chance) * math.sqrt(1 - m * m)

    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _crowding(units: int, m: float, width: int) -> float:
    """Σw² for each unit, expected: 1 where no two share a bucket."""
    return 1 + (units - 1) * (1 + m * m) / width
