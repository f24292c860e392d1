"""Which key signs when: one for each epoch, named by the epoch's id."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class Signer(Protocol):
    """One signing key. `kid` is its public name."""

    kid: str
    public: bytes
    """The 32 bytes of the public key."""

    def sign(self, payload: bytes) -> str:
        """The payload as a compact JWS."""
        ...


@dataclass(frozen=True, slots=True)
class Period:
    """An epoch as receipts see it: from `from_ms` until before `until_ms`, milliseconds since the Unix epoch."""

    kid: str
    from_ms: int
    until_ms: int
    seed: bytes = field(repr=False)
    """32 bytes, derived from the master secret for this purpose and this epoch alone."""


class Signers:
    """The keys of all configured epochs."""

    def __init__(self, signers: Sequence[tuple[Period, Signer]]) -> None:
        self._signers = sorted(signers, key=lambda one: one[0].from_ms, reverse=True)

    def at(self, now_ms: int) -> Signer | None:
        """The key for receipts of now: of two epochs that overlap, that of the later one. None between epochs."""
        for period, signer in self._signers:
            if period.from_ms <= now_ms < period.until_ms:
                return signer
        return None

    def public_keys(self) -> dict[str, bytes]:
        """Every epoch's public key by its name, those to come and those that are over included."""
        return {signer.kid: signer.public for _, signer in self._signers}


def signers_of(periods: Sequence[Period]) -> Signers:
    """Ed25519 keys from the periods' seeds. Raises ValueError for a seed of another length than 32 bytes."""
    from gateway.receipts.jws import Ed25519Signer  # noqa: PLC0415 - cryptography is loaded where receipts are on

    return Signers([(period, Ed25519Signer(period.kid, period.seed)) for period in periods])
