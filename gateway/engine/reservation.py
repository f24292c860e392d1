"""What the ledger remembers of one admitted request while it is open."""

from typing import TYPE_CHECKING

from gateway.core.units import CONCURRENT, shown
from gateway.engine.verdict import Held

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.units import Amounts
    from gateway.engine.bound import Bound
    from gateway.engine.place import Hold, Place
    from gateway.engine.spec import Spec
    from gateway.engine.verdict import Verdict


class Reservation:
    """An open reservation: where it holds how much, and what rates commit if nobody settles it."""

    __slots__ = (
        "_holds", "amounts", "bound", "expires_at_ms", "id", "on_expiry", "places", "reserved_at_ms", "states_version",
        "verdict",
    )  # fmt: skip

    def __init__(
        self, reservation_id: str, holds: "list[Hold]", on_expiry: "Amounts", reserved_at_ms: int, expires_at_ms: int
    ) -> None:
        self.id = reservation_id
        self._holds: list[Hold] | None = holds
        self.on_expiry = on_expiry
        self.reserved_at_ms = reserved_at_ms
        self.expires_at_ms = expires_at_ms
        self.bound: Bound | None = None
        """Where it holds `amounts` in all of `places`; None where some of them found no room, or it holds more."""
        self.states_version = -1
        """That of the states when it was reserved: under another one its places may be others."""
        self.verdict: Verdict | None = None

    def hold_all(self, bound: "Bound", amounts: "Amounts") -> None:
        """It holds `amounts` in all places of `bound`: a list of what is held where is made when somebody asks."""
        self.bound, self.states_version = bound, bound.version
        self.places, self.amounts, self._holds = bound.places, amounts, None

    @property
    def holds(self) -> "list[Hold]":
        """What it holds where."""
        holds = self._holds
        if holds is None:
            holds = self._holds = holds_of(self.places, self.amounts)
        return holds

    @holds.setter
    def holds(self, holds: "list[Hold]") -> None:
        self._holds, self.bound = holds, None

    def held(self) -> Held:
        """As operators see it."""
        amounts = {str(spec.unit): shown(spec.unit, amount) for _, spec, amount in self.holds}
        return Held(
            self.id, tuple(spec.key for _, spec, _ in self.holds), amounts, self.reserved_at_ms, self.expires_at_ms
        )


def holds_of(places: "Iterable[tuple[Place, Spec]]", amounts: "Amounts") -> "list[Hold]":
    """What each limit holds of a request. Slots hold 1, whatever is asked; a unit without an amount counts 0."""
    return [(place, spec, 1 if spec.unit is CONCURRENT else amounts.get(spec.unit, 0)) for place, spec in places]
