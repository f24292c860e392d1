"""docs/monitoring.md lists every alert as it is; each alert has one runbook, and what that tells to run exists."""

import re
from pathlib import Path

import pytest
import yaml

from tests.support.markdown import ROOT, blocks
from tests.support.promql import problems
from tests.support.promql_rules import Rule, alerts, recorded, rule_files

PAGE = ROOT / "docs" / "monitoring.md"
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
ALERTS = alerts()
RECORDED = recorded()
SECTIONS = ["First look", "Likely causes", "Looks the same", "What to do", "Escalate"]
VERBS = set(re.findall(r"^## gateway ([a-z -]+)$", (ROOT / "docs" / "cli.md").read_text(), re.MULTILINE))
ENDPOINTS = re.findall(r"`(?:GET|POST) /admin/v1/([\w*/]+)`", (ROOT / "docs" / "admin-api.md").read_text())

runbooks = pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)


def row(rule: Rule) -> str:
    link = f"[`{rule.name}`](runbooks/{rule.name}.md)"
    return f"| {link} | {rule.labels['severity']} | {rule.hold} | {rule.annotation('summary')} |"


def alert_table() -> str:
    ordered = sorted(ALERTS, key=lambda rule: rule.file.name == "anomalies.yaml")
    return "\n".join(["| alert | severity | after | what it says |", "|---|---|---|---|", *map(row, ordered)])


def test_the_page_lists_every_alert():
    text = PAGE.read_text()
    listed = text[text.index("<!-- alerts: begin -->") + 22 : text.index("<!-- alerts: end -->")].strip()
    assert listed == alert_table()


def test_the_page_names_every_rule_file():
    text = PAGE.read_text()
    assert all(f"`{path.name}`" in text for path in rule_files())
    for block in blocks(PAGE):
        if block.language == "yaml":
            assert {Path(name).name for name in yaml.safe_load(block.text)["rule_files"]} == {
                path.name for path in rule_files()
            }


def test_recorded_names_in_the_page_exist():
    named = re.findall(r"`(\w+:gateway_\w+:\w+)`", PAGE.read_text())
    assert len(named) >= 2
    assert set(named) <= set(RECORDED)


def test_one_page_for_each_alert_and_none_without():
    assert {page.stem for page in RUNBOOKS} == {rule.name for rule in ALERTS}


@runbooks
def test_a_runbook_is_whole(page):
    text = page.read_text()
    rule = next(rule for rule in ALERTS if rule.name == page.stem)
    assert text.startswith(f"# {rule.name}\n\n**{rule.labels['severity'].capitalize()}**, after {rule.hold}. ")
    said = " ".join(text.split())
    assert rule.annotation("summary") in said
    assert rule.annotation("detects") in said
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert len(text.splitlines()) < 90


@runbooks
def test_its_queries_name_what_exists(page):
    queries = [line for block in blocks(page) if block.language == "promql" for line in block.text.splitlines()]
    assert queries or page.stem == "GatewayStoreCommitFailing"
    for query in queries:
        assert problems(query, RECORDED) == [], query


@runbooks
def test_its_commands_and_endpoints_exist(page):
    text = page.read_text()
    for words in re.findall(r"(?:^|`)gateway\s+([a-z]+(?:\s+[a-z]+)?)", text, re.MULTILINE):
        said = " ".join(words.split())
        assert any(said.startswith(verb) for verb in VERBS), said
    for path in re.findall(r"/admin/v1/([\w/]+)", text):
        assert any(re.fullmatch(known.replace("*", r"\w+"), path) for known in ENDPOINTS), path


@runbooks
def test_settings_it_names_exist(page):
    known = (ROOT / "docs" / "configuration.md").read_text()
    for name in re.findall(r"`((?:limits|timers|observe|reservation|data)\.\w+)", page.read_text()):
        assert f"`{name}`" in known, name
