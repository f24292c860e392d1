"""Bytes that an object and everything it alone refers to take."""

import sys
from typing import Any


def deep_size(root: Any) -> int:
    """Slots, dicts and sequences are followed; classes and small integers, which everybody shares, are not."""
    seen: set[int] = set()
    waiting, total = [root], 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type) or (isinstance(one, int) and -5 <= one <= 256):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        slots = [name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())]
        waiting += [getattr(one, name) for name in slots if hasattr(one, name)]
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            waiting += one
        elif hasattr(one, "__dict__"):
            waiting.append(vars(one))
    return total
