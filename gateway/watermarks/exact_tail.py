"""The exact tail of a Rademacher sum with small whole weights, by counting sign vectors.

Σ ε·w ≥ s means that the weights with a plus sign sum to at least (s + Σw) / 2. The number of ways to reach each sum is
a coefficient of Π (1 + x^w). All coefficients live side by side in one big integer, in fields wide enough that none
overflows: multiplying by (1 + x^w) is then one shift and one addition, and nothing is rounded before the last step.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

MAX_BITS: Final = 1_000_000
"""The largest big integer that is built, in bits: weights × their sum. 1,000 weights of 1; about 50 ms."""


def affordable(sizes: Sequence[int]) -> bool:
    return (len(sizes) + 1) * (sum(sizes) + 1) <= MAX_BITS


def exact_log_tail(total: int, sizes: Sequence[int]) -> float:
    """Ln P(Σ ε·w ≥ total); −inf where it cannot happen."""
    p = exact_tail(total, sizes)
    if p == 0:
        return -math.inf
    return math.log(p.numerator) - math.log(p.denominator) if p < 1 else 0.0


def exact_tail(total: int, sizes: Sequence[int]) -> Fraction:
    """P(Σ ε·w ≥ total) over all 2^n equally likely sign vectors. Weights are positive."""
    if any(size <= 0 for size in sizes):
        raise ValueError("weights are positive")
    everything = sum(sizes)
    least = max(0, -(-(total + everything) // 2))
    if least > everything:
        return Fraction(0)
    bits = len(sizes) + 1  # a coefficient is at most 2^n, and 2^n < 2^bits − 1 for every n > 0
    ways = 1
    for size in sizes:
        ways += ways << (size * bits)
    # Fields of `bits` bits sum to their remainder by 2^bits − 1, as digits do by nine.
    counted = (ways >> (least * bits)) % ((1 << bits) - 1) if sizes else 1
    return Fraction(counted, 1 << len(sizes))
