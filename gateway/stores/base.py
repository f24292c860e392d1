"""The contract of every store. One reserve, one settle, whatever the medium."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.core.units import Amounts
from gateway.engine.spec import Spec
from gateway.engine.verdict import Held, Reading, Verdict


class StoreUnavailable(Exception):  # noqa: N818 - it is a state of the world, not a mistake
    """The store did not answer. `transient` says whether asking again may help."""

    def __init__(self, message: str, *, transient: bool = True) -> None:
        super().__init__(message)
        self.transient = transient


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One counter that the ledger does not explain; amounts in the counter's unit."""

    key: str
    label: str
    counted: int
    explained: int


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What was compared. `last` is the sequence number of the newest entry, 0 when there is none."""

    counters: int
    entries: int
    last: int
    mismatches: tuple[Mismatch, ...]


class Store(Protocol):
    """Reservations over many limits at once.

    In-process stores decide synchronously inside `reserve` (the await never suspends); only remote stores do
    I/O there. `settle` and `renew` return at once and never raise: a remote store queues them.
    """

    name: str

    @property
    def degraded(self) -> bool:
        """Whether it cannot do its job just now: its last commit or call failed. Cheap, for gauges."""
        ...

    async def open(self) -> None:
        """Load durable state. Raises StoreUnavailable with a sentence an operator can act on."""
        ...

    async def reserve(
        self, reservation_id: str, specs: Sequence[Spec], amounts: Amounts, on_expiry: Amounts, ttl_ms: int
    ) -> Verdict:
        """Take `amounts` (by unit) from every spec, or from none.

        A unit without an amount counts 0. The same id again returns the stored answer. If nobody renews or
        settles within `ttl_ms`, budgets commit what was reserved, rates commit `on_expiry`, slots free.
        Raises StoreUnavailable.
        """
        ...

    async def top_up(self, reservation_id: str, amounts: Amounts) -> Verdict:
        """Take more for a live reservation, all or nothing. Raises StoreUnavailable, or KeyError when it has ended."""
        ...

    def settle(self, reservation_id: str, actual: Amounts) -> None:
        """Replace what was reserved by what was used: refund or unconditional debit; frees the slots.

        Idempotent: a second settle is a no-op; after expiry the difference to what expiry committed applies.
        """
        ...

    def renew(self, reservation_ids: Iterable[str], ttl_ms: int) -> None:
        """Push the expiry of live reservations to now + `ttl_ms`."""
        ...

    async def peek(self, specs: Sequence[Spec]) -> tuple[Reading, ...]:
        """Read without changing anything. Raises StoreUnavailable."""
        ...

    async def held(self, limit: int = 1000) -> list[Held]:
        """Live reservations, oldest first, at most `limit`."""
        ...

    async def verify(self) -> LedgerReport:
        """Whether the ledger explains every budget's counter. Raises StoreUnavailable, also where none is kept."""
        ...

    async def backup(self, path: Path) -> None:
        """Copy everything, exact as of now, to a new file. Raises StoreUnavailable, also where there is no file."""
        ...

    async def close(self) -> None:
        """Flush what is durable and let go."""
        ...
