"""Reservations that have ended: their ids are not used again, and a late settle finds what expiry committed."""

from collections import deque
from typing import Final, NamedTuple

from gateway.engine.place import Place
from gateway.engine.spec import Spec

SETTLED_MS: Final = 120_000
"""How long the id of a settled reservation is refused."""
LATE_MS: Final = 3_600_000
"""How long after expiry a settle still corrects what expiry committed."""


class Commit(NamedTuple):
    """What expiry charged to one place, and since when refill may have entered it."""

    place: Place
    spec: Spec
    amount: int
    since_ms: int


class Tombstones:
    """Bounded in time; forgotten a few per call, oldest first."""

    __slots__ = ("_expired", "_expired_ends", "_settled", "_settled_ends")

    def __init__(self) -> None:
        self._settled: set[str] = set()
        self._settled_ends: deque[tuple[int, str]] = deque()
        self._expired: dict[str, list[Commit]] = {}
        self._expired_ends: deque[tuple[int, str]] = deque()

    def __contains__(self, reservation_id: str) -> bool:
        return reservation_id in self._settled or reservation_id in self._expired

    def settled(self, reservation_id: str, now_ms: int) -> None:
        self._settled.add(reservation_id)
        self._settled_ends.append((now_ms + SETTLED_MS, reservation_id))

    def expired(self, reservation_id: str, commits: list[Commit], now_ms: int) -> None:
        self._expired[reservation_id] = commits
        self._expired_ends.append((now_ms + LATE_MS, reservation_id))

    def take_expired(self, reservation_id: str) -> list[Commit] | None:
        """What expiry committed, once."""
        return self._expired.pop(reservation_id, None)

    def forget(self, now_ms: int, at_most: int) -> None:
        ends, left = self._settled_ends, at_most
        while ends and left and ends[0][0] <= now_ms:
            self._settled.discard(ends.popleft()[1])
            left -= 1
        ends, left = self._expired_ends, at_most
        while ends and left and ends[0][0] <= now_ms:
            self._expired.pop(ends.popleft()[1], None)
            left -= 1
