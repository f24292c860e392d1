"""What detectors report of answered requests: a part of the tally with a subject of its own.

It is gathered, and added up for many requests at once: a dozen calls a request are only as many entries in lists.
"""

from collections import Counter as Occurrences
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from gateway.observe.counters import Counter, Family, Histogram

MOST_HELD_BACK: Final = 64
"""Requests whose findings are held back."""


class DetectorCounts:
    """Counts signals. The slots are the tally's."""

    _signals: Family[Counter]
    _ratio: Family[Histogram]
    _key_networks: Family[Histogram]
    _key_clients: Family[Histogram]
    _detector_duration: Family[Histogram]

    def _begin_looks(self, gather: Callable[[Callable[[], None]], None]) -> None:
        self._told: list[tuple[str, str, bool]] = []
        self._ratios: list[tuple[str, float]] = []
        self._spreads: list[tuple[int, int]] = []
        self._times: list[float] = []
        gather(self._bring_looks)

    def signal(self, signal: str, tier: str, present: bool) -> None:
        """One answered request to which a signal applies, and whether it was there."""
        self._told.append((signal, tier, present))

    def ratio(self, tier: str, value: float) -> None:
        """Output tokens by input tokens of one answered request."""
        self._ratios.append((tier, value))

    def key_spread(self, networks: int, clients: int) -> None:
        """Distinct client networks and programs lately seen with the key of one answered request."""
        self._spreads.append((networks, clients))

    def took(self, seconds: float) -> None:
        """How long the detectors looked at one request. The last that they say of it, so that here is counted."""
        self._times.append(seconds)
        if len(self._times) >= MOST_HELD_BACK:
            self._bring_looks()

    def _bring_looks(self) -> None:
        for (signal, tier, present), times in Occurrences(self._told).items():
            # Both begin together: a share of nothing is 0, not absent.
            series = self._signals[signal, tier, "false"], self._signals[signal, tier, "true"]
            series[present].value += times
        ratios: defaultdict[str, list[float]] = defaultdict(list)
        for tier, value in self._ratios:
            ratios[tier].append(value)
        for tier, values in ratios.items():
            self._ratio[(tier,)].observe_all(values)
        if self._spreads:
            networks, clients = zip(*self._spreads, strict=True)
            self._key_networks[()].observe_all(networks)
            self._key_clients[()].observe_all(clients)
        if self._times:
            self._detector_duration[()].observe_all(self._times)
        for held in (self._told, self._ratios, self._spreads, self._times):
            held.clear()
