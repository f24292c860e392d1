"""What detectors report of answered requests: a part of the tally with a subject of its own."""

from gateway.observe.counters import Counter, Family, Histogram


class DetectorCounts:
    """Counts signals. The slots are the tally's."""

    _signals: Family[Counter]
    _ratio: Family[Histogram]
    _key_networks: Family[Histogram]
    _key_clients: Family[Histogram]
    _detector_duration: Family[Histogram]

    def signal(self, signal: str, tier: str, present: bool) -> None:
        """One answered request to which a signal applies, and whether it was there."""
        if (signal, tier, "true") not in self._signals:
            # Both begin together: a share of nothing is 0, not absent.
            self._signals[signal, tier, "true"]
            self._signals[signal, tier, "false"]
        self._signals[signal, tier, "true" if present else "false"].value += 1

    def ratio(self, tier: str, value: float) -> None:
        """Output tokens by input tokens of one answered request."""
        self._ratio[(tier,)].observe(value)

    def key_spread(self, networks: int, clients: int) -> None:
        """Distinct client networks and programs lately seen with the key of one answered request."""
        self._key_networks[()].observe(networks)
        self._key_clients[()].observe(clients)

    def took(self, seconds: float) -> None:
        """How long the detectors looked at one request."""
        self._detector_duration[()].observe(seconds)
