import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.core.account import STANDINGS
from gateway.core.build import COMPILED
from gateway.core.usage import Usage
from gateway.observe.instruments import METRICS, Instrument, Kind
from gateway.observe.mark_counts import KEPT
from gateway.observe.metrics import Metrics
from gateway.observe.tally import MAX_TIERS
from gateway.watermarks.occasion import SKIPS
from tests.support.some_looks import tell

DOCS = Path(__file__).parents[3] / "docs" / "metrics.md"


def metrics() -> Metrics:
    made = Metrics("1.2.3", ["chat", "messages"])
    made.configure(["small", "large"], ["gpu-1", "gpu-2"], ["free"], ["rpm"])
    return made


def samples(made: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(made.render().decode())
        for sample in family.samples
    }


def value(made: Metrics, name: str, **labels: str) -> float | None:
    return samples(made).get((name, frozenset(labels.items())))


def whole_request(made: Metrics, model: str = "small", route: str = "chat", policy: str = "free") -> None:
    made.request_done(route, model, "complete", stream=True, duration_s=2.0, overhead_s=0.0003, ttfb_s=0.2)
    made.refused(route, "rate_limit_exceeded")
    made.tokens(model, Usage(10, 20), 1_500_000_000)
    made.decision(policy, "allow", "enforce", "none")
    made.saturation(policy, "rpm").observe(0.5)
    made.upstream_attempt("gpu-1", "2xx")
    made.upstream_done("gpu-1", 1.5)
    made.settled("complete", estimated=False, adjustment_tokens=-300)
    made.store_call("reserve", "ok", 0.00002)
    made.client_gone("answer")
    made.retry_observed()


def test_what_is_counted_is_what_is_scraped():
    made = metrics()
    whole_request(made)
    whole_request(made)
    assert value(made, "gateway_requests_total", route="chat", model="small", outcome="complete") == 2
    assert value(made, "gateway_request_duration_seconds_bucket", route="chat", stream="true", le="1.28") == 0
    assert value(made, "gateway_request_duration_seconds_bucket", route="chat", stream="true", le="2.56") == 2
    assert value(made, "gateway_request_duration_seconds_sum", route="chat", stream="true") == 4.0
    assert value(made, "gateway_overhead_seconds_count", route="chat") == 2
    assert value(made, "gateway_time_to_first_byte_seconds_count", route="chat") == 2
    assert value(made, "gateway_refusals_total", route="chat", reason="rate_limit_exceeded") == 2
    assert value(made, "gateway_tokens_total", model="small", direction="input") == 20
    assert value(made, "gateway_tokens_total", model="small", direction="output") == 40
    assert value(made, "gateway_cost_usd_total", model="small") == 3.0
    assert value(made, "gateway_decisions_total", policy="free", action="allow", mode="enforce", reason="none") == 2
    assert value(made, "gateway_limit_saturation_ratio_bucket", policy="free", limit="rpm", le="0.5") == 2
    assert value(made, "gateway_upstream_requests_total", upstream="gpu-1", code_class="2xx") == 2
    assert value(made, "gateway_upstream_duration_seconds_count", upstream="gpu-1") == 2
    assert value(made, "gateway_settlements_total", outcome="complete", estimated="false") == 2
    assert value(made, "gateway_store_operations_total", op="reserve", outcome="ok") == 2
    assert value(made, "gateway_store_duration_seconds_count", op="reserve") == 2
    assert value(made, "gateway_client_disconnects_total", phase="answer") == 2
    assert value(made, "gateway_retries_observed_total") == 2
    assert value(made, "gateway_build_info", version="1.2.3", compiled=str(COMPILED).lower()) == 1


def test_a_request_without_an_answer_has_no_first_byte():
    made = metrics()
    made.request_done("chat", "small", "refused", stream=False, duration_s=0.001, overhead_s=0.001)
    assert value(made, "gateway_requests_total", route="chat", model="small", outcome="refused") == 1
    assert value(made, "gateway_time_to_first_byte_seconds_count", route="chat") is None


def test_settlement_adjustments_go_in_two_directions():
    made = metrics()
    made.settled("complete", estimated=True, adjustment_tokens=-300)
    made.settled("complete", estimated=True, adjustment_tokens=70)
    made.settled("complete", estimated=True, adjustment_tokens=0)
    assert value(made, "gateway_settle_adjustment_tokens_sum", direction="refund") == 300
    assert value(made, "gateway_settle_adjustment_tokens_count", direction="refund") == 2
    assert value(made, "gateway_settle_adjustment_tokens_sum", direction="debit") == 70
    assert value(made, "gateway_settlements_total", outcome="complete", estimated="true") == 3


def test_random_names_never_make_series():
    made = metrics()
    whole_request(made, model="unknown", route="scan", policy="gone")
    before = len(samples(made))
    for index in range(20_000):
        whole_request(made, model=f"m{index}", route=f"/admin{index}.php", policy=f"p{index}")
        made.upstream_attempt(f"u{index}", "2xx")
        made.upstream_done(f"u{index}", 1.0)
        made.upstream_state(f"u{index}", up=False)
        made.refused("chat", f"reason {index}")
        made.saturation("free", f"l{index}").observe(1.0)
    # Two values that were not seen before: upstream and reason "other" (a counter and the 17 samples of a histogram).
    assert len(samples(made)) - before < 60
    assert value(made, "gateway_requests_total", route="other", model="other", outcome="complete") == 20_001


def test_a_reload_changes_what_labels_may_say():
    made = metrics()
    whole_request(made, model="small")
    made.upstream_state("gpu-2", up=False)
    made.configure(["large", "huge"], ["gpu-2", "gpu-3"], ["free"], ["rpm"])
    whole_request(made, model="huge")
    whole_request(made, model="small")
    assert value(made, "gateway_requests_total", route="chat", model="small", outcome="complete") is None
    assert value(made, "gateway_requests_total", route="chat", model="huge", outcome="complete") == 1
    assert value(made, "gateway_requests_total", route="chat", model="other", outcome="complete") == 1
    # Counts that still have their labels go on, and so does the state of an upstream that stays.
    assert value(made, "gateway_store_operations_total", op="reserve", outcome="ok") == 3
    assert value(made, "gateway_upstream_up", upstream="gpu-1") is None
    assert value(made, "gateway_upstream_up", upstream="gpu-2") == 0
    assert value(made, "gateway_upstream_up", upstream="gpu-3") == 1


def test_watched_gauges_are_read_at_scrape_time_and_a_broken_one_is_left_out():
    made = metrics()
    held = [3]
    made.watch("gateway_reservations_held", lambda: held[0])
    made.watch("gateway_decision_log_dropped_total", lambda: 7)
    made.watch("gateway_requests_in_flight", lambda: 1 // 0)
    held[0] = 4
    assert value(made, "gateway_reservations_held") == 4
    assert value(made, "gateway_decision_log_dropped_total") == 7
    assert value(made, "gateway_requests_in_flight") is None


def test_only_declared_metrics_without_labels_can_be_watched():
    with pytest.raises(ValueError, match="has labels"):
        metrics().watch("gateway_upstream_up", lambda: 1)
    with pytest.raises(KeyError):
        metrics().watch("gateway_no_such_thing", lambda: 1)


def test_the_policy_revision_in_force_is_one_series():
    made = metrics()
    made.reloaded("r1", 1_800_000_000_500)
    made.reloaded("r2", 1_800_000_001_500)
    made.reload_failed()
    assert value(made, "gateway_policy_info", revision="r1") is None
    assert value(made, "gateway_policy_info", revision="r2") == 1
    assert value(made, "gateway_policy_reload_success_timestamp_seconds") == 1_800_000_001.5
    assert value(made, "gateway_policy_last_reload_successful") == 0


def test_counters_without_labels_start_at_zero():
    assert value(metrics(), "gateway_retries_observed_total") == 0


def test_what_detectors_report_is_counted_by_tier():
    made = metrics()
    made.configure([], [], [], [], ["free", "trial"])
    tell(made, "free", rubric=True, logprobs=None)
    tell(made, "free", rubric=False)
    tell(made, "free", rubric=False, spread=(3, 1))
    tell(made, "made-up", rubric=True)
    tell(made, "trial", ratio=0.25)
    tell(made, "trial", ratio=100.0)
    name = "gateway_signal_requests_total"
    assert value(made, name, signal="rubric", tier="free", present="true") == 1
    assert value(made, name, signal="rubric", tier="free", present="false") == 2
    assert value(made, name, signal="rubric", tier="other", present="true") == 1
    assert value(made, name, signal="logprobs", tier="free", present="false") is None, "it did not apply"
    assert value(made, "gateway_output_input_ratio_bucket", tier="trial", le="0.25") == 1
    assert value(made, "gateway_output_input_ratio_count", tier="trial") == 2
    assert value(made, "gateway_key_networks_bucket", le="2.0") == 0
    assert value(made, "gateway_key_networks_bucket", le="4.0") == 1
    assert value(made, "gateway_key_clients_bucket", le="1.0") == 1
    assert value(made, "gateway_detector_duration_seconds_count") == 6


def test_what_comes_of_marks_is_counted():
    made = metrics()
    made.marked("marked", "none")
    made.marked("skipped", "tools")
    made.marked("skipped", "tools")
    made.pairs("chat", 7, 3)
    made.pairs("chat", 1, 0)
    made.pairs("made-up", 2, 2)
    assert value(made, "gateway_watermark_answers_total", result="marked", why="none") == 1
    assert value(made, "gateway_watermark_answers_total", result="skipped", why="tools") == 2
    assert value(made, "gateway_watermark_pairs_total", route="chat", side="agree") == 8
    assert value(made, "gateway_watermark_pairs_total", route="chat", side="disagree") == 3
    assert value(made, "gateway_watermark_pairs_total", route="other", side="agree") == 2


def test_every_way_of_not_marking_has_a_series_of_its_own():
    made = metrics()
    ways = [(result, why) for result in ("skipped", "would_skip") for why in SKIPS]
    for result, why in [("marked", "none"), ("would_mark", "none"), *ways]:
        made.marked(result, why)
    assert {value(made, "gateway_watermark_answers_total", result=result, why=why) for result, why in ways} == {1}


def test_lost_fingerprints_are_counted_from_zero_on():
    """An alert waits for the first one, and `increase` does not see a series begin at 1."""
    made = metrics()
    name = "gateway_registry_answers_total"
    assert [value(made, name, result=result) for result in KEPT] == [0, 0, 0]
    made.fingerprinted("dropped")
    made.configure(["small"], ["gpu-1"], ["free"], ["rpm"])
    assert [value(made, name, result=result) for result in KEPT] == [0, 1, 0]


def test_the_self_test_of_an_upstream_that_is_gone_says_nothing_any_more():
    made = metrics()
    name = "gateway_watermark_probe_ok"
    assert value(made, name, upstream="gpu-1") is None  # nobody tested yet
    made.probed("gpu-1", ok=False)
    made.probed("gpu-2", ok=True)
    made.configure(["small"], ["gpu-2"], ["free"], ["rpm"])
    assert value(made, name, upstream="gpu-1") is None
    assert value(made, name, upstream="gpu-2") == 1


def test_histograms_without_labels_are_there_from_the_start():
    assert value(metrics(), "gateway_key_networks_count") == 0


def test_only_so_many_tiers_have_names():
    made = metrics()
    names = [f"tier-{index}" for index in range(MAX_TIERS + 1)]
    made.configure([], [], [], [], names)
    for name in names:
        tell(made, name, ratio=1.0)
    assert value(made, "gateway_output_input_ratio_count", tier=names[MAX_TIERS - 1]) == 1
    assert value(made, "gateway_output_input_ratio_count", tier=names[MAX_TIERS]) is None
    assert value(made, "gateway_output_input_ratio_count", tier="other") == 1


def test_every_standing_is_there_even_with_nobody_in_it():
    made = metrics()
    assert [value(made, "gateway_accounts", standing=one) for one in STANDINGS] == [0, 0, 0, 0]
    made.standings({"clear": 7, "blocked": 2})
    assert [value(made, "gateway_accounts", standing=one) for one in STANDINGS] == [7, 0, 0, 2]
    made.standings({"clear": 9})
    assert [value(made, "gateway_accounts", standing=one) for one in STANDINGS] == [9, 0, 0, 0]


def test_clauses_are_those_of_the_policies_in_force():
    made = metrics()
    made.clauses([("free", "Terms", "4.2"), ("paid", "Terms", "")])
    assert value(made, "gateway_policy_clause_info", policy="free", document="Terms", section="4.2") == 1
    assert value(made, "gateway_policy_clause_info", policy="paid", document="Terms", section="") == 1
    made.clauses([(f"p{index}", "Terms", "") for index in range(1000)])
    assert value(made, "gateway_policy_clause_info", policy="free", document="Terms", section="4.2") is None
    assert len([name for name, _ in samples(made) if name == "gateway_policy_clause_info"]) == 100


# The rules that `promtool check metrics` knows, and ours on top.

UNITS = ("_seconds", "_bytes", "_ratio", "_usd", "_tokens", "_networks", "_clients")
ASKED_FOR = ("gateway_account_requests_total", "gateway_account_tokens_total")
"""Only where the operator switches it on, and then a bounded number of them."""


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_the_conventions(metric: Instrument):
    assert re.fullmatch(r"gateway_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.help.endswith(".")
    assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")
    assert (metric.kind is Kind.HISTOGRAM) == bool(metric.buckets)
    if metric.kind is Kind.HISTOGRAM:
        assert metric.name.endswith(UNITS)
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert "model" not in metric.labels, "a model label multiplies every bucket: it stands on counters only"
        assert not {"le", "quantile"} & set(metric.labels)
    else:
        assert not metric.name.endswith(("_count", "_sum", "_bucket"))
    assert not re.search(r"_(ms|milliseconds|minutes|hours|kb|mb|percent|gauge|counter|histogram)(_|$)", metric.name)
    assert metric.name in ASKED_FOR or "account" not in metric.labels
    assert not {"key", "key_id", "org", "user", "path", "address"} & set(metric.labels)
    for label in metric.labels:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", label)


def test_names_are_unique():
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))


def test_the_scrape_offers_every_metric_and_no_other():
    families = {family.name: family for family in text_string_to_metric_families(metrics().render().decode())}
    for metric in METRICS:
        family = families.pop(metric.name.removesuffix("_total"))
        assert (family.type, family.documentation) == (metric.kind, metric.help)
    assert not families


def test_the_documentation_has_one_row_for_every_metric_and_no_other():
    rows = re.findall(r"^\| `(gateway_\w+)` \| (\w+) \| ([^|]*) \| ([^|]*) \|$", DOCS.read_text(), re.MULTILINE)
    documented = [
        (name, kind, tuple(re.findall(r"`(\w+)`", labels)), text.strip()) for name, kind, labels, text in rows
    ]
    assert documented == [(metric.name, metric.kind.value, metric.labels, metric.help) for metric in METRICS]
