"""Requests that are alike, counted together: a part of the tally with a subject of its own.

A sum over a column of numbers costs a fraction of as many single counts, and comes to the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from gateway.observe.counters import Counter, Family, Histogram

Answered = tuple[float, float, float, float, int, int, int, int]
"""One complete answer, with seconds first: of the whole request, of the gateway's own part, to the first byte, at the
upstream; then tokens read and written, nano-dollars, and tokens beyond the reserved ones (negative is a refund)."""


class BatchCounts:
    """Counts batches. The slots are the tally's."""

    _gatherers: list[Callable[[], None]]
    _requests: Family[Counter]
    _tokens: Family[Counter]
    _cost: Family[Counter]
    _decisions: Family[Counter]
    _settlements: Family[Counter]
    _duration: Family[Histogram]
    _overhead: Family[Histogram]
    _first_byte: Family[Histogram]
    _upstream_duration: Family[Histogram]
    _saturation: Family[Histogram]
    _adjustment: Family[Histogram]

    def gather(self, bring: Callable[[], None]) -> None:
        """Whoever holds counts back brings them in when this is called: before a scrape, and before labels change."""
        self._gatherers.append(bring)

    def bring_in(self) -> None:
        """Nothing is held back after this."""
        for bring in self._gatherers:
            bring()

    def answered(self, route: str, model: str, upstream: str, *, stream: bool, answers: Sequence[Answered]) -> None:
        """Complete answers with the usage that the upstream reported: the usual end, and so the one made cheap."""
        took, ours, first_byte, at_upstream, read, written, cost, adjusted = zip(*answers, strict=True)
        self._requests[route, model, "complete"].value += len(answers)
        self._duration[route, "true" if stream else "false"].observe_all(took)
        self._overhead[(route,)].observe_all(ours)
        self._first_byte[(route,)].observe_all(first_byte)
        self._upstream_duration[(upstream,)].observe_all(at_upstream)
        # A series begins when it counts.
        if any(read):
            self._tokens[model, "input"].value += sum(read)
        if any(written):
            self._tokens[model, "output"].value += sum(written)
        self._cost[(model,)].value += sum(cost)
        self._settlements["complete", "false"].value += len(answers)
        # Two directions, each a positive amount: a sum that could fall would be no sum to Prometheus.
        self._adjustment[("debit",)].observe_all([tokens for tokens in adjusted if tokens > 0])
        self._adjustment[("refund",)].observe_all([-tokens for tokens in adjusted if tokens <= 0])

    def allowed(self, policies: Iterable[tuple[str, str]], times: int = 1) -> None:
        """So many requests that each of these policies, by (id, mode), let pass."""
        for policy, mode in policies:
            self._decisions[policy, "allow", mode, "none"].value += times

    def saturations(self, used: Mapping[tuple[str, str], Sequence[float]]) -> None:
        """By policy and limit, the used part of it right after each of the requests that touched it."""
        for limit, parts in used.items():
            self._saturation[limit].observe_all(parts)
