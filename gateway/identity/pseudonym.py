"""Names for callers that upstreams may see: stable, keyed, and not to be turned back into an account."""

import hmac
from typing import Final

_MAX_KNOWN: Final = 100_000


class Pseudonyms:
    """Keyed hashes of account and org ids, remembered because the same few come with every request."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"pseudonym", "sha256")
        self._known: dict[str, str] = {}

    def of(self, name: str) -> str:
        pseudonym = self._known.get(name)
        if pseudonym is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            pseudonym = self._known[name] = "ex-" + hmac.digest(self._key, name.encode(), "sha256").hex()[:32]
        return pseudonym
