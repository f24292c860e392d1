"""When reservations expire, soonest first.

Nearly all are made with one time to live, so that each expires after those before it: they stand in a queue, and what
was settled meanwhile is thrown out at its head. Only what comes out of order, a renewed one or one made after the clock
went back, goes through a heap.
"""

from collections import deque
from collections.abc import Container
from heapq import heappop, heappush

Due = tuple[int, str]
"""An instant in Unix milliseconds and the id of a reservation."""


class Expiries:
    """One entry for each time that a reservation was given; entries of ended ones are left until their turn comes."""

    __slots__ = ("_late", "_queue")

    def __init__(self) -> None:
        self._queue: deque[Due] = deque()
        self._late: list[Due] = []

    def add(self, at_ms: int, reservation_id: str) -> None:
        queue = self._queue
        if queue and at_ms < queue[-1][0]:
            heappush(self._late, (at_ms, reservation_id))
        else:
            queue.append((at_ms, reservation_id))

    def forget(self, live: Container[str]) -> None:
        """Throw out ended ones at the head, two at most: more than come in, and never a long wait."""
        queue = self._queue
        for _ in range(2):
            if not queue or queue[0][1] in live:
                return
            queue.popleft()

    def due(self, now_ms: int) -> bool:
        """Whether there is an entry at or before `now_ms`."""
        return bool((self._queue and self._queue[0][0] <= now_ms) or (self._late and self._late[0][0] <= now_ms))

    def pop(self) -> Due:
        """Take out the soonest; there must be one."""
        queue, late = self._queue, self._late
        if late and (not queue or late[0] < queue[0]):
            return heappop(late)
        return queue.popleft()
