"""What a receipt says: which account was answered when, by which model as it was asked for, and the answer's digest."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from gateway.core.jsonio import JsonError, dumps, loads

ISSUER: Final = "excise"
MAX_CLAIMS_BYTES: Final = 4096

Over = Literal["body", "stream"]
"""What the digest is of: a whole answer's body, or all bytes of a stream before the receipt's own comment."""

_DIGEST: Final = re.compile(r"sha-256:[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Claims:
    """The content of a receipt."""

    id: str
    """The exchange's id, the one that its decision record has."""
    account: str
    """The internal id of the account: it is the caller's own, so no pseudonym is needed."""
    model: str
    """As the caller named it."""
    issued_at: int
    """Seconds since the Unix epoch."""
    digest: str
    """`sha-256:` and 64 hex digits."""
    over: Over

    def payload(self) -> bytes:
        """As JSON: the registered names of RFC 7519 where it has one."""
        return dumps(
            {
                "iss": ISSUER,
                "jti": self.id,
                "iat": self.issued_at,
                "sub": self.account,
                "model": self.model,
                "over": self.over,
                "digest": self.digest,
            }
        )


def claims_of(payload: bytes) -> Claims:
    """Read a payload back. Raises ValueError when it is none of ours; further names are ignored."""
    if len(payload) > MAX_CLAIMS_BYTES:
        raise ValueError(f"the claims are longer than {MAX_CLAIMS_BYTES} bytes")
    try:
        document = loads(payload)
    except JsonError as error:
        raise ValueError(f"the claims are not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("iss") != ISSUER:
        raise ValueError(f"the claims are not those of a receipt by {ISSUER!r}")
    texts = [_text(document, name) for name in ("jti", "sub", "model", "digest")]
    issued_at, over = document.get("iat"), document.get("over")
    if type(issued_at) is not int or over not in ("body", "stream") or not _DIGEST.match(texts[3]):
        raise ValueError("a claim has another form than a receipt's")
    return Claims(texts[0], texts[1], texts[2], issued_at, texts[3], over)


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise ValueError(f"the claim {name!r} is missing")  # noqa: TRY004 - one kind of error for any bad receipt
    return value


def digest_of(data: bytes) -> str:
    """The digest of bytes that are all here."""
    return shown(hashlib.sha256(data).digest())


def shown(digest: bytes) -> str:
    """A SHA-256 value as the claims have it."""
    return f"sha-256:{digest.hex()}"
