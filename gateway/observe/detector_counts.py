"""What detectors report of answered requests: a part of the tally with a subject of its own.

It is gathered, and added up for many requests at once: what most of them show is the same.
"""

from collections import Counter as Occurrences
from collections import defaultdict
from typing import Final

from gateway.observe.batch_counts import BatchCounts
from gateway.observe.counters import Counter, Family, Histogram

MOST_HELD_BACK: Final = 64
"""Requests whose findings are held back."""
_Look = tuple[str, tuple[str, ...], tuple[bool | None, ...], float | None, tuple[int, int] | None, float]
"""The arguments of `looked`."""


class DetectorCounts(BatchCounts):
    """Counts signals, too. The slots are the tally's."""

    _signals: Family[Counter]
    _ratio: Family[Histogram]
    _key_networks: Family[Histogram]
    _key_clients: Family[Histogram]
    _detector_duration: Family[Histogram]

    def _begin_looks(self) -> None:
        self._looks: list[_Look] = []
        self.gather(self._bring_looks)

    def looked(
        self,
        tier: str,
        signals: tuple[str, ...],
        present: tuple[bool | None, ...],
        *,
        ratio: float | None,
        spread: tuple[int, int] | None,
        seconds: float,
    ) -> None:
        """What the detectors found at one answered request: see `gateway.detectors.report`."""
        self._looks.append((tier, signals, present, ratio, spread, seconds))
        if len(self._looks) >= MOST_HELD_BACK:
            self._bring_looks()

    def _bring_looks(self) -> None:
        looks, self._looks = self._looks, []
        if not looks:
            return
        tiers, signal_names, presences, ratios, spreads, seconds = zip(*looks, strict=True)
        for (tier, signals, present), times in Occurrences(zip(tiers, signal_names, presences, strict=True)).items():
            for signal, there in zip(signals, present, strict=True):
                if there is not None:
                    # Both begin together: a share of nothing is 0, not absent.
                    series = self._signals[signal, tier, "false"], self._signals[signal, tier, "true"]
                    series[there].value += times
        by_tier: defaultdict[str, list[float]] = defaultdict(list)
        for tier, ratio in zip(tiers, ratios, strict=True):
            if ratio is not None:
                by_tier[tier].append(ratio)
        for tier, values in by_tier.items():
            self._ratio[(tier,)].observe_all(values)
        known = [spread for spread in spreads if spread is not None]
        self._key_networks[()].observe_all([networks for networks, _ in known])
        self._key_clients[()].observe_all([clients for _, clients in known])
        self._detector_duration[()].observe_all(seconds)
