"""How many networks and client programs a key was seen with: linear counting over today and yesterday.

Whang, Vander-Zanden and Taylor, "A linear-time probabilistic counting algorithm for database applications", ACM TODS
15(2), 1990: each item sets one of m bits; with z of them still zero, about −m·ln(z/m) items came. With m = 256 the
standard error is below 1 item up to 18, 5 % at 128 and 11 % at 1000. Above 1400 the map is full.
"""

import math
from functools import lru_cache
from typing import Final

from gateway.detectors.keyed import keyed32

BITS: Final = 256
DAY_MS: Final = 86_400_000
_KEPT: Final = 4096
"""Items whose bit is remembered: the same networks and programs come again and again."""
_BY_ZEROS: Final = tuple(round(-BITS * math.log(max(zeros, 1) / BITS)) for zeros in range(BITS + 1))


class Spread:
    """Two maps, one per UTC day: their union covers the last 24 to 48 hours. A clock that steps back adds to today."""

    __slots__ = ("_day", "_today", "_yesterday")

    def __init__(self) -> None:
        self._day = 0
        self._today = 0
        self._yesterday = 0

    def add(self, item: str, now_ms: int) -> int:
        """Count an item, nothing where it is empty; distinct items of the last 24 to 48 hours."""
        day = now_ms // DAY_MS
        if day > self._day:
            self._turn(day)
        if item:
            self._today |= _bit(item)
        return _BY_ZEROS[BITS - (self._today | self._yesterday).bit_count()]

    def estimate(self, now_ms: int) -> int:
        """Distinct items of the last 24 to 48 hours."""
        return self.add("", now_ms)

    def _turn(self, day: int) -> None:
        self._yesterday = self._today if day == self._day + 1 else 0
        self._today = 0
        self._day = day


@lru_cache(_KEPT)
def _bit(item: str) -> int:
    """The map with nothing but this item in it."""
    return 1 << keyed32(item.encode("utf-8", "surrogatepass")) % BITS
