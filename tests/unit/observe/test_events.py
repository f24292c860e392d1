import logging

import pytest

from gateway.core.clock import ManualClock
from gateway.core.ports import Events
from gateway.observe.events import EVENTS, MetricEvents
from gateway.observe.metrics import Metrics

SAMPLES: dict[str, dict[str, str | float]] = {
    "upstream.attempt": {"upstream": "gpu-1", "outcome": "answered"},
    "upstream.state": {"upstream": "gpu-1", "open": 1},
    "upstream.passed_over": {"upstream": "gpu-1", "reason": "upstream_busy"},
    "store.commit_failed": {"error": "disk full"},
    "ledger.debt_clamped": {"unit": "output_tokens", "units": 12},
    "ledger.expired": {},
    "reload.ok": {"revision": "r1"},
    "reload.failed": {"error": "policies/free.yaml:3:1"},
    "switch.off": {"policy": "free", "by": "ada", "until": "2026-03-01T12:00:00.000Z"},
    "switch.on": {"policy": "free", "why": "over"},
    "store.lost": {"store": "redis", "error": "no answer"},
    "store.back": {"store": "redis", "seconds": 3.5},
}
SERIES = {
    "upstream.attempt": 'gateway_upstream_requests_total{code_class="2xx",upstream="gpu-1"} 1',
    "upstream.state": 'gateway_upstream_up{upstream="gpu-1"} 0',
    "upstream.passed_over": 'gateway_upstream_passed_over_total{reason="upstream_busy",upstream="gpu-1"} 1',
    "store.commit_failed": 'gateway_store_operations_total{op="commit",outcome="failed"} 1',
    "ledger.debt_clamped": 'gateway_store_operations_total{op="settle",outcome="debt_clamped"} 1',
    "ledger.expired": 'gateway_store_operations_total{op="expire",outcome="ok"} 1',
    "reload.ok": 'gateway_policy_info{revision="r1"} 1',
    "reload.failed": "gateway_policy_last_reload_successful 0",
}
LOGGED = {
    "upstream.state": logging.WARNING,
    "store.commit_failed": logging.ERROR,
    "ledger.debt_clamped": logging.WARNING,
    "ledger.expired": logging.WARNING,
    "reload.ok": logging.INFO,
    "reload.failed": logging.ERROR,
    "switch.off": logging.WARNING,
    "switch.on": logging.WARNING,
    "store.lost": logging.ERROR,
    "store.back": logging.WARNING,
}


def wired() -> tuple[Events, Metrics]:
    metrics = Metrics("1", ["chat"])
    metrics.configure([], ["gpu-1"], [])
    return MetricEvents(metrics, ManualClock()), metrics


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_moves_its_metric_and_logs_what_people_should_know(name, caplog):
    events, metrics = wired()
    with caplog.at_level(logging.INFO, "gateway"):
        events.emit(name, **SAMPLES[name])
    lines = [line.replace(".0", "") for line in metrics.render().decode().splitlines()]
    assert name not in SERIES or SERIES[name] in lines
    assert [record.levelno for record in caplog.records] == ([LOGGED[name]] if name in LOGGED else [])
    if name in LOGGED:
        assert caplog.records[0].fields == SAMPLES[name]


def test_an_upstream_that_recovers_is_up_again(caplog):
    events, metrics = wired()
    with caplog.at_level(logging.INFO, "gateway"):
        events.emit("upstream.state", upstream="gpu-1", open=1)
        events.emit("upstream.state", upstream="gpu-1", open=0)
    assert 'gateway_upstream_up{upstream="gpu-1"} 1.0' in metrics.render().decode()
    assert [record.getMessage() for record in caplog.records] == ["upstream is down", "upstream is up"]


@pytest.mark.parametrize(
    ("outcome", "code_class"),
    [("rejected", "4xx"), ("failed", "5xx"), ("busy", "busy"), ("unreachable", "error"), ("broken", "error")],
)
def test_attempts_are_counted_by_class(outcome, code_class, caplog):
    events, metrics = wired()
    events.emit("upstream.attempt", upstream="gpu-1", outcome=outcome)
    series = f'gateway_upstream_requests_total{{code_class="{code_class}",upstream="gpu-1"}} 1.0'
    assert series in metrics.render().decode()
    assert not caplog.records


def test_a_refused_credential_of_ours_is_an_error_in_the_log(caplog):
    events, metrics = wired()
    events.emit("upstream.attempt", upstream="gpu-1", outcome="credentials")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert 'code_class="credentials"' in metrics.render().decode()


@pytest.mark.parametrize(
    ("name", "fields"),
    [("no.such.event", {}), ("upstream.attempt", {}), ("upstream.state", {"upstream": "gpu-1"}), ("reload.ok", {})],
)
def test_a_mistaken_emitter_is_named_and_never_raised_at(name, fields, caplog):
    events, _ = wired()
    events.emit(name, **fields)
    (record,) = caplog.records
    assert record.fields["event"] == name


def test_an_upstream_that_fails_is_logged_with_its_cause(caplog):
    events, _ = wired()
    with caplog.at_level(logging.INFO):
        events.emit("upstream.attempt", upstream="gpu-1", outcome="answered", detail="")
        events.emit("upstream.attempt", upstream="gpu-1", outcome="unreachable", detail="connection refused")
    (line,) = caplog.records
    assert (line.levelno, line.fields["detail"]) == (logging.WARNING, "connection refused")
