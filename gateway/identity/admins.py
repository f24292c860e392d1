"""Named operators of the admin API. Their tokens have a form of their own and never call inference."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.identity.authenticate import credential
from gateway.identity.keys import ADMIN_PREFIX, PREFIX, SECRET_LENGTH, check_digits, random_text


class Role(IntEnum):
    """What an admin may do; each role may do all that the ones before it may."""

    READ = 1
    OPERATE = 2
    FORENSIC = 3


@dataclass(frozen=True, slots=True)
class Admin:
    """An operator and the hash of the token they hold."""

    name: str
    role: Role
    token_sha256: bytes = field(repr=False)


def new_admin_token() -> str:
    body = ADMIN_PREFIX + random_text(SECRET_LENGTH)
    return body + check_digits(body)


def token_hash(token: str) -> str:
    """SHA-256 in hex: the token has 160 random bits, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def authenticate_admin(authorization: str | None, admins: Sequence[Admin]) -> Admin | Refusal:
    """The admin a bearer token names. Every admin is compared, so time does not tell which one matched."""
    text = credential(authorization, None)
    if isinstance(text, Refusal):
        return Refusal(reasons.INVALID_API_KEY, "expected the header authorization: Bearer <admin token>")
    found: Admin | None = None
    # Header bytes that are not UTF-8 arrive as lone surrogates.
    mine = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    for admin in admins:
        if hmac.compare_digest(mine, admin.token_sha256):
            found = admin
    if found is None or not text.startswith(ADMIN_PREFIX):
        if text.startswith(PREFIX):
            return Refusal(reasons.INVALID_API_KEY, "this is an API key: the admin API takes an admin token")
        return Refusal(reasons.INVALID_API_KEY, "the admin token is not known")
    return found
