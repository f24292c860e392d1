"""The tail of a Rademacher sum where counting is too dear: Lugannani and Rice (1980), for sums on a lattice.

K(t) = Σ ln cosh(w·t) is the cumulant function; the sum lies on a lattice of step 2·gcd(w), for which Daniels (1987)
gives the second continuity correction used here. Measured against exact tails: within 1 % of p wherever
`in_range` agrees (tests/unit/watermarks/test_saddlepoint.py).
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

LEAST_EFFECTIVE: Final = 30
"""(Σw²)² / Σw⁴: how many equal weights the text is worth. Below, one heavy bucket rules and no smooth formula fits."""

MOST_OF_REACH: Final = 0.6
"""Of the largest possible score. Nearer to it the sum is a handful of sign vectors and the error grows."""

LEAST_Z: Final = 1.0
"""Below, the formula divides two small numbers and nobody needs the answer."""

HEAVIEST: Final = 64
"""Times the common divisor of all weights. Above, the search for combs would cost more than the answer is worth."""

MOST_RIPPLE: Final = 1e-3
"""Of the side peaks of the characteristic function, whose first omitted term the error is."""


def in_range(total: int, sizes: Sequence[int]) -> bool:
    """Is the stated error the measured one for this score?"""
    squares = sum(size * size for size in sizes)
    if not squares or total < LEAST_Z * math.sqrt(squares) or total > MOST_OF_REACH * sum(sizes):
        return False
    if squares * squares < LEAST_EFFECTIVE * sum(size**4 for size in sizes):
        return False
    return max(sizes) <= HEAVIEST * math.gcd(*sizes) and _ripple(total, sizes) <= MOST_RIPPLE


def saddlepoint_log_tail(total: int, sizes: Sequence[int]) -> float:
    """Ln P(Σ ε·w ≥ total), approximately; `in_range` says where to believe it."""
    counted = sorted(Counter(sizes).items())
    step = 2 * math.gcd(*sizes)
    everything = sum(sizes)
    on_lattice = everything - step * ((everything - total) // step)  # the least reachable sum that is ≥ total
    at = on_lattice - step / 2
    t = _solve(at, counted)
    r = math.sqrt(2 * (t * at - sum(times * _log_cosh(size * t) for size, times in counted)))
    spread = sum(times * (size / math.cosh(size * t)) ** 2 for size, times in counted)
    u = math.sinh(step * t / 2) * (2 / step) * math.sqrt(spread)
    return -r * r / 2 - math.log(2 * math.pi) / 2 + math.log(_mills(r) + 1 / u - 1 / r)


def _ripple(total: int, sizes: Sequence[int]) -> float:
    """How far the sum is from smooth on its lattice: the tilted characteristic function where it may have side peaks.

    A hundred weights of 10 and one of 1 lie on a lattice of step 2, but the probability sits on every tenth point and
    its neighbours. Such a comb shows as a modulus near 1 at the angles π·j/w.
    """
    counted = sorted(Counter(sizes).items())
    gcd = math.gcd(*sizes)
    t = _solve(total, counted)
    peaks = {math.pi * j / size for size, _ in counted for j in range(1, size // 2 + 1) if j * gcd % size}
    return max((_modulus(angle, t, counted) for angle in peaks), default=0.0)


def _modulus(angle: float, t: float, counted: Sequence[tuple[int, int]]) -> float:
    """|E exp(iθS)| under the tilt t: each weight gives √(cos²(wθ) + tanh²(wt)·sin²(wθ))."""
    log_square = 0.0
    for size, times in counted:
        cos, sin = math.cos(size * angle), math.sin(size * angle)
        log_square += times * math.log(max(1e-300, cos * cos + (math.tanh(size * t) * sin) ** 2))
    return math.exp(log_square / 2)


def _solve(at: float, counted: Sequence[tuple[int, int]]) -> float:
    """The t > 0 with K'(t) = Σ w·tanh(w·t) = at, by bisection: K' rises, and 100 halvings exhaust a float."""
    low, high = 0.0, 1.0
    while _slope(high, counted) < at:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        if _slope(middle, counted) < at:
            low = middle
        else:
            high = middle
    return high


def _slope(t: float, counted: Sequence[tuple[int, int]]) -> float:
    return sum(times * size * math.tanh(size * t) for size, times in counted)


def _log_cosh(x: float) -> float:
    """Ln cosh x for x ≥ 0, without overflow."""
    return x + math.log1p(math.exp(-2 * x)) - math.log(2)


def _mills(r: float) -> float:
    """(1 − Φ(r)) / φ(r): by erfc, and by its series at infinity where erfc would underflow."""
    if r < 25:
        return math.erfc(r / math.sqrt(2)) / 2 * math.sqrt(2 * math.pi) * math.exp(r * r / 2)
    inverse = 1 / (r * r)
    return (1 - inverse * (1 - 3 * inverse * (1 - 5 * inverse * (1 - 7 * inverse)))) / r
