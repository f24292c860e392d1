"""The gateway's metrics: typed methods to count with, one `render` for the scrape.

The only file that knows prometheus_client. Label values come from configuration (`configure`) or from closed sets in
our code; anything else is `other`. No method raises on odd values, none blocks.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.core.reasons import REASONS
from gateway.core.usage import Usage
from gateway.observe.counters import Counter, Family, Histogram
from gateway.observe.instruments import BY_NAME, METRICS, Instrument, Kind

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_YES_NO: Final = {True: "true", False: "false"}


class Metrics:
    """All instruments of one process."""

    def __init__(self, version: str, routes: Iterable[str]) -> None:
        self._counters = {m.name: _counters(m) for m in METRICS if m.kind is Kind.COUNTER}
        self._histograms = {m.name: _histograms(m) for m in METRICS if m.kind is Kind.HISTOGRAM}
        self._gauges: dict[str, dict[tuple[str, ...], float]] = {m.name: {} for m in METRICS if m.kind is Kind.GAUGE}
        self._callbacks: dict[str, Callable[[], float]] = {}
        self._bind()
        self._gauges["gateway_build_info"][(version,)] = 1
        self._restrict(route=routes, reason=("none", *(reason.code for reason in REASONS)))
        self.configure((), (), ())
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Exposition(self))

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

    # configuration

    def configure(
        self, models: Iterable[str], upstreams: Iterable[str], policies: Iterable[str], limits: Iterable[str] = ()
    ) -> None:
        """What the labels may say from now on; call it again after a reload. Children kept elsewhere are then void."""
        upstreams = tuple(upstreams)
        self._restrict(model=models, upstream=upstreams, policy=policies, limit=limits)
        up = self._gauges["gateway_upstream_up"]
        for gone in [labels for labels in up if labels[0] not in upstreams]:
            del up[gone]
        for name in upstreams:
            up.setdefault((name,), 1)

    def _restrict(self, **domains: Iterable[str]) -> None:
        allowed = {label: frozenset(values) for label, values in domains.items()}
        for counters in self._counters.values():
            counters.restrict(allowed)
        for histograms in self._histograms.values():
            histograms.restrict(allowed)

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
        if cost_nano_usd:
            self._cost[(model,)].value += cost_nano_usd

    def decision(self, policy: str, action: str, mode: str, reason: str) -> None:
        """One policy's word on one request; `reason` is a code of the catalogue, or "none"."""
        self._decisions[policy, action, mode, reason].value += 1

    def saturation(self, policy: str, limit: str, ratio: float) -> None:
        self._saturation[policy, limit].observe(ratio)

    def settled(self, outcome: str, *, estimated: bool, adjustment_tokens: int) -> None:
        """`adjustment_tokens` is actual minus reserved: negative is a refund."""
        self._settlements[outcome, _YES_NO[estimated]].value += 1
        # Two directions, each a positive amount: a sum that could fall would be no sum to Prometheus.
        if adjustment_tokens > 0:
            self._adjustment[("debit",)].observe(adjustment_tokens)
        else:
            self._adjustment[("refund",)].observe(-adjustment_tokens)

    def client_gone(self, phase: str) -> None:
        self._counters["gateway_client_disconnects_total"][(phase,)].value += 1

    def retry_observed(self) -> None:
        self._counters["gateway_retries_observed_total"][()].value += 1

    # upstreams, store, policies

    def upstream_attempt(self, upstream: str, code_class: str) -> None:
        """`code_class` is "2xx", "4xx", "5xx", "busy", "timeout", "error", "stale" or "cancelled"."""
        self._upstream_requests[upstream, code_class].value += 1

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

    # the scrape

    def render(self) -> bytes:
        """The Prometheus text format, as `CONTENT_TYPE` says."""
        return generate_latest(self._registry)

    def families(self) -> Iterator[Metric]:
        for metric in METRICS:
            read = self._callbacks.get(metric.name)
            if read is not None:
                yield _single(metric, read)
            elif metric.kind is Kind.COUNTER:
                yield _counter_family(metric, self._counters[metric.name])
            elif metric.kind is Kind.HISTOGRAM:
                yield _histogram_family(metric, self._histograms[metric.name])
            else:
                yield _gauge_family(metric, self._gauges[metric.name])


class _Exposition(Collector):
    """What the registry asks at scrape time."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return self._metrics.families()


def _counters(metric: Instrument) -> Family[Counter]:
    return Family(metric.labels, Counter, metric.cap)


def _histograms(metric: Instrument) -> Family[Histogram]:
    return Family(metric.labels, lambda: Histogram(metric.buckets), metric.cap)


def _single(metric: Instrument, read: Callable[[], float]) -> Metric:
    counts = metric.kind is Kind.COUNTER
    family = (CounterMetricFamily if counts else GaugeMetricFamily)(metric.name, metric.help)
    # One broken owner must not cost the whole scrape; the missing series shows.
    with contextlib.suppress(Exception):
        family.add_metric([], read())
    return family


def _counter_family(metric: Instrument, children: Family[Counter]) -> Metric:
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    if not metric.labels:
        children[()]  # a counter without labels is there from the start, at 0
    for values, child in children.items():
        family.add_metric(values, child.value / metric.scale if metric.scale > 1 else child.value)
    return family


def _histogram_family(metric: Instrument, children: Family[Histogram]) -> Metric:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for values, child in children.items():
        buckets = [("+Inf" if bound == float("inf") else repr(bound), count) for bound, count in child.cumulative()]
        family.add_metric(values, buckets, child.total)
    return family


def _gauge_family(metric: Instrument, values: dict[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family
