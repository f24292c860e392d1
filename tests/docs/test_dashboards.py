"""The dashboards keep the rules of Grafana's dashboard linter, name only what is exported, and are documented."""

import json
import re

import promql_parser as pql
import pytest

from gateway.observe.instruments import METRICS, Kind
from tests.support.boards import BOARDS, load, nodes, panels, queries
from tests.support.markdown import ROOT
from tests.support.promql import labels_of, problems
from tests.support.promql_rules import alerts, recorded

PAGE = (ROOT / "docs" / "dashboards.md").read_text()
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {
    "none", "short", "percentunit", "s", "bytes", "reqps", "ops", "currencyUSD", "dateTimeFromNow",
}  # fmt: skip
"""Those of Grafana's units that we use: a misspelt one would be shown behind every number."""
PANELS = {"stat", "timeseries", "heatmap", "bargauge", "state-timeline"}
LAST_WEEK = " offset 1w"
COUNTING = {"rate", "increase"}
COUNTERS = {metric.name for metric in METRICS if metric.kind is Kind.COUNTER} | {
    f"{metric.name}_{end}" for metric in METRICS if metric.kind is Kind.HISTOGRAM for end in ("bucket", "sum", "count")
}
UNFILTERED = {"ALERTS"}
"""An alert about all instances together carries no job and no instance."""

every_board = pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)


def variables(board):
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def test_there_are_three_boards():
    assert [path.stem for path in BOARDS] == ["extraction", "quotas", "traffic"]
    assert len({load(path)["uid"] for path in BOARDS}) == 3


@every_board
def test_the_file_is_written_in_one_way(path):
    """So that a change made in Grafana and exported shows as what it is."""
    assert path.read_text() == json.dumps(load(path), indent=2, ensure_ascii=False) + "\n"


@every_board
def test_a_board_says_what_it_is(path):
    board = load(path)
    assert board["uid"] == f"excise-{path.stem}"
    assert board["title"].startswith("Excise / ")
    assert board["description"]
    assert board["tags"] == ["excise"]
    assert board["editable"] is False
    assert board["schemaVersion"] == 38  # Grafana 10.0: what is newer reads it too
    assert board["refresh"] in board["timepicker"]["refresh_intervals"]


@every_board
def test_the_data_source_is_a_variable(path):
    variable = variables(load(path))["datasource"]
    assert (variable["type"], variable["query"], variable["label"]) == ("datasource", "prometheus", "Data source")


@every_board
def test_every_other_variable_asks_prometheus_and_may_be_all(path):
    found = variables(load(path))
    assert list(found)[:3] == ["datasource", "job", "instance"]
    for name, variable in list(found.items())[1:]:
        assert variable["datasource"] == SOURCE
        assert variable["label"] == name.capitalize()
        assert (variable["multi"], variable["includeAll"], variable["allValue"]) == (True, True, ".+")
        assert variable["refresh"] == 2  # on a change of the time range: what was gone may be back
        assert variable["definition"] == variable["query"]["query"]
        expr, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"]).groups()
        assert label == name
        assert problems(expr, recorded()) == []
        assert label in labels_of(expr, recorded())


@every_board
def test_every_variable_is_used(path):
    board = load(path)
    text = json.dumps([board["panels"], board["annotations"]])
    for name in variables(board):
        assert f"${name}" in text or f"${{{name}}}" in text


@every_board
def test_the_boards_lead_to_each_other(path):
    (link,) = load(path)["links"]
    assert (link["type"], link["tags"]) == ("dashboards", ["excise"])
    assert link["includeVars"]
    assert link["keepTime"]


@every_board
def test_reloads_and_alerts_are_marked(path):
    reloads, fired = load(path)["annotations"]["list"]
    assert "gateway_policy_reload_success_timestamp_seconds" in reloads["expr"]
    named = re.search(r'^ALERTS\{alertname=~"([^"]+)"', fired["expr"])[1]
    names = [rule.name for rule in alerts()]
    assert len(names) > 10
    assert [name for name in names if not re.fullmatch(named, name)] == []
    assert reloads["datasource"] == fired["datasource"] == SOURCE
    assert reloads["enable"]
    assert fired["enable"]


@every_board
def test_panels_have_ids_and_places_of_their_own(path):
    board = load(path)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {(place["x"] + right, place["y"] + down) for right in range(place["w"]) for down in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    lines = {}
    for panel in board["panels"]:
        place = panel["gridPos"]
        lines[place["y"]] = max(place["h"], lines.get(place["y"], 0))
    # No gap between two lines, which Grafana would close by moving panels.
    assert list(lines) == [sum(list(lines.values())[:count]) for count in range(len(lines))]


@every_board
def test_tiles_come_first_and_every_panel_stands_in_a_row(path):
    kinds = [panel["type"] for panel in load(path)["panels"]]
    assert kinds[0] == "row"
    second = kinds.index("row", 1)
    assert set(kinds[1:second]) == {"stat"}
    assert "stat" not in kinds[second:]


@every_board
def test_every_panel_is_complete(path):
    for panel in panels(load(path)):
        title = panel["title"]
        assert panel["type"] in PANELS, title
        assert title.strip()
        assert len(panel["description"].split()) >= 6, title
        defaults = panel["fieldConfig"]["defaults"]
        unit = panel["options"]["yAxis"]["unit"] if panel["type"] == "heatmap" else defaults["unit"]
        assert unit in UNITS, title
        references = [target["refId"] for target in panel["targets"]]
        assert references, title
        assert len(references) == len(set(references)), title
        assert panel["type"] in ("stat", "bargauge") or panel["options"]["legend"], title


@every_board
def test_every_query_asks_the_chosen_source_in_the_form_of_its_panel(path):
    for panel in panels(load(path)):
        assert panel["datasource"] == SOURCE, panel["title"]
        for target in panel["targets"]:
            assert target["datasource"] == SOURCE, panel["title"]
            assert target["legendFormat"], panel["title"]
            assert target["instant"] is not target["range"], panel["title"]
            assert (target.get("format") == "heatmap") is (panel["type"] == "heatmap"), panel["title"]


@every_board
def test_queries_and_legends_name_only_what_there_is(path):
    rules = recorded()
    for query in queries(path):
        assert problems(query.expr, rules) == [], query.id
        assert set(re.findall(r"{{(\w+)}}", query.legend)) <= labels_of(query.expr, rules), query.id


@every_board
def test_ranges_are_grafanas_to_choose(path):
    for query in queries(path):
        assert set(re.findall(r"\[([^\]]+)\]", query.expr)) <= {"$__rate_interval", "$__range"}, query.id


@every_board
def test_every_selector_can_be_narrowed_to_a_job_and_an_instance(path):
    rules = recorded()
    for query in queries(path):
        for node in nodes(query.expr):
            if isinstance(node, pql.VectorSelector) and node.name not in UNFILTERED:
                matchers = [(m.name, m.value) for m in node.matchers.matchers if m.op == pql.MatchOp.Re]
                assert ("job", "$job") in matchers, query.id
                # What rules record is of all instances together.
                assert (node.name in rules) is (("instance", "$instance") not in matchers), query.id


@every_board
def test_counters_are_read_as_rates(path):
    for query in queries(path):
        found = nodes(query.expr)
        read = [node.name for node in found if isinstance(node, pql.VectorSelector)]
        calls = [node for node in found if isinstance(node, pql.Call) and node.func.name in COUNTING]
        rated = [call.args[0].vector_selector.name for call in calls]
        assert sorted(name for name in read if name in COUNTERS) == sorted(rated), query.id


@every_board
def test_a_line_of_last_week_is_the_line_of_today_shifted(path):
    for panel in panels(load(path)):
        exprs = [target["expr"] for target in panel["targets"]]
        shifted = [expr for expr in exprs if LAST_WEEK in expr]
        assert [expr.replace(LAST_WEEK, "") for expr in shifted] == (exprs[:1] if shifted else []), panel["title"]


def test_every_metric_is_on_a_board():
    """Bar those of single accounts, which are off unless someone switches them on."""
    shown = {
        node.name
        for path in BOARDS
        for query in queries(path)
        for node in nodes(query.expr)
        if isinstance(node, pql.VectorSelector)
    }
    missing = [
        metric.name for metric in METRICS if not {metric.name, f"{metric.name}_bucket", f"{metric.name}_sum"} & shown
    ]
    assert missing == ["gateway_account_requests_total", "gateway_account_tokens_total"]


@every_board
def test_the_page_lists_every_row_and_panel(path):
    board = load(path)
    section = PAGE.partition(f"\n## {board['title'].removeprefix('Excise / ')}")[2].partition("\n## ")[0]
    rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert re.findall(r"^### (.+)$", section, re.MULTILINE) == rows
    assert re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE) == [
        title for row in rows for title in ("panel", *titles_of(board, row))
    ]


def titles_of(board, row):
    """The panels between one row and the next."""
    all_titles = [(panel["type"], panel["title"]) for panel in board["panels"]]
    after = all_titles[all_titles.index(("row", row)) + 1 :]
    kinds = [kind for kind, _ in after]
    return [title for _, title in after[: kinds.index("row") if "row" in kinds else None]]
