"""The share of false ones among all that are called found, for tables of many documents.

q-values of Benjamini and Hochberg (1995): calling every document with q ≤ 0.01 marked, at most one in a hundred of them
is expected to be wrong. Holds for documents that are independent or positively dependent (Benjamini, Yekutieli 2001).
"""

import math
from collections.abc import Sequence


def log_q_values(log_ps: Sequence[float]) -> list[float]:
    """Ln q for each ln p, in the same order."""
    count = len(log_ps)
    order = sorted(range(count), key=lambda at: log_ps[at], reverse=True)
    out = [0.0] * count
    least = 0.0
    for rank, at in zip(range(count, 0, -1), order, strict=True):
        least = min(least, log_ps[at] + math.log(count) - math.log(rank))
        out[at] = least
    return out
