"""Texts as counts of the pairs' words, each pair turned so that its first word is the one that was favoured.

Turned like this the texts of several accounts can be added up: a longer text of one account behaves as their sum. The
expected counts are turned with them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.power.keyed import signs_of
from gateway.watermarks.pairs import PairTable
from gateway.watermarks.words import read_words


@dataclass(frozen=True)
class Marked:
    """One text, read."""

    words: list[str]
    tokens: int
    account: str
    signs: np.ndarray
    """+1 where the account's sign favours a pair's first word."""


@dataclass(frozen=True)
class Counts:
    """For each pair: how often the favoured word and the other came, and how often unmarked text has them."""

    favoured: np.ndarray
    other: np.ndarray
    favoured_expected: np.ndarray
    other_expected: np.ndarray
    tokens: int

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.favoured + other.favoured,
            self.other + other.other,
            self.favoured_expected + other.favoured_expected,
            self.other_expected + other.other_expected,
            self.tokens + other.tokens,
        )


class Counter2:
    """Counts the words of one table."""

    def __init__(self, table: PairTable) -> None:
        self.table = table
        self._at = {
            word: 2 * n + side for n, p in enumerate(table.pairs) for side, word in enumerate((p.first, p.second))
        }
        self._rates = np.array([[pair.first_rate, pair.second_rate] for pair in table.pairs]) / 1e6

    def read(self, rows: Sequence[dict[str, Any]]) -> list[Marked]:
        """The rows of a cell."""
        size = len(self.table.pairs)
        return [
            Marked(read_words(row["text"]).words, row["tokens"], row["account"], signs_of(row["account"], size))
            for row in rows
        ]

    def count(self, text: Marked, tokens: int | None = None) -> Counts:
        """The counts of a text, or of its beginning of so many tokens."""
        share = 1.0 if tokens is None else min(1.0, tokens / text.tokens)
        words = text.words[: round(share * len(text.words))]
        found = np.zeros(2 * len(self._rates))
        for word, times in Counter(words).items():
            if word in self._at:
                found[self._at[word]] += times
        pairs, expected = found.reshape(-1, 2), self._rates * len(words)
        first = text.signs > 0
        return Counts(
            np.where(first, pairs[:, 0], pairs[:, 1]),
            np.where(first, pairs[:, 1], pairs[:, 0]),
            np.where(first, expected[:, 0], expected[:, 1]),
            np.where(first, expected[:, 1], expected[:, 0]),
            round(share * text.tokens),
        )
