"""What is counted: every instrument's slots, and typed methods to count with.

Label values come from configuration (`configure`) or from closed sets in our code; anything else is `other`. No
method raises on odd values, none blocks. How it all is written for a scrape: metrics.py.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from gateway.core.account import STANDINGS
from gateway.core.build import COMPILED
from gateway.core.reasons import INTERNAL_ERROR, LIMITER_UNAVAILABLE, OVERLOADED, POLICY_REASONS, REASONS, UPSTREAM_BUSY
from gateway.core.usage import Usage
from gateway.observe.counters import Histogram, counter_family, histogram_family
from gateway.observe.instruments import BY_NAME, METRICS, Kind
from gateway.observe.mark_counts import MarkCounts
from gateway.observe.top import TopAccounts

_YES_NO: Final = {True: "true", False: "false"}
MAX_TIERS: Final = 6
"""Tiers with a label value of their own; each has two series a signal and a histogram."""
WATCHED_REASONS: Final = (INTERNAL_ERROR, LIMITER_UNAVAILABLE, OVERLOADED)
"""Refusals that are the gateway's own fault."""
STORE_CALLS: Final = (
    ("reserve", "granted"), ("reserve", "denied"), ("reserve", "unavailable"),
    ("commit", "failed"), ("settle", "debt_clamped"), ("expire", "ok"),
)  # fmt: skip
"""Every operation on the store with each of its outcomes."""


class Tally(MarkCounts):
    """All instruments of one process, and one method for each thing that is counted."""

    def __init__(self, version: str, routes: Iterable[str]) -> None:
        self.generation = 0
        """Of the labels: children that somebody kept from an earlier one may have ended."""
        self._counters = {m.name: counter_family(m) for m in METRICS if m.kind is Kind.COUNTER}
        self._histograms = {m.name: histogram_family(m) for m in METRICS if m.kind is Kind.HISTOGRAM}
        self._gauges: dict[str, dict[tuple[str, ...], float]] = {m.name: {} for m in METRICS if m.kind is Kind.GAUGE}
        self._callbacks: dict[str, Callable[[], float]] = {}
        self._top: TopAccounts | None = None
        self._gatherers: list[Callable[[], None]] = []
        self._bind()
        self._begin_looks()
        self._routes = tuple(routes)
        self.standings({})
        self._gauges["gateway_build_info"][version, _YES_NO[COMPILED]] = 1
        self._restrict(route=self._routes, reason=("none", *POLICY_REASONS, *(reason.code for reason in REASONS)))
        self.configure((), (), ())

    def _bind(self) -> None:
        """Give the hot families attributes of their own: a dictionary look-up less per count."""
        counter, histogram = self._counters, self._histograms
        self._requests = counter["gateway_requests_total"]
        self._refusals = counter["gateway_refusals_total"]
        self._duration = histogram["gateway_request_duration_seconds"]
        self._overhead = histogram["gateway_overhead_seconds"]
        self._first_byte = histogram["gateway_time_to_first_byte_seconds"]
        self._upstream_requests = counter["gateway_upstream_requests_total"]
        self._upstream_duration = histogram["gateway_upstream_duration_seconds"]
        self._tokens = counter["gateway_tokens_total"]
        self._cost = counter["gateway_cost_usd_total"]
        self._decisions = counter["gateway_decisions_total"]
        self._saturation = histogram["gateway_limit_saturation_ratio"]
        self._settlements = counter["gateway_settlements_total"]
        self._adjustment = histogram["gateway_settle_adjustment_tokens"]
        self._store_operations = counter["gateway_store_operations_total"]
        self._store_duration = histogram["gateway_store_duration_seconds"]
        self._signals = counter["gateway_signal_requests_total"]
        self._ratio = histogram["gateway_output_input_ratio"]
        self._key_networks = histogram["gateway_key_networks"]
        self._key_clients = histogram["gateway_key_clients"]
        self._detector_duration = histogram["gateway_detector_duration_seconds"]
        self._account_requests = counter["gateway_account_requests_total"]
        self._account_tokens = counter["gateway_account_tokens_total"]

    # configuration

    def configure(
        self,
        models: Iterable[str],
        upstreams: Iterable[str],
        policies: Iterable[str],
        limits: Iterable[str] = (),
        tiers: Iterable[str] = (),
    ) -> None:
        """What the labels may say from now on; call it again after a reload. Children kept elsewhere are then void.

        Of `tiers` the first six count, so the most important come first.
        """
        upstreams = tuple(upstreams)
        shown = tuple(tiers)[:MAX_TIERS]
        self._restrict(model=models, upstream=upstreams, policy=policies, limit=limits, tier=shown)
        up = self._gauges["gateway_upstream_up"]
        for gone in [labels for labels in up if labels[0] not in upstreams]:
            del up[gone]
        for name in upstreams:
            up.setdefault((name,), 1)
        self._begin_at_zero(upstreams)
        self._begin_marks(upstreams)

    def _begin_at_zero(self, upstreams: Iterable[str]) -> None:
        """Series that alerts wait for exist before the first event: `rate` does not see a series begin at 1."""
        for name in upstreams:
            self._upstream_requests[name, "credentials"]
            self._counters["gateway_upstream_passed_over_total"][name, UPSTREAM_BUSY.code]
        for route in self._routes:
            for reason in WATCHED_REASONS:
                self._refusals[route, reason.code]
        for call in STORE_CALLS:
            self._store_operations[call]
        for phase in ("body", "wait", "answer"):
            self._counters["gateway_client_disconnects_total"][(phase,)]
        for direction in ("refund", "debit"):
            self._adjustment[(direction,)]

    def _restrict(self, **domains: Iterable[str]) -> None:
        self.bring_in()
        self.generation += 1
        allowed = {label: frozenset(values) for label, values in domains.items()}
        for counters in self._counters.values():
            counters.restrict(allowed)
        for histograms in self._histograms.values():
            histograms.restrict(allowed)

    def clauses(self, clauses: Iterable[tuple[str, str, str]]) -> None:
        """(policy, document, section) of the policies in force, at most one for each policy."""
        name = "gateway_policy_clause_info"
        self._gauges[name] = dict.fromkeys(list(clauses)[: BY_NAME[name].cap], 1)

    def switches(self, policies: Iterable[str]) -> None:
        """The policies that are switched off now, `all` among them where it is. A series ends with its switch."""
        name = "gateway_policy_switches"
        self._gauges[name] = {(policy,): 1 for policy in list(policies)[: BY_NAME[name].cap]}

    def standings(self, accounts: Mapping[str, int]) -> None:
        """How many accounts there are in each standing; one that is not named has none."""
        self._gauges["gateway_accounts"] = {(standing,): accounts.get(standing, 0) for standing in STANDINGS}

    def name_top_accounts(self, most: int) -> None:
        """Give that many accounts series of their own; 0 none."""
        self._top = TopAccounts(most, self._end_account) if most > 0 else None

    def watch(self, name: str, read: Callable[[], float]) -> None:
        """Read a metric without labels from its owner at scrape time."""
        if BY_NAME[name].labels:
            raise ValueError(f"{name} has labels: it cannot be read by callback")
        self._callbacks[name] = read

    # one request

    def request_done(
        self,
        route: str,
        model: str,
        outcome: str,
        *,
        stream: bool,
        duration_s: float,
        overhead_s: float,
        ttfb_s: float | None = None,
    ) -> None:
        """Any request's end, refused ones too. `ttfb_s` is None when no answer began."""
        self._requests[route, model, outcome].value += 1
        self._duration[route, _YES_NO[stream]].observe(duration_s)
        self._overhead[(route,)].observe(overhead_s)
        if ttfb_s is not None:
            self._first_byte[(route,)].observe(ttfb_s)

    def refused(self, route: str, reason: str) -> None:
        self._refusals[route, reason].value += 1

    def tokens(self, model: str, usage: Usage, cost_nano_usd: int = 0) -> None:
        if usage.input_tokens:
            self._tokens[model, "input"].value += usage.input_tokens
        if usage.output_tokens:
            self._tokens[model, "output"].value += usage.output_tokens
        self._cost[(model,)].value += cost_nano_usd

    def decision(self, policy: str, action: str, mode: str, reason: str) -> None:
        """One policy's word on one request; `reason` is a code of the catalogue, or "none"."""
        self._decisions[policy, action, mode, reason].value += 1

    def saturation(self, policy: str, limit: str) -> Histogram:
        """Takes the used part of the limit, with each request that touched it; to be kept for one `generation`."""
        return self._saturation[policy, limit]

    def decisions(self, findings: Iterable[tuple[str, str, str, str, str, str]]) -> None:
        """What several rules said, each as (policy, rule, mode, reason, action, clause)."""
        for policy, _, mode, reason, action, _ in findings:
            self._decisions[policy, action, mode, reason].value += 1

    def settled(self, outcome: str, *, estimated: bool, adjustment_tokens: int) -> None:
        """`adjustment_tokens` is actual minus reserved: negative is a refund."""
        self._settlements[outcome, _YES_NO[estimated]].value += 1
        if adjustment_tokens > 0:
            self._adjustment[("debit",)].observe(adjustment_tokens)
        else:
            self._adjustment[("refund",)].observe(-adjustment_tokens)

    def client_gone(self, phase: str) -> None:
        self._counters["gateway_client_disconnects_total"][(phase,)].value += 1

    def retry_observed(self) -> None:
        self._counters["gateway_retries_observed_total"][()].value += 1

    @property
    def names_accounts(self) -> bool:
        """Whether some accounts have series of their own, see `account`."""
        return self._top is not None

    def account(self, account: str, usage: Usage | None, now_ms: int) -> None:
        """One request of a known account; does nothing unless `name_top_accounts` switched it on."""
        if self._top is None:
            return
        label = self._top.label(account, now_ms)
        self._account_requests[(label,)].value += 1
        if usage is not None:
            self._account_tokens[label, "input"].value += usage.input_tokens
            self._account_tokens[label, "output"].value += usage.output_tokens

    def _end_account(self, account: str) -> None:
        """Its series end as at a restart. Moved to `other`, their past would show there as a burst of traffic."""
        self._account_requests.pop((account,), None)
        for direction in ("input", "output"):
            self._account_tokens.pop((account, direction), None)

    # upstreams, store, policies

    def upstream_attempt(self, upstream: str, code_class: str) -> None:
        """`code_class` is "2xx", "4xx", "5xx", "credentials", "busy", "timeout", "error", "stale" or "cancelled"."""
        self._upstream_requests[upstream, code_class].value += 1

    def upstream_passed_over(self, upstream: str, reason: str) -> None:
        self._counters["gateway_upstream_passed_over_total"][upstream, reason].value += 1

    def upstream_done(self, upstream: str, duration_s: float) -> None:
        self._upstream_duration[(upstream,)].observe(duration_s)

    def upstream_state(self, upstream: str, *, up: bool) -> None:
        states = self._gauges["gateway_upstream_up"]
        if (upstream,) in states:
            states[(upstream,)] = up

    def store_call(self, op: str, outcome: str, duration_s: float | None = None) -> None:
        self._store_operations[op, outcome].value += 1
        if duration_s is not None:
            self._store_duration[(op,)].observe(duration_s)

    def reloaded(self, revision: str, now_ms: int) -> None:
        self._gauges["gateway_policy_info"] = {(revision,): 1}
        self._gauges["gateway_policy_reload_success_timestamp_seconds"][()] = now_ms / 1000
        self._gauges["gateway_policy_last_reload_successful"][()] = 1

    def reload_failed(self) -> None:
        self._gauges["gateway_policy_last_reload_successful"][()] = 0
