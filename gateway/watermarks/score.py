"""How surprising a score is: the proven bound, which is what counts, and a closer tail that is only said beside it.

For an account whose codeword had no part in a text, the score is a Rademacher sum: every bucket's weight comes with a
sign that the key threw like a fair coin. This holds for every text, repeated, templated or hostile, because the
randomness is the key's and not the text's.
"""

import math
from dataclasses import dataclass
from typing import Literal

from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.exact_tail import affordable, exact_log_tail
from gateway.watermarks.saddlepoint import in_range, saddlepoint_log_tail

LN10 = math.log(10)


@dataclass(frozen=True, slots=True)
class Score:
    """S and the Σw² that it would vary with if the key were innocent."""

    total: int
    squares: int

    def __post_init__(self) -> None:
        if self.squares < 0 or (self.squares == 0 and self.total != 0):
            raise ValueError("a score without weights is 0")

    @property
    def z(self) -> float:
        """Standard deviations above the mean of an innocent key; 0 for an empty text. Not a p-value."""
        return self.total / math.sqrt(self.squares) if self.squares else 0.0

    @property
    def log_bound(self) -> float:
        """Ln p of Hoeffding's bound: P(score ≥ S) ≤ exp(−S² / (2·Σw²)) (Hoeffding 1963, theorem 2).

        Rounded upwards, so that floating point never states a p below what is proven.
        """
        if self.total <= 0:
            return 0.0
        return math.nextafter(-(self.total * self.total) / (2 * self.squares), 0.0)


@dataclass(frozen=True, slots=True)
class Tail:
    """The probability itself, as near as it can be had. Nothing is decided by it."""

    method: Literal["exact", "saddlepoint", "none"]
    log_p: float | None

    @property
    def relative_error(self) -> float | None:
        """The most by which p may be off, as a share of it: rounding for `exact`, measured for `saddlepoint`."""
        return {"exact": 1e-12, "saddlepoint": 0.01, "none": None}[self.method]


def tail_of(total: int, vector: BucketVector) -> Tail:
    """P(score ≥ total) for a key that had no part in the text: exact where affordable, else saddlepoint, else none."""
    sizes = vector.sizes
    if affordable(sizes):
        return Tail("exact", exact_log_tail(total, sizes))
    if in_range(total, sizes):
        bound = Score(total, vector.squares).log_bound
        return Tail("saddlepoint", min(bound, saddlepoint_log_tail(total, sizes)))
    return Tail("none", None)


def log10_text(log_p: float) -> str:
    """A p as people write it, from its natural logarithm: `3.2e-15`, also where a float would be 0. Rounded up."""
    if log_p >= 0:
        return "1"
    exponent = math.floor(log_p / LN10)
    mantissa = math.ceil(math.exp(log_p - exponent * LN10) * 10) / 10
    return f"{mantissa:.1f}e{exponent:+03d}" if mantissa < 10 else f"1.0e{exponent + 1:+03d}"
