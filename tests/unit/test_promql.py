"""The PromQL check finds what Prometheus would answer with silence, and lets good expressions through."""

import pytest

from gateway.observe.instruments import METRICS
from tests.support.promql import TARGET, labels_of, problems, series
from tests.support.promql_values import closed_values

RECORDED = {"fleet:requests:rate5m": frozenset({"job"}), "route:overhead_seconds:p99_5m": frozenset({"job", "route"})}

GOOD = [
    "sum(rate(gateway_requests_total[5m]))",
    'sum by (route) (rate(gateway_refusals_total{reason=~"rate_limit_exceeded|insufficient_quota"}[$__rate_interval]))',
    "histogram_quantile(0.99, sum by (le, route) (rate(gateway_overhead_seconds_bucket[5m])))",
    'sum(rate(gateway_limit_saturation_ratio_bucket{le="0.9"}[5m]))',
    "sum without (instance, pod) (gateway_requests_in_flight)",
    "max_over_time(fleet:requests:rate5m[1h:5m] offset 1w) > 2",
    'absent(up{job="gateway"} == 1)',
    "sum by (policy) (rate(gateway_limit_saturation_ratio_count[5m])) and on (policy) gateway_decisions_total > 0",
    "gateway_upstream_up * on (job) group_left () fleet:requests:rate5m",
    'sum(rate(gateway_requests_total{model=~"$model", route="$route"}[5m])) or vector(0)',
    'topk(3, sum by (reason) (increase(gateway_refusals_total{reason!="none"}[1h])))',
    "-sum(fleet:requests:rate5m) / scalar(sum(fleet:requests:rate5m)) + time()",
]

BAD = [
    ("sum(", "does not parse"),
    ("sum(rate(gateway_reqests_total[5m]))", "neither exported"),
    ("fleet:request:rate5m", "neither exported"),
    ("rate(gateway_overhead_seconds[5m])", "neither exported"),
    ("sum(rate(gateway_requests_total{reason='overloaded'}[5m]))", "no label reason"),
    ("sum by (modell) (rate(gateway_requests_total[5m]))", "no label modell"),
    ("sum without (model) (rate(gateway_refusals_total[5m]))", "no label model"),
    ("sum(rate(gateway_refusals_total{reason='rate_limited'}[5m]))", "never 'rate_limited'"),
    ("sum(rate(gateway_refusals_total{reason=~'overloaded|rate_limited'}[5m]))", "never 'rate_limited'"),
    ("sum(rate(gateway_refusals_total{reason!~'rate_.*|quota.*'}[5m]))", "never 'quota.*'"),
    ("sum(rate(gateway_overhead_seconds_bucket{le='0.3'}[5m]))", "le is never"),
    ("histogram_quantile(0.9, sum by (route) (rate(gateway_overhead_seconds_bucket[5m])))", "without le"),
    ("rate(gateway_requests_in_flight[5m])", "rate of the gauge"),
    ("rate(fleet:requests:rate5m[5m])", "not a counter"),
    ("rate(sum(fleet:requests:rate5m)[1h:5m])", "not a counter"),
    ("sum by (route) (rate(gateway_refusals_total[5m])) / sum(rate(gateway_requests_total[5m]))", "different labels"),
    (
        "sum(rate(gateway_refusals_total[5m])) / on (route) sum by (route) (rate(gateway_requests_total[5m]))",
        "both sides",
    ),
    ("route:overhead_seconds:p99_5m / ignoring (le) fleet:requests:rate5m", "more than the ignored"),
    ("route:overhead_seconds:p99_5m * on (job) group_left (version) fleet:requests:rate5m", "to be copied"),
    ("gateway_requests_in_flight > 1 and sum(fleet:requests:rate5m) > 1", "different labels"),
    ('{__name__="gateway_requests_total"}', "without a metric name"),
]


@pytest.mark.parametrize("expr", GOOD)
def test_a_good_expression_has_no_problems(expr):
    assert problems(expr, RECORDED) == []


@pytest.mark.parametrize(("expr", "said"), BAD)
def test_a_bad_expression_is_named(expr, said):
    assert any(said in problem for problem in problems(expr, RECORDED))


def test_labels_follow_the_expression():
    found = labels_of("sum without (instance, pod) (rate(gateway_overhead_seconds_bucket[5m]))", {})
    assert found == (TARGET - {"instance", "pod"}) | {"route", "le"}
    assert labels_of("histogram_quantile(0.9, sum by (le, route) (rate(gateway_overhead_seconds_bucket[5m])))", {}) == {
        "route"
    }
    assert labels_of('label_replace(fleet:requests:rate5m, "x", "1", "", "")', RECORDED) == {"job", "x"}
    assert labels_of("sum(fleet:requests:rate5m)", RECORDED) == frozenset()


def test_every_exported_name_is_known():
    names = series()
    for metric in METRICS:
        wanted = {metric.name} if not metric.buckets else {f"{metric.name}_{end}" for end in ("bucket", "sum", "count")}
        assert wanted <= set(names)
        assert all(frozenset(metric.labels) <= names[name] for name in wanted)


def test_values_of_open_labels_are_not_judged():
    assert closed_values("gateway_requests_total", "model") is None
    assert "complete" in (closed_values("gateway_requests_total", "outcome") or ())
