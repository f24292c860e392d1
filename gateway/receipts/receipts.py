"""What the server asks of receipts: one for this answer, the one with this id, the public keys."""

from typing import Any

from gateway.core.clock import Clock
from gateway.receipts.claims import Claims, Over
from gateway.receipts.jwks import jwks
from gateway.receipts.signers import Signers
from gateway.receipts.store import Receipt, ReceiptStore


class Receipts:
    """Issues receipts and finds them again. `open` before requests, `close` after the last."""

    def __init__(self, signers: Signers, store: ReceiptStore, clock: Clock) -> None:
        self._signers = signers
        self._store = store
        self._clock = clock
        self.issued = 0
        self.unsigned = 0
        """Answers that should have had a receipt, at a time that no configured epoch covers."""

    @property
    def dropped(self) -> int:
        """Receipts that were issued and cannot be asked for again."""
        return self._store.dropped

    @property
    def missing(self) -> int:
        """Receipts that an answer should have had, or that should be there to ask for, and are not."""
        return self.dropped + self.unsigned

    async def open(self) -> None:
        """Raises StoreUnavailable."""
        await self._store.open()

    async def close(self) -> None:
        await self._store.close()

    def issue(self, exchange_id: str, account: str, model: str, digest: str, over: Over) -> Receipt | None:
        """A signed receipt, which is also kept; None at a time that no epoch covers. About 60 µs, no waiting."""
        now_ms = self._clock.now_ms()
        signer = self._signers.at(now_ms)
        if signer is None:
            self.unsigned += 1
            return None
        claims = Claims(exchange_id, account, model, now_ms // 1000, digest, over)
        receipt = Receipt(claims, signer.sign(claims.payload()))
        self._store.put(receipt)
        self.issued += 1
        return receipt

    async def find(self, receipt_id: str, account: str) -> Receipt | None:
        """The receipt, if there is one and it is this account's. Raises StoreUnavailable."""
        receipt = await self._store.get(receipt_id)
        return receipt if receipt is not None and receipt.claims.account == account else None

    def public_keys(self) -> dict[str, Any]:
        """All epochs' public keys, as a JWK set."""
        return jwks(self._signers.public_keys())
