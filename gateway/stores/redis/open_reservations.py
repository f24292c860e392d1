"""Which reservations this process has open, and in which home: a settle names only the id."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.engine.spec import Spec
from gateway.engine.tombstones import LATE_MS
from gateway.engine.verdict import Verdict


@dataclass(slots=True)
class Opened:
    """A reservation in one home, as this process knows it: the limits it was taken from, the top-ups asked for."""

    home: str
    specs: tuple[Spec, ...]
    expires_at_ms: int
    top_ups: int = 0


def taken(specs: Sequence[Spec], verdict: Verdict) -> tuple[Spec, ...]:
    """The limits that an admitted request was taken from: one in audit mode without room was not."""
    if not verdict.shadow_failing:
        return tuple(specs)
    return tuple(spec for spec, reading in zip(specs, verdict.readings, strict=True) if reading.wait_ms == 0)


class OpenReservations:
    """Forgotten when settled, or an hour after they expired: then a settle corrects nothing any more."""

    __slots__ = ("_by_id",)

    def __init__(self) -> None:
        self._by_id: dict[str, list[Opened]] = {}

    def add(self, reservation_id: str, opened: list[Opened]) -> None:
        self._by_id[reservation_id] = opened

    def get(self, reservation_id: str) -> list[Opened]:
        return self._by_id.get(reservation_id, [])

    def take(self, reservation_id: str) -> list[Opened]:
        return self._by_id.pop(reservation_id, [])

    def renewed(self, ids: Iterable[str], expires_at_ms: int) -> dict[str, list[str]]:
        """The known ones of these ids by home, as of now open until then."""
        by_home: dict[str, list[str]] = {}
        for reservation_id in ids:
            for opened in self._by_id.get(reservation_id, ()):
                opened.expires_at_ms = max(opened.expires_at_ms, expires_at_ms)
                by_home.setdefault(opened.home, []).append(reservation_id)
        return by_home

    def overdue(self, now_ms: int) -> set[str]:
        """Homes with a reservation past its expiry; those that nothing can correct any more are forgotten."""
        homes: set[str] = set()
        for reservation_id, several in list(self._by_id.items()):
            if all(opened.expires_at_ms + LATE_MS <= now_ms for opened in several):
                del self._by_id[reservation_id]
            homes.update(opened.home for opened in several if opened.expires_at_ms <= now_ms)
        return homes
