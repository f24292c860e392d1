"""Time is an argument: rooms ask a Clock, tests hand in a ManualClock."""

import time
from time import time_ns
from typing import Protocol


class Clock(Protocol):
    """Two readings that never mix: wall time for people and periods, monotonic time for durations."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never steps back."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ms(self) -> int:
        return time_ns() // 1_000_000

    monotonic = staticmethod(time.monotonic)


class ManualClock:
    """A clock that moves only when told to. `step` moves wall time alone, as an operator or NTP would."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self._wall_ms = now_ms
        self._monotonic = 0.0

    def now_ms(self) -> int:
        return self._wall_ms

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._wall_ms += round(seconds * 1000)
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        self._wall_ms += round(seconds * 1000)
