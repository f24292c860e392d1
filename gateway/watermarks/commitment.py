"""A promise made before first use: these keys, and these decoys, were fixed before any text was marked with them.

The Merkle root over the epoch's root key and all decoys is published before the epoch starts. Without it, an accused
party can say that the key was searched for afterwards. Tree and inclusion proofs are those of Certificate Transparency
(RFC 6962, section 2.1): leaves and nodes are hashed under different prefixes, so that neither passes for the other.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal

from gateway.watermarks.keys import framed, seed_of

DECOYS: Final = 10_000
"""Codewords per epoch that are never issued: 10,000 give rank p-values down to 1e-4."""

Checked = Literal["verified", "mismatch", "not_given"]

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"
_EPOCH: Final = b"excise watermark epoch root"
_DECOY: Final = b"excise watermark decoy"


@dataclass(frozen=True, slots=True)
class EpochKeys:
    """The two secrets of an epoch and layer: accounts come from one, decoys from the other, so decoys can be shown."""

    codeword_root: bytes = field(repr=False)
    decoy_root: bytes = field(repr=False)
    decoys: int = DECOYS

    def __post_init__(self) -> None:
        if hmac.compare_digest(self.codeword_root, self.decoy_root):
            raise ValueError("accounts and decoys need different roots")
        if self.decoys < 1:
            raise ValueError("an epoch has decoys")

    def decoy_seeds(self) -> list[bytes]:
        return [seed_of(self.decoy_root, decoy_name(index)) for index in range(self.decoys)]

    def leaves(self) -> list[bytes]:
        """What is committed: the epoch root first, then the decoys in order. The values are hashed, not shown."""
        first = sha256(framed(_EPOCH) + self.codeword_root).digest()
        return [first, *(sha256(framed(_DECOY) + seed).digest() for seed in self.decoy_seeds())]

    def commitment(self) -> bytes:
        """The 32 bytes to publish before the epoch's first use."""
        return merkle_root(self.leaves())

    def check(self, published: bytes | None) -> Checked:
        """Are these the keys and the decoys that were promised? A verdict names nobody when they are not."""
        if published is None:
            return "not_given"
        return "verified" if hmac.compare_digest(self.commitment(), published) else "mismatch"


def decoy_name(index: int) -> str:
    return f"decoy {index}"


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1; of no leaves, the hash of nothing."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(_LEAF + leaves[0]).digest()
    middle = _split(len(leaves))
    return _node(merkle_root(leaves[:middle]), merkle_root(leaves[middle:]))


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes beside the way from leaf `index` to the root, lowest first (RFC 6962 section 2.1.1)."""
    if not 0 <= index < len(leaves):
        raise IndexError("no such leaf")
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*inclusion_proof(leaves[:middle], index), merkle_root(leaves[middle:])]
    return [*inclusion_proof(leaves[middle:], index - middle), merkle_root(leaves[:middle])]


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Does `proof` show that `leaf` is number `index` of the `size` leaves under `root`?"""
    if not 0 <= index < size:
        return False
    climbed = _climb(sha256(_LEAF + leaf).digest(), index, size, list(proof))
    return climbed is not None and hmac.compare_digest(climbed, root)


def _climb(found: bytes, index: int, size: int, proof: list[bytes]) -> bytes | None:
    if size == 1:
        return None if proof else found
    if not proof:
        return None
    beside = proof.pop()
    middle = _split(size)
    if index < middle:
        left = _climb(found, index, middle, proof)
        return None if left is None else _node(left, beside)
    right = _climb(found, index - middle, size - middle, proof)
    return None if right is None else _node(beside, right)


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(_NODE + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
