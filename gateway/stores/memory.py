"""The store of one process that forgets on exit: the ledger with a clock."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.core.clock import Clock
from gateway.core.ports import Events
from gateway.core.units import Amounts
from gateway.engine.ledger import Ledger
from gateway.engine.spec import Spec
from gateway.engine.verdict import Held, Reading, Verdict
from gateway.stores.base import LedgerReport, StoreUnavailable


class MemoryStore:
    """Decides synchronously; nothing is durable. One event loop owns it."""

    name = "memory"
    degraded = False

    def __init__(self, clock: Clock, events: Events | None = None) -> None:
        self._clock = clock
        self._ledger = Ledger(events)

    async def open(self) -> None:
        """Nothing to load."""

    async def reserve(
        self, reservation_id: str, specs: Sequence[Spec], amounts: Amounts, on_expiry: Amounts, ttl_ms: int
    ) -> Verdict:
        return self._ledger.reserve(reservation_id, specs, amounts, on_expiry, ttl_ms, self._clock.now_ms())

    async def top_up(self, reservation_id: str, amounts: Amounts) -> Verdict:
        return self._ledger.top_up(reservation_id, amounts, self._clock.now_ms())

    def settle(self, reservation_id: str, actual: Amounts) -> None:
        self._ledger.settle(reservation_id, actual, self._clock.now_ms())

    def renew(self, reservation_ids: Iterable[str], ttl_ms: int) -> None:
        self._ledger.renew(reservation_ids, ttl_ms, self._clock.now_ms())

    async def peek(self, specs: Sequence[Spec]) -> tuple[Reading, ...]:
        return self._ledger.peek(specs, self._clock.now_ms())

    async def held(self, limit: int = 1000) -> list[Held]:
        return self._ledger.held(limit)

    async def verify(self) -> LedgerReport:
        raise StoreUnavailable("memory: keeps no ledger", transient=False)

    async def backup(self, path: Path) -> None:  # noqa: ARG002 - the contract's
        raise StoreUnavailable("memory: has no file", transient=False)

    async def close(self) -> None:
        """Nothing to flush."""
