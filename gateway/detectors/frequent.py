"""What comes often in a stream, in a fixed few hundred bytes: Space-Saving counters that age.

Metwally, Agrawal and El Abbadi, "Efficient computation of frequent and top-k elements in data streams", ICDT 2005. A
new item takes the place of the smallest counter, starts from its count, and remembers that count as its error. With m
counters and n items since the last halving began:

- count − error ≤ true number ≤ count, for every item that has a counter;
- an item that makes up more than n/m of the items has one.

Every `HALVE` items all counts and errors are halved, so that what was frequent months ago makes room. Afterwards
count − error still never exceeds the true number: rounding cannot add what was not there.
"""

from array import array
from typing import Final

COUNTERS: Final = 32
HALVE: Final = 4096


class Frequent:
    """Items are 32-bit hashes. Counts stay below 2 × `HALVE`, so 16 bits hold them."""

    __slots__ = ("_counts", "_errors", "_items", "_since")

    def __init__(self) -> None:
        self._items = array("I", [0]) * COUNTERS
        self._counts = array("H", [0]) * COUNTERS
        self._errors = array("H", [0]) * COUNTERS
        self._since = 0

    def surely(self, item: int) -> int:
        """How often the item came at the least: never more than it did."""
        if item not in self._items:
            return 0
        place = self._items.index(item)
        return self._counts[place] - self._errors[place]

    def at_most(self, item: int) -> int:
        """How often the item came at the most since the counts were halved; for one without a counter the smallest."""
        return self._counts[self._items.index(item)] if item in self._items else min(self._counts)

    def add(self, item: int) -> None:
        if item in self._items:
            self._counts[self._items.index(item)] += 1
        else:
            least = min(self._counts)
            place = self._counts.index(least)
            self._items[place], self._counts[place], self._errors[place] = item, least + 1, least
        self._since += 1
        if self._since == HALVE:
            self._halve()

    def _halve(self) -> None:
        self._since = 0
        for place in range(COUNTERS):
            self._counts[place] //= 2
            self._errors[place] //= 2
