"""Texts for the pair scheme by the thousand: words drawn by their rates, a pair's favoured one with ½ + uplift.

Marks come from the product's own `Marker`, readings from its `PairScheme`. `keyed_writer` makes texts as people see
them; here only the words matter.
"""

import numpy as np

from gateway.watermarks.marking import Manner, Marker
from gateway.watermarks.pairs import PairTable


class PairSampler:
    """One epoch: the roots of both layers, and the table of `keyed_writer.some_table`, whose tokens count its words."""

    def __init__(self, table: PairTable, account_root: bytes, provider_root: bytes, **layout: int) -> None:
        self.table = table
        self.marker = Marker(table, account_root, provider_root, **layout)
        names = [word for pair in table.pairs for word in (pair.first, pair.second)]
        assert [token for pair in table.pairs for token in (pair.first_token, pair.second_token)] == [
            *range(len(names))
        ]
        self._names = np.array([*names, "xax"], dtype=object)
        self._rates = np.array([rate for pair in table.pairs for rate in (pair.first_rate, pair.second_rate)]) / 1e6

    def favoured(self, account: str, *, list_index: int = 0, layers=("account", "provider"), entries: int = 1024):
        """The tokens of the mark that an answer to this account carries."""
        return self.marker.mark(account, 0, list_index, Manner(entries, 1.0, frozenset(layers))).tokens()

    def words(self, rng: np.random.Generator, count: int, tokens: frozenset[int] = frozenset(), uplift: float = 0.25):
        """So many words; no tokens: unmarked. What no pair holds is filled with a word that stands in no table."""
        chances = self._rates.copy()
        for token in tokens:
            both = chances[token] + chances[token ^ 1]
            chances[token], chances[token ^ 1] = both * (0.5 + uplift), both * (0.5 - uplift)
        return self._names[np.searchsorted(np.cumsum(chances), rng.random(count), side="right")].tolist()
