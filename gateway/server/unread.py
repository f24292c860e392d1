"""Peers that take nothing of what waits for them."""


class Unread:
    """Looked at every second or so, instead of a timer for each write."""

    __slots__ = ("_since", "_waiting")

    def __init__(self) -> None:
        self._waiting = 0
        self._since = 0.0

    def for_too_long(self, waiting: int, now: float, patience_s: float) -> bool:
        """Whether none of the bytes that wait was taken for `patience_s` seconds; `now` in seconds, monotonic."""
        if waiting < self._waiting or self._waiting == 0:
            self._since = now
        elif now - self._since >= patience_s:
            return True
        self._waiting = waiting
        return False
