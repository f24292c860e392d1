"""What the detector asks of a way of marking, and the way there is: pairs of words favoured by `logit_bias`.

A scheme turns a text into bucket vectors without any key. Whatever can do that (spelling variants, a server's own
plugin) can join without a change to keys, scores or verdicts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.contrast import contrasts
from gateway.watermarks.layout import WIDTH, MarkLayer, bucket, layer_of
from gateway.watermarks.pairs import PairTable
from gateway.watermarks.words import Words, read_words


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says to one scheme: a vector for each list, apart for accounts and for the provider."""

    account: tuple[BucketVector, ...]
    provider: tuple[BucketVector, ...]
    words: int
    """Words of prose."""
    scored: int
    """Of these, words that stand in the table."""
    left_out: int
    """Pieces that are no prose: blocks of code, addresses."""


class Scheme(Protocol):
    """A way of marking, as the detector sees it."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def lists(self) -> int: ...
    @property
    def most_units(self) -> int | None:
        """Units of a list that any text can have for accounts; None: as many as there are buckets."""
        ...

    def read(self, text: str, prose: Words | None = None) -> Reading:
        """Never uses a key. Time linear in the text. `prose` are the text's words, where they were read already."""
        ...


class PairScheme:
    """Pairs of words, favoured by an account's signs (after Zhao et al. 2024, "Unigram", with paired words)."""

    id: Final = "pairs"
    version: Final = 1
    width: Final = WIDTH

    def __init__(self, table: PairTable, *, lists: int = 1, provider_quarters: int = 1) -> None:
        self.table = table
        self.lists = lists
        self.provider_quarters = provider_quarters
        self.most_units = sum(layer_of(at, provider_quarters) == "account" for at in range(len(table.pairs)))

    def read(self, text: str, prose: Words | None = None) -> Reading:
        words, left_out = prose or read_words(text)
        return self.read_words(words, left_out)

    def read_words(self, words: list[str], left_out: int = 0) -> Reading:
        """The same for words that were read already, or are those of several texts together."""
        weights = contrasts(words, self.table)
        places = self.table.places
        return Reading(
            self._vectors(weights, "account"),
            self._vectors(weights, "provider"),
            len(words),
            sum(word in places for word in words),
            left_out,
        )

    def _vectors(self, weights: Mapping[int, int], layer: MarkLayer) -> tuple[BucketVector, ...]:
        """The same pairs, once for each list."""
        own = [(at, weight) for at, weight in weights.items() if layer_of(at, self.provider_quarters) == layer]
        return tuple(
            BucketVector(WIDTH, tuple((bucket(at, number), weight) for at, weight in own), len(own))
            for number in range(self.lists)
        )
