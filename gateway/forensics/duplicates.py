"""Near-duplicates of a corpus: copies and templates are one observation, however often they stand there.

One-permutation MinHash (Li, Owen, Zhang 2012) over shingles of four words: each shingle's hash falls into one of 32
bins, which keeps its smallest; the share of equal bins estimates the shingles that two texts have in common. Texts that
agree in all of four neighbouring bins are compared. No key is used, so leaving documents out costs no validity.
"""

from collections.abc import Sequence
from typing import Final
from zlib import crc32

SHINGLE: Final = 4
BINS: Final = 32
BAND: Final = 4
ALIKE: Final = 0.8
"""The share of equal bins from which on two texts are near-duplicates."""
_EMPTY: Final = -1
_MOST: Final = 2**32
"""Above all hashes."""

Sketch = tuple[int, ...]


def sketch(words: Sequence[str]) -> Sketch:
    """The smallest hash of each bin, of a text's words (`read_words`); -1 where there is none."""
    folded = [word.encode("utf-8", "surrogatepass") for word in " ".join(words).casefold().split(" ")]
    shingles = zip(*(folded[at:] for at in range(SHINGLE)), strict=False) if len(folded) > SHINGLE else [folded]
    least = [_MOST] * BINS
    for shingle in shingles:
        rest, place = divmod(crc32(b" ".join(shingle)), BINS)
        if rest < least[place]:  # noqa: PLR1730 - min is a call, and this is done for every word
            least[place] = rest
    return tuple(_EMPTY if rest == _MOST else rest for rest in least)


def likeness(one: Sketch, two: Sketch) -> float:
    """The share of equal bins among those that either fills."""
    filled = [(a, b) for a, b in zip(one, two, strict=True) if a != _EMPTY or b != _EMPTY]
    return sum(a == b for a, b in filled) / len(filled) if filled else 1.0


class Duplicates:
    """Texts seen so far. Memory: about 2 KB for each that is no duplicate."""

    def __init__(self) -> None:
        self._bands: dict[tuple[int, Sketch], int] = {}
        self._kept: dict[int, Sketch] = {}

    def original_of(self, number: int, found: Sketch) -> int | None:
        """The number of an earlier text that this one nearly repeats; else it is remembered."""
        bands = [(at, found[at : at + BAND]) for at in range(0, BINS, BAND)]
        for band in bands:
            earlier = self._bands.get(band)
            if earlier is not None and likeness(self._kept[earlier], found) >= ALIKE:
                return earlier
        self._kept[number] = found
        for band in bands:
            if any(value != _EMPTY for value in band[1]):
                self._bands.setdefault(band, number)
        return None
