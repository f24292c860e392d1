"""Request ids: ours unless the caller sent a sane one."""

import os
from typing import Final

_ALLOWED: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
_MAX_LENGTH: Final = 64
_BITS: Final = 96
_STOCK: Final = 64
"""Ids that are drawn at once: a system call for each would cost more than all the rest of it."""

_drawn: list[str] = []
"""Each is taken out once, by whichever thread: `list.pop` cannot be interrupted."""
# A child would give out its parent's ids a second time.
os.register_at_fork(after_in_child=_drawn.clear)


def new_id(prefix: str) -> str:
    """`prefix` and 96 bits of the system's randomness in hex: unique without coordination, cheap to make (0.1 µs)."""
    try:
        return prefix + _drawn.pop()
    except IndexError:
        size = _BITS // 8
        drawn = os.urandom(_STOCK * size)
        fresh = [drawn[at : at + size].hex() for at in range(0, len(drawn), size)]
        own = fresh.pop()
        _drawn.extend(fresh)
        return prefix + own


def valid_inbound_id(text: str) -> bool:
    """Whether a caller's x-request-id may be echoed: it goes into headers, logs and records."""
    return 0 < len(text) <= _MAX_LENGTH and _ALLOWED.issuperset(text)
