"""Header fields that hold a credential: no policy looks at them, and nobody keeps them."""

from typing import Final

SECRET_HEADERS: Final = frozenset({"authorization", "x-api-key", "cookie", "proxy-authorization"})
"""By lower-case name."""
