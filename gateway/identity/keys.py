"""The form of an API key: `sk-ex-<id>_<secret><check>`, and how its secret is hashed.

The id is public: files, logs and metrics name a key by it. The secret has 160 bits, so a plain keyed hash guards it.
The check digits (CRC-32 of all before them) catch every single mistyped character without a look-up.
"""

import hashlib
import re
import secrets
import string
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Final
from zlib import crc32

PREFIX: Final = "sk-ex-"
ADMIN_PREFIX: Final = "sk-adm-"
ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 27
"""Base-62 digits that hold at least 160 bits."""
_CHECK_LENGTH: Final = 6
_DIGIT: Final = "[0-9A-Za-z]"
_FORM: Final = re.compile(
    f"({PREFIX}({_DIGIT}{{{ID_LENGTH}}})_({_DIGIT}{{{SECRET_LENGTH}}}))({_DIGIT}{{{_CHECK_LENGTH}}})"
)
"""Of fixed length, so that no text takes longer than a key."""

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PAIRS: Final = [high + low for high in _ALPHABET for low in _ALPHABET]
_BLOCK: Final = 64
"""Bytes that SHA-256 takes in at a time."""
_PEPPERS: Final = 16
"""Peppers whose beginnings of the hash are remembered; two are in use at the most, and that of nobody."""


@dataclass(frozen=True, slots=True)
class Pepper:
    """A server-side secret that goes into every hash. Its id stands beside each hash made with it."""

    id: str
    value: bytes = field(repr=False)


class ParsedKey:
    """A text that has the form of a key. `intact` says whether its check digits agree."""

    __slots__ = ("id", "intact", "secret")

    def __init__(self, key_id: str, secret: bytes, *, intact: bool) -> None:
        self.id = key_id
        self.secret = secret
        self.intact = intact


def new_key() -> str:
    """A fresh key from the system's randomness."""
    body = f"{PREFIX}{random_text(ID_LENGTH)}_{random_text(SECRET_LENGTH)}"
    return body + check_digits(body)


def parse(text: str) -> ParsedKey | None:
    """The parts of a key; None when the text does not have the form of one. Never raises."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    body, key_id, secret, check = found.groups()
    return ParsedKey(key_id, secret.encode(), intact=check_digits(body) == check)


def digest(secret: bytes, pepper: bytes) -> bytes:
    """The keyed hash of a secret: the only form in which it is stored.

    HMAC-SHA-256 (RFC 2104), as two plain hashes that have begun with the pepper: the library's own looks its parts up
    by name for every call, which costs more than both.
    """
    inner, outer = _begun(pepper)
    first, second = inner.copy(), outer.copy()
    first.update(secret)
    second.update(first.digest())
    return second.digest()


@lru_cache(_PEPPERS)
def _begun(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """The hash of the message and the hash of that, with what HMAC puts in front of each; to be copied."""
    if len(key) > _BLOCK:
        key = sha256(key).digest()
    key = key.ljust(_BLOCK, b"\0")
    return sha256(bytes(byte ^ 0x36 for byte in key)), sha256(bytes(byte ^ 0x5C for byte in key))


def random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def check_digits(body: str) -> str:
    """CRC-32 in six base-62 digits."""
    value, last = divmod(crc32(body.encode()), len(_PAIRS))
    first, middle = divmod(value, len(_PAIRS))
    return _PAIRS[first] + _PAIRS[middle] + _PAIRS[last]


def fingerprint(pepper: bytes) -> str:
    """A name for a pepper that has none: says nothing about a value of 32 random bytes."""
    return hashlib.sha256(b"pepper-id:" + pepper).hexdigest()[:8]
