"""The room's hash: keyed, with a key that is drawn per process and never leaves it.

Nobody outside can make two texts collide in a sketch, and what a dump of the process shows cannot be turned back into
text without the key in it. Two processes never agree on a hash, so sketches cannot be merged: counters are.
"""

import os
from hashlib import blake2b
from typing import Final

_KEYED: Final = blake2b(digest_size=4, key=os.urandom(32))
"""The hash of nothing yet; a copy of it has read the key already."""


def keyed32(data: bytes) -> int:
    """32 bits of keyed BLAKE2b (RFC 7693)."""
    hashed = _KEYED.copy()
    hashed.update(data)
    return int.from_bytes(hashed.digest(), "big")
