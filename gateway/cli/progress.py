"""A bar on a terminal while a long file is read; elsewhere nothing."""

import sys
import time
from typing import Final

_EVERY_S: Final = 0.2
_WIDTH: Final = 30


class Progress:
    """Bytes read of a total. Written to standard error, and wiped away at the end."""

    def __init__(self, total: int) -> None:
        self._total = max(1, total)
        self._done = 0
        self._shown = sys.stderr.isatty()
        self._next = 0.0
        self._began = time.monotonic()

    def add(self, count: int) -> None:
        self._done += count
        if not self._shown:
            return
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _EVERY_S
            print(f"\r{self.line(now)}", end="", file=sys.stderr, flush=True)

    def line(self, now: float) -> str:
        """`[######      ] 52 %, 40 s left`; `now` is seconds on the monotonic clock."""
        share = min(1.0, self._done / self._total)
        spent = now - self._began
        left = f", {spent / share - spent:.0f} s left" if share > 0.01 and spent > 1 else ""
        return f"[{'#' * round(_WIDTH * share):<{_WIDTH}}] {100 * share:3.0f} %{left}  "

    def end(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
