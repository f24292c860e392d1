"""The signs of one account, one per bucket: bytes from SHAKE-256 (FIPS 202) under the account's seed.

Bit 1 is +1; the lowest bit of each byte is the first bucket. This is all that marking an answer needs to know of
codewords; scoring many of them at once is another file's work (`codewords`).
"""

from hashlib import shake_256
from typing import Final

_LABEL: Final = b"excise watermark codeword 1"


def codeword_bits(seed: bytes, width: int) -> bytes:
    """The signs of one codeword as width / 8 bytes."""
    return shake_256(_LABEL + seed).digest(width // 8)


def is_plus(bits: bytes, bucket: int) -> bool:
    """Whether the sign of a bucket is +1."""
    return bool(bits[bucket >> 3] >> (bucket & 7) & 1)


def flags(bits: bytes) -> bytes:
    """One byte for each bucket, 1 for +1 and 0 for −1: for whoever needs many of them."""
    return f"{int.from_bytes(bits, 'little'):0{8 * len(bits)}b}".encode().translate(_ZERO_ONE)[::-1]


_ZERO_ONE: Final = bytes(code - ord("0") if code in b"01" else 0 for code in range(256))
