"""The mark of an account as `logit_bias`: for each pair, the word that the account's sign favours.

Only one word of a pair gets an entry, so N entries make 2·N words speak. The mapping depends on nothing of the request
but a list number, so it is made once and sent as it is.
"""

import hmac
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from gateway.core.jsonio import loads
from gateway.watermarks.keys import seed_of
from gateway.watermarks.layout import MOST_LISTS, QUARTERS, WIDTH, MarkLayer, bucket, layer_of
from gateway.watermarks.pairs import PairTable
from gateway.watermarks.signs import codeword_bits, flags

KEPT: Final = 512
"""Marks in memory, about 30 KB each."""
PROVIDER: Final = "provider"
"""In the place of an account's id, under the provider layer's root."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How an answer is marked, as its policy says."""

    entries: int
    """Most entries of `logit_bias`."""
    strength: float
    """Nats added to the favoured words."""
    layers: frozenset[MarkLayer] = frozenset(("account", "provider"))


@dataclass(frozen=True, slots=True)
class Mark:
    """What is added to a request."""

    json: bytes = field(repr=False)
    """The whole value of `logit_bias`."""

    def tokens(self) -> frozenset[int]:
        """The favoured tokens."""
        return frozenset(map(int, loads(self.json)))


class Marker:
    """Makes the marks of one epoch and model family."""

    def __init__(
        self, table: PairTable, account_root: bytes, provider_root: bytes, *, lists: int = 1, provider_quarters: int = 1
    ) -> None:
        if not 1 <= lists <= MOST_LISTS or provider_quarters not in QUARTERS:
            raise ValueError(f"1 to {MOST_LISTS} lists, and {QUARTERS} of four pairs for the provider")
        self.table = table
        self.lists = lists
        self._quarters = provider_quarters
        self._account_root = account_root
        self._owned = Counter(layer_of(at, provider_quarters) for at in range(len(table.pairs)))
        self._provider = flags(codeword_bits(seed_of(provider_root, PROVIDER), WIDTH))
        self._entries: dict[Manner, tuple[_Entry, ...]] = {}
        self._kept: OrderedDict[tuple[str, int, int, Manner], Mark] = OrderedDict()

    def owned(self, layers: Iterable[MarkLayer]) -> int:
        """How many pairs these layers have: no mark has more entries."""
        return sum(self._owned[layer] for layer in layers)

    def list_of(self, request_id: str) -> int:
        """The list that a request gets. Callers see the id, and must not know from it which of their answers go
        together: so it takes a key.
        """
        return hmac.digest(self._account_root, b"list of " + request_id.encode(), "sha256")[0] % self.lists

    def mark(self, account: str, roll: int, list_index: int, manner: Manner) -> Mark:
        """The most frequent pairs of the manner's layers, each with one word favoured. 0.1 ms the first time."""
        key = (account, roll, list_index, manner)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        made = self._kept[key] = Mark(self._written(account, roll, list_index, manner))
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return made

    def _written(self, account: str, roll: int, list_index: int, manner: Manner) -> bytes:
        own = flags(codeword_bits(seed_of(self._account_root, account, roll), WIDTH))
        begin = bucket(0, list_index)
        of_layer = {"account": own[begin:], "provider": self._provider[begin:]}
        return b"{" + b",".join([each[of_layer[layer][at]] for at, layer, each in self._entries_of(manner)]) + b"}"

    def _entries_of(self, manner: Manner) -> "tuple[_Entry, ...]":
        """The pairs that a manner marks, and both entries of each as they are written."""
        found = self._entries.get(manner)
        if found is None:
            layers = [(at, layer_of(at, self._quarters)) for at in range(len(self.table.pairs))]
            marked = [(at, layer) for at, layer in layers if layer in manner.layers][: manner.entries]
            found = self._entries[manner] = tuple(
                (at, layer, tuple(_entry(token, manner.strength) for token in self.table.pairs[at].tokens))
                for at, layer in marked
            )
        return found


_Entry = tuple[int, MarkLayer, tuple[bytes, ...]]
"""A pair's number, its layer, and its entries: of the word that a − favours, and of the one that a + favours."""


def _entry(token: int, strength: float) -> bytes:
    return f'"{token}":{strength:g}'.encode()
