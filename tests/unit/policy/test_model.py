import pytest

from gateway.yamlio import YamlProblems
from tests.support.policies import policy

BOTH = """
limits: {x: {unit: concurrent, per: key, amount: 1}}
budgets: {x: {unit: usd, per: org, amount: 1, period: day}}
"""


@pytest.mark.parametrize(
    ("status", "mode", "effective"),
    [
        ("experimental", "", "audit"),
        ("testing", "", "audit"),
        ("stable", "", "enforce"),
        ("deprecated", "", "enforce"),
        ("testing", "mode: enforce\n", "enforce"),
        ("stable", "mode: audit\n", "audit"),
        ("stable", "mode: off\n", "off"),
    ],
)
def test_what_is_not_stable_is_only_watched_unless_said(status: str, mode: str, effective: str) -> None:
    assert policy(mode, status=status).effective_mode == effective


@pytest.mark.parametrize(
    ("text", "match", "says"),
    [
        ("", "{}", "write `match: all`"),
        ("", "", "expected `all` or a mapping"),
        ("", "everything", "expected `all` or a mapping"),
        ("", "{tier: }", "an empty match"),
        ("", "{not: {}}", "an empty match"),
        ("", "{teir: free}", "did you mean 'tier'"),
        ("", "{country: Germany}", "match.country"),
        ("", "{verified: 'yes'}", "match.verified"),
        ("limits: {x: {unit: requests, amount: 1, window: 1m}}", "all", "missing key 'limits.x.per'"),
        ("limits: {x: {unit: requests, per: account, amount: 1}}", "all", "missing key 'limits.x.window'"),
        ("limits: {x: {unit: concurrent, per: account, amount: 1, window: 1m}}", "all", "unknown key 'window'"),
        ("limits: {x: {unit: usd, per: account, amount: 1, window: 1m}}", "all", "x.unit: expected one of"),
        ("limits: {x: {unit: requests, per: account, amount: '1', window: 1m}}", "all", "limits.x.amount"),
        ("limits: {x: {unit: requests, per: account, amount: 0, window: 1m}}", "all", "greater than 0"),
        ("limits: {X: {unit: concurrent, per: account, amount: 1}}", "all", "limits"),
        ("budgets: {x: {unit: usd, per: org, amount: 1, period: week}}", "all", "budgets.x.period"),
        ("budgets: {x: {unit: usd, per: org, amount: 1, period: day, anchor_day: 2}}", "all", "period: month"),
        ("budgets: {x: {unit: usd, per: org, amount: 1, period: month, anchor_day: 32}}", "all", "anchor_day"),
        ("access: {}", "all", "at least one rule"),
        ("disclose: nothing", "all", "disclose"),
        ("exceptions: [{account: a, reason: r, owner: o}]", "all", "missing key 'exceptions[0].until'"),
        (
            BOTH,
            "all",
            "names two rules",
        ),
    ],
)
def test_mistakes_are_named(text: str, match: str, says: str) -> None:
    with pytest.raises(YamlProblems) as caught:
        policy(text, match=match)
    assert says in str(caught.value)
    assert str(caught.value).startswith("p.yaml:")


def test_a_country_that_looks_like_a_boolean_is_a_country() -> None:
    match = policy(match="{country: [NO, unknown]}").match
    assert match is not None
    assert match.country == ("NO", "unknown")


def test_match_all_is_no_match_block() -> None:
    assert policy(match="all").match is None
