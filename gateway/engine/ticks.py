"""The time unit of a rate: fine enough to be exact, coarse enough for its credits to stay exact integers."""

from typing import Final

HOUR_S: Final = 3600


def tick_ms(window_s: int) -> int:
    """The length of a tick: seconds keep the credits of long windows small."""
    return 1000 if window_s >= HOUR_S else 1


def credits_per_unit(window_s: int) -> int:
    """P: the window in ticks."""
    return window_s * 1000 // tick_ms(window_s)
