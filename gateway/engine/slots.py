"""Concurrency: leases by reservation, each with the reservation's expiry; never a counter that could leak."""

from typing import Final

from gateway.engine.reservation import Reservation
from gateway.engine.spec import SlotSpec, Spec
from gateway.engine.verdict import Reading

RETRY_MS: Final = 1000
"""Nobody knows when a stream ends; a second is a polite time to ask again."""


class Slots:
    """The live leases of one key."""

    __slots__ = ("gone", "key", "leases", "spec")

    def __init__(self, key: str, spec: SlotSpec) -> None:
        self.key = key
        self.spec = spec
        self.leases: dict[str, Reservation] = {}
        self.gone = False

    def place(self, spec: Spec, _now_ms: int) -> "Slots":
        if spec is not self.spec and spec != self.spec:
            if not isinstance(spec, SlotSpec):
                raise TypeError(f"limit {self.key!r} is concurrency; {spec!r} must have another key")
            self.spec = spec
        return self

    def fit(self, _amount: int, _now_ms: int) -> int | None:
        """0 if a lease is free, else when to ask again, None if there never is one.

        An expired lease counts until the ledger's sweep has come by, a few calls later at most.
        """
        size = self.spec.amount
        if len(self.leases) < size:
            return 0
        return RETRY_MS if size > 0 else None

    def take(self, _amount: int, _now_ms: int, owner: Reservation) -> None:
        self.leases[owner.id] = owner

    def charge(self, _amount: int, _now_ms: int, owner: Reservation, spec: Spec) -> Reading:
        """`take`, then `reading`."""
        leases = self.leases
        leases[owner.id] = owner
        return Reading(spec, self.spec.amount - len(leases), 0)

    def settle(self, _reserved: int, _actual: int, _now_ms: int, owner: Reservation) -> bool:
        self.leases.pop(owner.id, None)
        return False

    def correct(self, _committed: int, _actual: int, _since: int, _now_ms: int) -> None:
        """Expiry has freed the slot: a late settle finds nothing to correct."""

    def reading(self, spec: Spec, _now_ms: int, wait_ms: int | None) -> Reading:
        return Reading(spec, self.spec.amount - len(self.leases), 0, wait_ms)

    def peek(self, spec: Spec, _now_ms: int) -> Reading:
        if not isinstance(spec, SlotSpec):
            raise TypeError(f"limit {self.key!r} is concurrency; {spec!r} must have another key")
        return Reading(spec, spec.amount - len(self.leases), 0, 0)

    def idle(self, _now_ms: int) -> bool:
        return not self.leases
