"""Receipts as compact JWS (RFC 7515) signed with Ed25519 (RFC 8032, RFC 8037): three base64url parts and two dots.

Nothing of a header chooses how it is checked: there is one algorithm, and a receipt that names another is none. What is
no receipt is signed under a type of its own (RFC 8725 section 3.11), so that one can never be shown for the other.
"""

from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.core.jsonio import JsonError, dumps, loads
from gateway.receipts import base64url
from gateway.receipts.claims import MAX_CLAIMS_BYTES, Claims, claims_of

ALGORITHM: Final = "EdDSA"
TYPE: Final = "receipt+jwt"
MAX_BYTES: Final = 2 * MAX_CLAIMS_BYTES
SEED_BYTES: Final = 32


class NotGenuine(ValueError):  # noqa: N818 - named for what the receipt is
    """It is no receipt, or none that any of the keys signed. The message says which, and quotes nothing of it."""


class Ed25519Signer:
    """One private key. Signing takes no random numbers: the same claims give the same receipt.

    `typ` says what is signed.
    """

    def __init__(self, kid: str, seed: bytes, typ: str = TYPE) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"a signing seed has {SEED_BYTES} bytes, this one has {len(seed)}")
        self.kid = kid
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()
        header = dumps({"alg": ALGORITHM, "kid": kid, "typ": typ})
        self._head = base64url.encode(header) + "."

    def sign(self, payload: bytes) -> str:
        signed = self._head + base64url.encode(payload)
        return f"{signed}.{base64url.encode(self._key.sign(signed.encode()))}"


def verify(jws: str, keys: Mapping[str, bytes]) -> Claims:
    """The claims of a receipt that one of these public keys (by name) has signed. Raises NotGenuine."""
    if len(jws) > MAX_BYTES:
        raise NotGenuine(f"it is longer than {MAX_BYTES} bytes")
    kid, payload, signature, signed = _parts(jws)
    public = keys.get(kid)
    if public is None:
        raise NotGenuine("none of the public keys has the name that it gives")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except InvalidSignature:
        raise NotGenuine("the signature is not that key's, or a byte was changed") from None
    try:
        return claims_of(payload)
    except ValueError as error:
        raise NotGenuine(str(error)) from None


def key_name(jws: str) -> str:
    """The name of the key that a receipt says has signed it; nothing is checked yet. Raises NotGenuine."""
    return _parts(jws[: MAX_BYTES + 1])[0]


def _parts(jws: str) -> tuple[str, bytes, bytes, bytes]:
    """Key name, payload, signature, and the bytes that were signed."""
    parts = jws.split(".")
    if len(parts) != 3:
        raise NotGenuine("it does not have the three parts of a compact JWS")
    try:
        head, payload, signature = (base64url.decode(part) for part in parts)
        header: Any = loads(head)
    except (ValueError, JsonError):
        raise NotGenuine("a part of it is not base64url, or its header is not JSON") from None
    if not isinstance(header, dict) or header.keys() != {"alg", "kid", "typ"}:
        raise NotGenuine("its header is not that of a receipt")
    kid = header["kid"]
    if header["alg"] != ALGORITHM or header["typ"] != TYPE or not isinstance(kid, str):
        raise NotGenuine(f"its header names another algorithm or type than {ALGORITHM} and {TYPE}")
    return kid, payload, signature, f"{parts[0]}.{parts[1]}".encode()
