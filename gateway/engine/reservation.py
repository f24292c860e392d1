"""What the ledger remembers of one admitted request while it is open."""

from typing import TYPE_CHECKING

from gateway.core.units import shown
from gateway.engine.verdict import Held

if TYPE_CHECKING:
    from gateway.core.units import Amounts
    from gateway.engine.bound import Bound
    from gateway.engine.place import Hold
    from gateway.engine.verdict import Verdict


class Reservation:
    """An open reservation: where it holds how much, and what rates commit if nobody settles it."""

    __slots__ = ("bound", "expires_at_ms", "holds", "id", "on_expiry", "reserved_at_ms", "states_version", "verdict")

    def __init__(
        self, reservation_id: str, holds: "list[Hold]", on_expiry: "Amounts", reserved_at_ms: int, expires_at_ms: int
    ) -> None:
        self.id = reservation_id
        self.holds = holds
        self.on_expiry = on_expiry
        self.reserved_at_ms = reserved_at_ms
        self.expires_at_ms = expires_at_ms
        self.bound: Bound | None = None
        """Where `holds` are, one for each limit; None where some of them found no room."""
        self.states_version = -1
        """That of the states when it was reserved: under another one its places may be others."""
        self.verdict: Verdict | None = None

    def held(self) -> Held:
        """As operators see it."""
        amounts = {str(spec.unit): shown(spec.unit, amount) for _, spec, amount in self.holds}
        return Held(
            self.id, tuple(spec.key for _, spec, _ in self.holds), amounts, self.reserved_at_ms, self.expires_at_ms
        )
