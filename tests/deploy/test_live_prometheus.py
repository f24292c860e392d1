"""A real Prometheus watches two gateways under load: every dashboard query finds something, and finds it right.

A query of a name that nobody exports answers with silence, and so does one whose labels do not join. Only a real
server that scrapes a real gateway tells them apart from a query about something that has not happened yet.
"""

import contextlib
import math
import time
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from tests.support.administering import done
from tests.support.backfill import history, line, write_blocks
from tests.support.boards import BOARDS, load, panels, queries
from tests.support.mixed_traffic import Mixture, one_round, scrape, two_gateways
from tests.support.prometheus import need_prometheus, prometheus
from tests.support.promql_rules import rule_files, rules

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(300)]

WARM_UP = 14
"""Scrapes of each gateway before a query is judged: ranges of ten seconds are full by then."""
WEEK_S = 7 * 24 * 3600
SHIFTED = ("gateway_signal_requests_total", "gateway_tokens_total", "gateway_output_input_ratio_bucket")
"""What boards compare with last week: a past is made up for it."""
NEEDS_DAYS = {
    "signal:gateway_traffic:ratio_rate1h": {"signal": "single_turn"},
    "signal:gateway_traffic:score_robust": {"signal": "single_turn"},
    "signal:gateway_traffic:score_adaptive": {"signal": "single_turn"},
    "signal:gateway_traffic:season": {"signal": "single_turn"},
    "fleet:gateway_cost_usd:season": {},
}
"""What rules record only after hours or weeks. Here it is given; that they do so is proven with the rules."""
OURS = {"groups": [{"name": "test", "rules": [{"alert": "GatewayUnderTest", "expr": 'up{job="gateway"} == 1'}]}]}


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Gateways under load that have been scraped for a while, and who scraped them."""
    need_prometheus()
    folder = tmp_path_factory.mktemp("watched")
    (folder / "ours.yaml").write_text(yaml.safe_dump(OURS))
    with two_gateways(folder) as gateways:
        for gateway in gateways:
            one_round(gateway, 0)
        # On one of the two: what the policy counts goes on on the other.
        done(gateways[1], "PUT", "switches/enterprise", {"reason": "a test", "until": tomorrow()})
        targets = [f"127.0.0.1:{gateway.gateway.ops_port}" for gateway in gateways]
        past = write_blocks(folder / "past", [*last_week(gateways, targets), *usual()])
        files = [folder / "ours.yaml", *(hasty(path, folder) for path in rule_files())]
        with (
            Mixture(gateways) as mixture,
            prometheus(folder / "prometheus", {"gateway": targets}, rules=files, data=past) as server,
        ):
            mixture.wait_rounds(5)
            server.until_scraped("gateway", WARM_UP * len(targets))
            yield server, gateways
        assert mixture.failure is None


def tomorrow():
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


def hasty(path, folder):
    """The same rules, evaluated at every scrape: their groups' own pace is minutes."""
    document = yaml.safe_load(path.read_text())
    for group in document["groups"]:
        del group["interval"]
    (folder / path.name).write_text(yaml.safe_dump(document))
    return folder / path.name


def last_week(gateways, targets):
    """The counters of a first round, as if they had grown the whole time that this test takes, a week ago."""
    then = time.time() - WEEK_S
    for gateway, target in zip(gateways, targets, strict=True):
        text = scrape(gateway).decode()
        yield from history(text, SHIFTED, then - 30, then + 300, job="gateway", instance=target)


def usual():
    now = int(time.time()) - 2
    return [line(name, {"job": "gateway", **labels}, 0.5, now) for name, labels in NEEDS_DAYS.items()]


def numbers(series):
    return [value for one in series if not math.isnan(value := float(one["value"][1]))]


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_every_query_of_a_board_finds_something(watched, path):
    server, _ = watched
    silent = {query.id: query.filled for query in queries(path)}

    def all_have_spoken():
        for name, expr in list(silent.items()):
            if numbers(server.query(expr)):
                del silent[name]
        return not silent

    # What is rare may lie between two ranges: it has a few more rounds to happen.
    with contextlib.suppress(AssertionError):
        server.until(all_have_spoken, "an answer to every query", patience_s=15)
    assert silent == {}


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_tile_shows_one_number(watched, path):
    server, _ = watched
    tiles = {panel["title"] for panel in panels(load(path)) if panel["type"] == "stat"}
    for query in queries(path):
        if query.panel in tiles:
            assert len(server.query(query.filled)) == 1, query.id


def shown(server, board, panel, at=None):
    """What a panel shows: number by labels, now or at a Unix time."""
    path = next(path for path in BOARDS if path.stem == board)
    (query,) = [query for query in queries(path) if query.panel == panel]
    return {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in server.query(query.filled, at)}


def labels(found, name):
    return {dict(key)[name] for key in found}


def test_what_is_shown_is_what_happened(watched):
    server, gateways = watched
    assert shown(server, "traffic", "Instances up") == {(): len(gateways)}
    assert 0.05 < shown(server, "traffic", "Refusal share")[()] < 0.9
    assert 0 < shown(server, "traffic", "Failure share")[()] < 0.9
    assert 0 < shown(server, "traffic", "Overhead p50")[()] < 0.1
    assert {
        "rate_limit_exceeded",
        "insufficient_quota",
        "policy_denied",
        "invalid_api_key",
        "model_not_found",
    } <= labels(shown(server, "traffic", "Refusals by reason"), "reason")
    assert {"2xx", "4xx", "5xx", "busy", "error", "cancelled"} <= labels(
        shown(server, "traffic", "Upstream attempts by class"), "code_class"
    )
    # The upstream that is not there is refused at once, its breaker opens, and the tile says so.
    server.until(lambda: shown(server, "traffic", "Upstream state")[(("upstream", "gone"),)] == 0, "an open breaker")
    assert shown(server, "traffic", "Upstream state")[(("upstream", "main"),)] == 1
    assert {"wait", "answer"} <= labels(shown(server, "traffic", "Callers that left"), "phase")
    (revision,) = shown(server, "traffic", "Policy revisions in force").values()
    assert revision == len(gateways)


def test_refusals_are_joined_to_the_clauses_of_their_policies(watched):
    server, _ = watched
    now = time.time()
    found = shown(server, "quotas", "Refusals by clause", now)
    assert {("Usage Limits", "1 Free tier"), ("Usage Limits", "3 Other accounts"), ("Trial Terms", "4 Money")} <= {
        (dict(key)["document"], dict(key)["section"]) for key in found
    }
    # Every policy that refuses here names a clause: nothing falls out of the join, nothing is counted twice.
    denied = shown(server, "quotas", "Refusals by policy", now)
    assert sum(found.values()) == pytest.approx(sum(denied.values()))
    assert sum(found.values()) > 0


def test_full_limits_stand_out(watched):
    server, _ = watched
    shares = shown(server, "quotas", "Requests that found a limit over 90 % used")
    by_policy = {}
    for key, share in shares.items():
        if not math.isnan(share):
            policy = dict(key)["policy"]
            by_policy[policy] = max(by_policy.get(policy, 0), share)
    assert by_policy["other-tiers"] > 0.2  # where the mistyped account keeps knocking
    assert by_policy["enterprise"] < 0.2
    assert shown(server, "quotas", "Limits under pressure")[()] >= 1


def test_marks_show_where_they_are_sent_and_the_rest_says_why(watched):
    server, _ = watched

    def agreeing():
        share = shown(server, "extraction", "Marks that show").get((("route", "chat"),), math.nan)
        return share if share > 0.6 else None  # no answer was read in this range: the next one

    assert server.until(agreeing, "marks that show", patience_s=20) < 1
    assert shown(server, "extraction", "Self-test of the mark") == {(("upstream", "marked"),): 1}
    assert labels(shown(server, "extraction", "Why answers are not marked"), "why") == {"format"}
    marked = shown(server, "extraction", "Answers to be marked")
    assert marked[(("result", "marked"),)] > marked[(("result", "skipped"),)] > 0
    assert shown(server, "extraction", "Fingerprints")[(("result", "kept"),)] > 0
    assert server.value('sum(rate(gateway_receipts_issued_total{job="gateway"}[10s]))') > 0
    assert server.value("sum(gateway_receipts_dropped_total)") == 0


def test_prometheus_has_nothing_to_complain_about(watched):
    server, _ = watched
    assert [line for line in server.log.splitlines() if "level=warn" in line or "level=error" in line] == []
    assert server.value('min(up{job="gateway"})') == 1
    assert server.value("max(scrape_duration_seconds)") < 1


def test_rules_are_loaded_and_evaluated(watched):
    server, _ = watched
    server.until(lambda: all(rule["health"] == "ok" for rule in server.rules()), "every rule was evaluated")
    assert len(server.rules()) == len(rules()) + 1
    assert [rule["name"] for rule in server.rules() if rule.get("lastError")] == []
