"""What is counted of marks and fingerprints: a part of the tally with a subject of its own."""

from collections.abc import Collection
from typing import Final

from gateway.observe.counters import Counter, Family
from gateway.observe.detector_counts import DetectorCounts

KEPT: Final = ("kept", "dropped", "failed")
"""What becomes of an answer whose fingerprints a policy wants kept."""


class MarkCounts(DetectorCounts):
    """Counts marks, too. The slots are the tally's."""

    _counters: dict[str, Family[Counter]]
    _gauges: dict[str, dict[tuple[str, ...], float]]

    def _begin_marks(self, upstreams: Collection[str]) -> None:
        """After a reload: what is lost is counted from 0 on, and a test of an upstream that is gone says nothing."""
        for result in KEPT:
            self._counters["gateway_registry_answers_total"][(result,)]
        tests = self._gauges["gateway_watermark_probe_ok"]
        for gone in [labels for labels in tests if labels[0] not in upstreams]:
            del tests[gone]

    def marked(self, result: str, why: str) -> None:
        """One answer that a policy wants marked: `marked`, `skipped`, or in audit mode `would_mark`, `would_skip`."""
        self._counters["gateway_watermark_answers_total"][result, why].value += 1

    def pairs(self, route: str, agree: int, disagree: int) -> None:
        """Of the pairs that one marked answer used, how many lean to the favoured word."""
        family = self._counters["gateway_watermark_pairs_total"]
        family[route, "agree"].value += agree
        family[route, "disagree"].value += disagree

    def fingerprinted(self, result: str) -> None:
        """One answer whose fingerprints were to be kept."""
        self._counters["gateway_registry_answers_total"][(result,)].value += 1

    def probed(self, upstream: str, *, ok: bool) -> None:
        """The last self-test of the mark on an upstream."""
        self._gauges["gateway_watermark_probe_ok"][(upstream,)] = ok
