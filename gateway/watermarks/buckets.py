"""What the statistics see of a text: how many different units fell into each bucket. No account's key is used here.

A unit is what the scheme counts (a token type, an n-gram). Each different unit counts once, however often the text
repeats it: a text that says one thing a thousand times holds one observation, not a thousand.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Final

WIDTHS: Final = (4_096, 65_536)
"""Buckets of a document, and of a pooled set. A scheme has one width: marks made at one are not seen at the other."""


@dataclass(frozen=True)
class BucketVector:
    """Bucket → weight, without zeros, in bucket order. Weights are whole numbers: sums are the same on every machine.

    A negative weight is a unit that was seen on the other side (a pair's second member). `units` is how many different
    units the weights come from.
    """

    width: int
    weights: tuple[tuple[int, int], ...]
    units: int

    @cached_property
    def squares(self) -> int:
        """Σ w²: the variance of the score of any codeword that had no part in the text."""
        return sum(weight * weight for _, weight in self.weights)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """|w| of each bucket: all that the score's distribution depends on."""
        return tuple(abs(weight) for _, weight in self.weights)


def bucket_of(key: bytes, unit: bytes, width: int) -> int:
    """The bucket of a unit: 64 bits of keyed BLAKE2b (RFC 7693), cut to the width. A width is a power of two."""
    if width < 8 or width & (width - 1):
        raise ValueError("a width is a power of two, 8 at least")
    return int.from_bytes(blake2b(unit, digest_size=8, key=key).digest(), "big") & (width - 1)


def buckets_of(key: bytes, units: Iterable[bytes], width: int) -> list[int]:
    """The buckets of the different units, in the order in which the units first came."""
    return [bucket_of(key, unit, width) for unit in dict.fromkeys(units)]


def vector_of(buckets: Iterable[int], width: int) -> BucketVector:
    """Count buckets, one entry for each different unit. Raises ValueError for a bucket outside the width."""
    counted = Counter(buckets)
    if counted and not (min(counted) >= 0 and max(counted) < width):
        raise ValueError("a bucket lies outside the width")
    return BucketVector(width, tuple(sorted(counted.items())), counted.total())
