"""The form of an API key: `sk-ex-<id>_<secret><check>`, and how its secret is hashed.

The id is public: files, logs and metrics name a key by it. The secret has 160 bits, so a plain keyed hash guards it.
The check digits (CRC-32 of all before them) catch every single mistyped character without a look-up.
"""

import hashlib
import hmac
import secrets
import string
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

PREFIX: Final = "sk-ex-"
ADMIN_PREFIX: Final = "sk-adm-"
ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 27
"""Base-62 digits that hold at least 160 bits."""
_CHECK_LENGTH: Final = 6
_LENGTH: Final = len(PREFIX) + ID_LENGTH + 1 + SECRET_LENGTH + _CHECK_LENGTH

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_DIGITS: Final = frozenset(_ALPHABET)


@dataclass(frozen=True, slots=True)
class Pepper:
    """A server-side secret that goes into every hash. Its id stands beside each hash made with it."""

    id: str
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A text that has the form of a key. `intact` says whether its check digits agree."""

    id: str
    secret: bytes = field(repr=False)
    intact: bool


def new_key() -> str:
    """A fresh key from the system's randomness."""
    body = f"{PREFIX}{random_text(ID_LENGTH)}_{random_text(SECRET_LENGTH)}"
    return body + check_digits(body)


def parse(text: str) -> ParsedKey | None:
    """The parts of a key; None when the text does not have the form of one. Never raises."""
    if len(text) != _LENGTH or not text.startswith(PREFIX):
        return None
    key_id, mark, rest = text[len(PREFIX) :].partition("_")
    if len(key_id) != ID_LENGTH or not mark or not _DIGITS.issuperset(key_id) or not _DIGITS.issuperset(rest):
        return None
    intact = check_digits(text[:-_CHECK_LENGTH]) == text[-_CHECK_LENGTH:]
    return ParsedKey(key_id, rest[:SECRET_LENGTH].encode(), intact)


def digest(secret: bytes, pepper: bytes) -> bytes:
    """The keyed hash of a secret: the only form in which it is stored."""
    return hmac.digest(pepper, secret, "sha256")


def random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def check_digits(body: str) -> str:
    """CRC-32 in six base-62 digits."""
    value = crc32(body.encode())
    digits = ""
    for _ in range(_CHECK_LENGTH):
        value, digit = divmod(value, 62)
        digits = _ALPHABET[digit] + digits
    return digits


def fingerprint(pepper: bytes) -> str:
    """A name for a pepper that has none: says nothing about a value of 32 random bytes."""
    return hashlib.sha256(b"pepper-id:" + pepper).hexdigest()[:8]
