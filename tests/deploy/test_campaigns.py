"""Made-up campaigns over real day shapes, played to a real Prometheus: what docs/monitoring.md says fires, fires.

No attack traffic is public: fleets, accounts and campaigns are made up (`tests/support/campaign_mix.py`).
"""

import re

import pytest

from tests.support.campaign_mix import SCENARIOS
from tests.support.campaign_report import MARKS, PAGE, Fired, anomalies, compute, split, text, traces
from tests.support.prometheus import need_prometheus

Plays = dict[str, list[Fired]]


@pytest.mark.deploy
@pytest.mark.timeout(900)
def test_what_the_page_says_is_what_fires():
    """One test, because all of it rests on one computation of a minute or two."""
    need_prometheus()
    if not traces().is_dir():
        pytest.skip("needs the timing traces (EXCISE_TIMING, or ../shared/data/timing)")
    fired = compute()
    the_page_says_what_was_computed(fired)
    an_alert_detects_what_it_claims(fired)
    a_launch_is_no_harvest(fired)
    the_harvest_score_never_fired_without_a_cause(fired)
    what_fires_without_a_cause_is_rare(fired)


def the_page_says_what_was_computed(fired: Plays) -> None:
    """Prometheus adds up in no fixed order, so that a crossing may come a step sooner or later than on the page."""
    page = PAGE.read_text()
    begin, end = (page.index(mark) for mark in MARKS)
    said, found = page[begin + len(MARKS[0]) : end].strip().splitlines(), text(fired).splitlines()
    for says, is_found in zip(said, found, strict=True):
        assert sorted(words(says)) == sorted(words(is_found)), "python -m tests.support.campaign_report"
        numbers = zip(sorted(figures(says)), sorted(figures(is_found)), strict=True)
        assert all(abs(a - b) <= 2 for a, b in numbers), (says, is_found)


def words(line: str) -> list[str]:
    return re.findall(r"[^\W\d]+", line)


def figures(line: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", line)]


def an_alert_detects_what_it_claims(fired: Plays) -> None:
    """What it claims may be more modest than what it found once."""
    for rule in anomalies():
        claimed = int(re.match(r"\d+", rule.annotation("detects"))[0]) / 100
        assert claimed in caused(fired, rule.name), rule.name


def caused(fired: Plays, alert: str) -> list[float]:
    """The shares at which an alert fired because of a campaign; a launch in the same fortnight explains the cost."""
    return [
        scenario.share
        for scenario in SCENARIOS
        if scenario.campaign and any(one.alert == alert for one in split(scenario, fired[scenario.name])[0])
        if not (scenario.launch and alert == "GatewayCostAboveSeason")
    ]


def a_launch_is_no_harvest(fired: Plays) -> None:
    assert {one.alert for one in fired["launch"]} == {"GatewayCostAboveSeason"}


def the_harvest_score_never_fired_without_a_cause(fired: Plays) -> None:
    for scenario in SCENARIOS:
        assert "GatewayHarvestPattern" not in {one.alert for one in split(scenario, fired[scenario.name])[1]}


def what_fires_without_a_cause_is_rare(fired: Plays) -> None:
    odd = [one for scenario in SCENARIOS for one in split(scenario, fired[scenario.name])[1]]
    assert len(odd) <= 20
    assert sum(one.end_h - one.begin_h for one in odd) < 0.01 * 24 * 14 * len(SCENARIOS)
