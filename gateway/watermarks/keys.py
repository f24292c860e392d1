"""From one master secret to every key of the marks: one key per purpose, and none leads back to another.

HKDF with SHA-256 (RFC 5869) over labels whose fields carry their lengths, so that no two different labels are the same
bytes. An account's seed is a PRF of its layer's root and the account's internal id: ids that come later need no new
key and no list of keys exists anywhere.
"""

import hmac
from dataclasses import dataclass, field
from typing import Final, Literal

MASTER_BYTES: Final = 32
HASH_BYTES: Final = 32

Purpose = Literal["bucket", "codeword", "decoy", "registry", "receipt"]
Layer = Literal["provider", "cluster", "account"]

_SALT: Final = b"excise watermark keys, version 1"


@dataclass(frozen=True, slots=True)
class KeyPath:
    """What a key is for. `version` is the scheme's: another tokenizer or another hash is another version."""

    purpose: Purpose
    version: int
    family: str
    """The model family, as in models.yaml."""
    epoch: str
    layer: Layer

    def label(self) -> bytes:
        parts = (self.purpose, str(self.version), self.family, self.epoch, self.layer)
        return b"".join(framed(part.encode()) for part in parts)


@dataclass(frozen=True, slots=True)
class Master:
    """The master secret: 256 bits. It shows in no repr."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != MASTER_BYTES:
            raise ValueError(f"a watermark master secret has {MASTER_BYTES} bytes, this one has {len(self.secret)}")

    def root(self, path: KeyPath) -> bytes:
        """The 32-byte root key of one purpose, version, model family, epoch and layer."""
        return hkdf(self.secret, _SALT, path.label(), HASH_BYTES)


def seed_of(root: bytes, account: str, roll: int = 0) -> bytes:
    """The 32-byte seed of an account's codeword. `roll` counts how often this account's seed was replaced.

    `account` is the immutable internal id, never an API key: keys rotate, and a codeword must not.
    """
    if roll < 0:
        raise ValueError("a roll is a count")
    return hmac.digest(root, framed(account.encode()) + roll.to_bytes(4, "big"), "sha256")


def framed(field_bytes: bytes) -> bytes:
    """The field with its length before it, so that ("ab", "c") and ("a", "bc") differ."""
    return len(field_bytes).to_bytes(4, "big") + field_bytes


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with SHA-256: extract, then expand to `length` bytes. Raises ValueError past 255 blocks."""
    if length > 255 * HASH_BYTES:
        raise ValueError("HKDF gives at most 255 blocks")
    extracted = hmac.digest(salt or bytes(HASH_BYTES), secret, "sha256")
    out = block = b""
    counter = 0
    while len(out) < length:
        counter += 1
        block = hmac.digest(extracted, block + info + bytes([counter]), "sha256")
        out += block
    return out[:length]
