"""Public keys as a JWK set (RFC 7517), each an octet key pair without its private half (RFC 8037, section 2)."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.jsonio import JsonError, loads
from gateway.receipts import base64url

PUBLIC_BYTES: Final = 32
MAX_KEYS: Final = 1000


def jwks(keys: Mapping[str, bytes]) -> dict[str, Any]:
    """The set, by name; private keys never come here."""
    fixed = {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA"}
    return {"keys": [{**fixed, "kid": kid, "x": base64url.encode(keys[kid])} for kid in sorted(keys)]}


def read_jwks(data: bytes) -> dict[str, bytes]:
    """Ed25519 keys by name; keys of other kinds in the set are passed over. Raises ValueError."""
    try:
        document = loads(data)
    except JsonError as error:
        raise ValueError(f"not JSON: {error}") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise ValueError(f"not a JWK set of at most {MAX_KEYS} keys")
    keys: dict[str, bytes] = {}
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("kty") != "OKP" or entry.get("crv") != "Ed25519":
            continue
        kid, x = entry.get("kid"), entry.get("x")
        if not isinstance(kid, str) or not isinstance(x, str) or kid in keys:
            raise ValueError("a key without kid or x, or two with the same kid")
        public = base64url.decode(x)
        if len(public) != PUBLIC_BYTES:
            raise ValueError(f"an Ed25519 key has {PUBLIC_BYTES} bytes")
        keys[kid] = public
    return keys
