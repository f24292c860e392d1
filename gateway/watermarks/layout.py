"""Where a pair's sign stands in a codeword, and which layer owns the pair.

An account may have several lists, so that what it learns of one from its own answers says nothing about another. Pairs
are dealt to the layers in turn, so that both have frequent and rare words alike.
"""

from typing import Final, Literal

from gateway.watermarks.pairs import MOST_PAIRS

WIDTH: Final = 4096
"""Signs of a codeword."""
MOST_LISTS: Final = WIDTH // MOST_PAIRS
QUARTERS: Final = (0, 1, 2)
"""How many of four pairs may be the provider's."""

MarkLayer = Literal["provider", "account"]


def bucket(pair: int, list_index: int) -> int:
    """The bucket of a pair in one of an account's lists."""
    return list_index * MOST_PAIRS + pair


def layer_of(pair: int, provider_quarters: int) -> MarkLayer:
    return "provider" if pair % 4 < provider_quarters else "account"
