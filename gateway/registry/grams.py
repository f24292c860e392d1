"""Runs of five words, one from each word on; of ten characters where a script has no spaces."""

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

from gateway.registry.units import WORD, units, weight

GRAM: Final = 5 * WORD
"""Half words that a gram covers at least."""
SLICE: Final = 64
"""Grams that are worked on before a thread should pause: about 100 µs with their hashes."""


class Grams:
    """The grams of a text in order, and where each begins."""

    __slots__ = ("_units", "grams", "places")

    def __init__(self) -> None:
        self._units: list[bytes] = []
        self.grams: list[bytes] = []
        self.places = array("I", [0])
        """Where each unit begins, in half words, and where the last one ends."""

    @property
    def words(self) -> int:
        """Whole words; two characters of a script without spaces are one."""
        return (self.places[-1] + 1) // WORD

    def add(self, more: Iterable[bytes]) -> None:
        """More units of the text, and the grams that they complete."""
        place = self.places[-1]
        for unit in more:
            self._units.append(unit)
            place += weight(unit)
            self.places.append(place)
        end = len(self.grams)
        last = len(self._units)
        stop = end + 5
        while stop <= last:
            if self.places[stop] - self.places[len(self.grams)] < GRAM:
                stop += 1
                continue
            self.grams.append(b" ".join(self._units[len(self.grams) : stop]))

    def forget(self) -> None:
        """Drop the grams so far; those that follow will be complete."""
        done = len(self.grams)
        del self._units[:done], self.places[:done]
        self.grams.clear()

    def drop(self, number: int) -> None:
        """Let go of a gram that is done with: freeing a long text at once would take milliseconds."""
        self.grams[number] = self._units[number] = b""

    def between(self, start: int, end: int) -> str:
        """The units that stand between two places, for people."""
        found = (unit for unit, place in zip(self._units, self.places, strict=False) if start <= place < end)
        return b" ".join(found).decode("utf-8", "replace")


def gathering(text: str) -> Iterator[Grams]:
    """The same `Grams` again and again, growing by a slice; complete at the end. Never empty."""
    grams = Grams()
    for piece in units(text):
        grams.add(piece)
        yield grams


def grams_of(text: str) -> Grams:
    """All at once."""
    grams = Grams()
    for grams in gathering(text):  # noqa: B007 - the last one is complete
        pass
    return grams
