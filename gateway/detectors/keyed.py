"""The room's hash: keyed, with a key that is drawn per process and never leaves it.

Nobody outside can make two texts collide in a sketch, and what a dump of the process shows cannot be turned back into
text without the key in it. Two processes never agree on a hash, so sketches cannot be merged: counters are.
"""

import os
from hashlib import blake2b
from typing import Final

_KEY: Final = os.urandom(32)


def keyed32(data: bytes) -> int:
    """32 bits of keyed BLAKE2b (RFC 7693)."""
    return int.from_bytes(blake2b(data, digest_size=4, key=_KEY).digest(), "big")
