"""Which prompts an account sent lately, in a fixed 2 KiB: a set-associative table of 32-bit fingerprints.

An entry is looked for in one set of 8, where the least recently used one makes room, as in a processor's cache. So:

- a repeat among the account's last 8 distinct prompts is always known;
- about the last 512 distinct ones are known, less those whose set filled up sooner;
- an older repeat counts as new: the table forgets towards "new", never towards "repeat";
- a new prompt passes for a repeat only when 32 bits agree by chance: at most 8 × 2⁻³² a prompt, times 2 for the one
  value that stands for two (0 marks a free place).
"""

from array import array
from typing import Final

WAYS: Final = 8
SETS: Final = 64
CAPACITY: Final = WAYS * SETS


class Recent:
    """Fingerprints of 64 bits go in; 32 of them stay, and 6 others choose the set."""

    __slots__ = ("_places",)

    def __init__(self) -> None:
        self._places = array("I", [0]) * CAPACITY

    def holds(self, fingerprint: int) -> bool:
        """Whether it was added lately; changes nothing."""
        start = (fingerprint >> 32) % SETS * WAYS
        return (fingerprint & 0xFFFF_FFFF or 1) in self._places[start : start + WAYS]

    def add(self, fingerprint: int) -> bool:
        """Put it first in its set: whatever it moves past is older. Whether it is new there."""
        start, mark = (fingerprint >> 32) % SETS * WAYS, fingerprint & 0xFFFF_FFFF or 1
        if self._places[start] == mark:
            return False
        ways = self._places[start : start + WAYS]
        new = mark not in ways
        if new:
            ways.pop()
        else:
            ways.remove(mark)
        ways.insert(0, mark)
        self._places[start : start + WAYS] = ways
        return new
