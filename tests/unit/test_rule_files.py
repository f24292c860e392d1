"""The rule files name only what exists, follow the naming, and every alert is complete and tried both ways."""

import re
from pathlib import Path

import pytest
import yaml

from tests.support import campaign_mix
from tests.support.promql import labels_of, problems
from tests.support.promql_rules import Rule, alerts, in_order, levels, recorded, rule_files, rules
from tests.support.promql_values import SIGNALS, closed_values

CASES = Path(__file__).parents[1] / "deploy" / "rules"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
TRIED = re.compile(r'ALERTS\{alertname="(\w+)", alertstate="firing"\}')

ALL = rules()
ALERTS = alerts()
RECORDED = recorded()


def named(rule: Rule) -> str:
    return rule.name


def seconds(text: str) -> int:
    return int(text[:-1]) * SECONDS[text[-1]]


def test_there_are_rules():
    assert {path.name for path in rule_files()} == {
        "recording.yaml", "baselines.yaml", "symptoms.yaml", "upkeep.yaml", "anomalies.yaml",
    }  # fmt: skip
    assert len(ALERTS) > 40
    assert len({rule.name for rule in ALERTS}) == len(ALERTS)


@pytest.mark.parametrize("rule", ALL, ids=named)
def test_an_expression_has_no_problems(rule):
    assert problems(rule.expr, RECORDED) == []


@pytest.mark.parametrize("rule", [rule for rule in ALL if not rule.alert], ids=named)
def test_a_recorded_name_is_level_metric_operations(rule):
    assert re.fullmatch(r"[a-z_]+:gateway_[a-z0-9_]+:[a-z0-9_]+", rule.name)
    assert all(value in closed_values(rule.name, label) for label, value in rule.labels.items())


@pytest.mark.parametrize("rule", ALL, ids=named)
def test_a_subquery_reads_recorded_series_only(rule):
    for name in re.findall(r"([\w:]+)(?:\{[^}]*\})?\[\w+:\w*\]", rule.expr):
        assert ":" in name, name
    assert ")[" not in rule.expr.replace(" ", ""), "a subquery over an expression is dear"


@pytest.mark.parametrize("rule", ALL, ids=named)
def test_no_function_is_experimental(rule):
    assert not re.search(r"\b(holt_winters|double_exponential_smoothing|mad_over_time|sort_by_label)\b", rule.expr)


def test_no_rule_keeps_an_instance_in_its_result():
    kept = {name for name, labels in RECORDED.items() if labels & {"instance", "pod", "container", "endpoint"}}
    assert kept == set()


def test_every_recorded_series_is_read_or_public():
    """What nothing reads costs for nothing. Those below are for dashboards and for people."""
    read = set()
    for rule in ALL:
        read |= {name for name in RECORDED if re.search(rf"{re.escape(name)}\b", rule.expr)}
    assert set(RECORDED) - read == {"upstream:gateway_upstream_duration_seconds:p95_5m"}


@pytest.mark.parametrize("rule", ALERTS, ids=named)
def test_an_alert_is_complete(rule):
    assert re.fullmatch(r"Gateway[A-Z]\w+", rule.name)
    assert rule.labels.keys() == {"severity"}
    assert rule.labels["severity"] in {"page", "ticket"}
    assert len(rule.annotation("summary")) > 10
    assert len(rule.annotation("description")) > 30
    assert rule.annotation("runbook_url") == f"docs/runbooks/{rule.name}.md"
    assert seconds(rule.hold) >= 2 * seconds(rule.interval), "one odd evaluation is no alert"


@pytest.mark.parametrize("rule", ALERTS, ids=named)
def test_what_an_alert_says_names_its_own_labels(rule):
    """`$labels.x` of a label that is not there prints nothing, in the middle of the night."""
    for label in re.findall(r"\$labels\.(\w+)", rule.annotation("summary") + rule.annotation("description")):
        assert label in labels_of(rule.expr, RECORDED)


@pytest.mark.parametrize("rule", [rule for rule in ALERTS if rule.file.name == "anomalies.yaml"], ids=named)
def test_an_anomaly_is_a_ticket_and_says_what_it_detects(rule):
    assert rule.labels["severity"] == "ticket"
    assert re.match(r"\d+ % of all requests", rule.annotation("detects"))


def test_every_alert_is_tried_both_ways():
    fires, quiet = set(), set()
    for path in CASES.glob("*.yaml"):
        for case in yaml.safe_load(path.read_text())["tests"]:
            assert any('namespace="good"' in one["series"] for one in case["input_series"]) or case["name"] in LONE
            for check in case["promql_expr_test"]:
                name = TRIED.fullmatch(check["expr"])[1]
                (fires if check["exp_samples"] else quiet).add(name)
    assert fires == {rule.name for rule in ALERTS}
    assert quiet == {rule.name for rule in ALERTS}


LONE = {"GatewayAbsent", "GatewayRubricGrading, a second week with the same job at the same time is usual"}
"""Cases without a well neighbour: one is about nothing being there, the other about the same fleet at another time."""


def test_levels_read_only_what_came_before():
    seen: set[str] = set()
    for level in levels():
        for rule in level:
            assert not {other.name for other in in_order()} - seen & _names(rule), rule.name
        seen |= {rule.name for rule in level}


def _names(rule: Rule) -> set[str]:
    return {name for name in RECORDED if re.search(rf"{re.escape(name)}\b", rule.expr)}


def test_the_made_up_fleets_have_every_signal():
    assert set(campaign_mix.SIGNALS) == set(SIGNALS)
