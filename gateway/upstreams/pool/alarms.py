"""The alarms of all connections to one upstream behind one timer of the loop: each of uvloop's own takes 570 bytes."""

import asyncio
import logging
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final

_FEW: Final = 64
"""So many cancelled ones are never worth a cleaning."""

log = logging.getLogger("gateway")


class Alarm:
    """Rings once at `at`, the loop's time, unless it is cancelled."""

    __slots__ = ("at", "ring")

    def __init__(self, at: float, ring: Callable[[], None]) -> None:
        self.at = at
        self.ring: Callable[[], None] | None = ring
        """None once it has rung, or never will."""

    def __lt__(self, other: "Alarm") -> bool:
        return self.at < other.at


class Alarms:
    """Cancelled ones stay until their time comes, or until they are more than half of all."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[Alarm] = []
        self._cancelled = 0
        self._timer: asyncio.TimerHandle | None = None

    def set(self, at: float, ring: Callable[[], None]) -> Alarm:
        """Have `ring` called at the loop's time `at`."""
        alarm = Alarm(at, ring)
        heappush(self._heap, alarm)
        if self._heap[0] is alarm:
            self._wait()
        return alarm

    def cancel(self, alarm: Alarm) -> None:
        """Nothing happens to one that has rung."""
        if alarm.ring is None:
            return
        alarm.ring = None
        self._cancelled += 1
        if self._cancelled == len(self._heap) or self._cancelled > max(_FEW, len(self._heap) // 2):
            self._heap = [one for one in self._heap if one.ring is not None]
            heapify(self._heap)
            self._cancelled = 0
            self._wait()

    def _wait(self) -> None:
        """For the first of them."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._heap[0].at, self._due) if self._heap else None

    def _due(self) -> None:
        now = self._loop.time()
        while self._heap and self._heap[0].at <= now:
            alarm = heappop(self._heap)
            ring, alarm.ring = alarm.ring, None
            if ring is None:
                self._cancelled -= 1
                continue
            try:
                ring()
            except Exception:
                log.exception("fault in an alarm")  # the others have their turn all the same
        self._wait()
