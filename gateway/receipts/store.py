"""Where receipts are kept so that their owner can ask for one again."""

from dataclasses import dataclass
from typing import Final, Protocol

from gateway.core.clock import Clock
from gateway.receipts import base64url
from gateway.receipts.claims import Claims, claims_of

MOST_IN_MEMORY: Final = 100_000
"""About 80 MB."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt that was issued."""

    claims: Claims
    jws: str


def receipt_of(jws: str) -> Receipt:
    """One of our own, read back from where it was kept; its signature is not checked. Raises ValueError."""
    return Receipt(claims_of(base64url.decode(jws.split(".")[1])), jws)


class ReceiptStore(Protocol):
    """Keeps receipts for a while. What is older than the retention is never answered and soon deleted."""

    @property
    def dropped(self) -> int:
        """Receipts that were issued and could not be kept, ever."""
        ...

    async def open(self) -> None:
        """Raises StoreUnavailable with a sentence an operator can act on."""
        ...

    def put(self, receipt: Receipt) -> None:
        """Keep it; at once, without waiting and without ever raising. Where there is no room it is dropped."""
        ...

    async def get(self, receipt_id: str) -> Receipt | None:
        """The receipt, also the one that was put just now. Raises StoreUnavailable."""
        ...

    async def close(self) -> None:
        """Write what still waits."""
        ...


class MemoryReceipts:
    """Receipts that live as long as the process. When `most` are there, the oldest makes room."""

    def __init__(self, clock: Clock, *, retention_s: int, most: int = MOST_IN_MEMORY) -> None:
        self._clock = clock
        self._retention_s = retention_s
        self._most = most
        self._kept: dict[str, Receipt] = {}
        self.dropped = 0

    async def open(self) -> None:
        pass

    def put(self, receipt: Receipt) -> None:
        kept = self._kept
        kept[receipt.claims.id] = receipt
        while kept:
            oldest = next(iter(kept))
            if not self._is_over(kept[oldest]):
                if len(kept) <= self._most:
                    break
                self.dropped += 1
            del kept[oldest]

    async def get(self, receipt_id: str) -> Receipt | None:
        receipt = self._kept.get(receipt_id)
        return None if receipt is None or self._is_over(receipt) else receipt

    async def close(self) -> None:
        pass

    def _is_over(self, receipt: Receipt) -> bool:
        return receipt.claims.issued_at < self._clock.now_ms() // 1000 - self._retention_s
