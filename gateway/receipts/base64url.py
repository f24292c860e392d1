"""Base64 for URLs without padding, as JOSE writes it (RFC 7515, appendix C)."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*\Z")


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes, if this is how they are written: no padding, no other letters, no stray bits. Raises ValueError."""
    if not _ALPHABET.match(text) or len(text) % 4 == 1:
        raise ValueError("not base64url")
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not the one base64url text of these bytes")
    return data
