"""Answers kept until they are complete, for rules that look at them then."""

from typing import Final

MAX_KEPT: Final = 1 << 17
"""Characters of one answer, all its texts together. Looking at so many takes a few milliseconds."""


class KeptText:
    """All that was written, by lane, until it is too much."""

    __slots__ = ("_parts", "_size", "lost")

    def __init__(self) -> None:
        self._parts: dict[int, list[str]] = {}
        self._size = 0
        self.lost = False
        """It was too much, and nothing is kept any more."""

    def add(self, lane: int, text: str) -> None:
        self._size += len(text)
        if self._size > MAX_KEPT:
            self.lost = True
            self._parts.clear()
        if not self.lost:
            self._parts.setdefault(lane, []).append(text)

    def texts(self) -> list[str]:
        return ["".join(parts) for parts in self._parts.values()]
