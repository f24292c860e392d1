"""Key spread: with how many networks and client programs a key was seen.

High for a key that was stolen, shared or resold. Looks the same: a platform that calls from many regions, a phone app
that holds the key, a team behind changing addresses. It is a distribution over requests, not a signal of its own: the
metric is read at its upper end.
"""

from typing import Final

from gateway.detectors.facts import Facts
from gateway.detectors.spread import Spread

KEY_BYTES: Final = 640
"""What a key takes at the most, objects and all; a test measures it."""


class KeySpread:
    """One key. What is not known of a request (empty) is not counted."""

    __slots__ = ("_clients", "_networks")

    def __init__(self) -> None:
        self._networks = Spread()
        self._clients = Spread()

    def add(self, facts: Facts, now_ms: int) -> tuple[int, int]:
        """Networks and clients, this request's included."""
        return self._networks.add(facts.network, now_ms), self._clients.add(facts.client, now_ms)
