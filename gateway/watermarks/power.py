"""What could have been found: the chance to detect a mark of a stated strength in a text of this size.

The strength is the uplift u: a bucket in use agrees with its key's sign with probability ½ + u instead of ½. Without
this statement "nothing found" means nothing: a short text carries too little to show any mark.

Two kinds of scheme differ in what a longer text brings. Where units are hashed, more and more of them share a bucket
(`least_units`). Where every unit has a bucket of its own (pairs of words), none is shared, but their number is limited
and their weights are not all the same (`least_own_units`).
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


def power_of(vector: BucketVector, uplift: float, tried: Tried, alpha: float, most: int | None = None) -> Power:
    """The power for this very text. `most` is how many units any text can have, where each has a bucket of its own.

    Weights that are no counts of units say by themselves that the scheme is of that kind.
    """
    z = tried.least_z(alpha)
    if sum(vector.sizes) == vector.units:
        least = least_units(z, uplift, vector.width)
    else:
        least = least_own_units(z, uplift, vector.sizes, min(most or vector.width, vector.width))
    return Power(vector.units, uplift, alpha, _chance(vector, uplift, z), least)


def _chance(vector: BucketVector, uplift: float, z: float) -> float:
    """P(S reaches z·√Σw²) for buckets that agree with the key independently of each other.

    Exact where all weights are equal: S = w·(2·Bin(n, ½ + u) − n). Else normal with the mean 2u·Σ|w| and the variance
    (1 − 4u²)·Σw², S moving in steps of 2; near ½ and 0.99, where it matters, it is good to 0.01 from 50 buckets on.
    """
    sizes, total = vector.sizes, sum(vector.sizes)
    needed = math.ceil(z * math.sqrt(vector.squares))
    if not sizes or needed > total:
        return 0.0
    if min(sizes) == max(sizes):
        agreeing = (-(-needed // sizes[0]) + len(sizes) + 1) // 2
        return at_least(agreeing, len(sizes), 0.5 + uplift)
    mean, deviation = 2 * uplift * total, math.sqrt((1 - 4 * uplift * uplift) * vector.squares)
    if not deviation:
        return 1.0
    return 1 - NormalDist().cdf((needed - 1 - mean) / deviation)


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


def least_own_units(z: float, uplift: float, sizes: tuple[int, ...], most: int, chance: float = 0.5) -> int | None:
    """The same where units never share a bucket, for a text whose weights are spread as in this one.

    n such units count like n·(Σ|w|)² / (n₀·Σw²) of equal weight, n₀ being how many they are here. None where `most`
    units do not reach z, and where the text says nothing about weights.
    """
    m = 2 * uplift
    if m <= 0 or not any(sizes):
        return None
    evenness = sum(sizes) ** 2 / (len(sizes) * sum(size * size for size in sizes))
    root = (z + NormalDist().inv_cdf(chance) * math.sqrt(1 - m * m)) / (m * math.sqrt(evenness))
    units = max(1, math.ceil(root * root)) if root > 0 else 1
    return units if units <= most else None


def _crowding(units: int, m: float, width: int) -> float:
    """Σw² for each unit, expected: 1 where no two share a bucket."""
    return 1 + (units - 1) * (1 + m * m) / width
