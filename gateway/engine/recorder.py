"""The seam for a durable store: what the ledger tells it, and the one question it asks."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from gateway.engine.budget import Row
from gateway.engine.place import Hold
from gateway.engine.reservation import Reservation


class Recorder(Protocol):
    """Hears of every change. Nothing here may change the ledger's state."""

    def ensure(self, needs: Sequence[tuple[Row, int]]) -> None:
        """Raise each row's ceiling so that `amount` more fits under it, before it is spent.

        May raise: then the ledger has changed nothing and passes the exception on.
        """
        ...

    def overrun(self, rows: Sequence[Row]) -> None:
        """These rows are above their ceiling by an unconditional debit. Never raises."""
        ...

    def changed(self, holds: Iterable[Hold]) -> None:
        """The places of these holds were written."""
        ...

    def charged(self, reservation_id: str, row: Row, amount: int, now_ms: int) -> None:
        """A reservation's end cost this row `amount`, for good; a late correction may be negative."""
        ...

    def opened(self, reservation: Reservation) -> None:
        """A reservation is new, or holds more, or expires later."""
        ...

    def closed(self, reservation: Reservation) -> None:
        """A reservation was settled or has expired."""
        ...
