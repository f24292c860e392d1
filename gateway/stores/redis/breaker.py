"""When to stop asking a Redis that does not answer: each call would only wait for its timeout."""

from collections.abc import Callable
from typing import Final

FAILURES: Final = 5
PAUSE_S: Final = 1.0


class Breaker:
    """After `FAILURES` in a row nobody asks for `PAUSE_S`, then one asks while the others still wait."""

    __slots__ = ("_monotonic", "_until", "failures")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._until = 0.0
        self.failures = 0

    def allow(self) -> bool:
        """Whether to try now. The one that tries after a pause has the next pause to itself."""
        if self.failures < FAILURES:
            return True
        now = self._monotonic()
        if now < self._until:
            return False
        self._until = now + PAUSE_S
        return True

    def failed(self) -> None:
        self.failures += 1
        if self.failures == FAILURES:
            self._until = self._monotonic() + PAUSE_S

    def succeeded(self) -> None:
        self.failures = 0
