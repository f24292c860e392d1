import pytest

from gateway.policy.lint import Known, Scene
from gateway.policy.lint_match import MATCH_RULES
from tests.support.policies import NOW, linted, model, policy_file, shared

KNOWN = Known(
    models=(model("gpt-a", aliases=("nick",), family="a"), model("gpt-b")),
    tiers=frozenset({"free", "pro"}),
    accounts=frozenset({"acme"}),
    orgs=frozenset({"org1"}),
    dialects=frozenset({"chat", "messages"}),
)


def complaints(text: str = "", *, match: str = "all", known: Known = KNOWN) -> list[tuple[str, str]]:
    file = policy_file(text, match=match)
    scene = Scene([file], NOW, known=known, definitions=shared("fragments: {paying: {tier: pro}}"))
    return [(rule.code, message) for rule in MATCH_RULES for _, message in rule.check(file, scene)]


@pytest.mark.parametrize(
    "match",
    [
        "{tier: free, not: {tier: free}}",
        "{tier: free, not: {tier: [free, pro]}}",
        "{tier: free, model: gpt-a, not: {model: 'gpt-*'}}",
        "{verified: true, not: {verified: true}}",
        "{tier: free, not: {model: '*'}}",
        "{not: {tier: pro, not: {tier: [pro, free]}}}",
        "{all: [{tier: free}, {tier: pro}]}",
        "{account_age: {below: 1d}, not: {any: [{account_age: {below: 2d}}, {tier: pro}]}}",
        "{use: paying, tier: free}",
    ],
)
def test_p201_a_match_that_takes_away_all_it_selects(match: str) -> None:
    assert [code for code, _ in complaints(match=match)] == ["P201"]


@pytest.mark.parametrize(
    "match",
    [
        "all",
        "{not: {tier: free}}",
        "{tier: [free, pro], not: {tier: free}}",
        "{tier: free, not: {tier: free, verified: true}}",
        "{model: 'gpt-*', not: {model: gpt-a}}",
        "{verified: true, not: {verified: false}}",
        "{tier: free, not: {tier: free, not: {verified: true}}}",
    ],
)
def test_p201_a_match_that_leaves_something(match: str) -> None:
    assert complaints(match=match) == []


def test_p202_words_that_name_nobody() -> None:
    found = complaints(
        "exceptions: [{account: gone, reason: r, owner: o, until: 2099-01-01}]",
        match="{tier: [fre, pro], account: acme, not: {org: org2}}",
    )
    assert found == [
        ("P202", "unknown tier 'fre', did you mean 'free'?"),
        ("P202", "unknown org 'org2', did you mean 'org1'?"),
        ("P202", "unknown account 'gone', expected one of: acme"),
    ]


def test_p203_patterns_that_select_no_model() -> None:
    text = """
limits: {rpm: {unit: requests, per: account, amount: 60, window: 1m, models: [nick, gtp-b]}}
budgets: {day: {unit: requests, per: account, amount: 60, period: day, models: each}}
access: {models: ['claude*', gpt-b]}
"""
    found = complaints(text, match="{model: ['gpt-*', 'o*']}")
    assert [code for code, _ in found] == ["P203"] * 3
    assert "'gtp-b' selects no model of the catalogue, did you mean 'gpt-b'?" in found[2][1]


def test_p204_unknown_dialects() -> None:
    found = complaints("access: {dialects: [chat, mesages]}", match="{dialect: chats}")
    assert found == [
        ("P204", "unknown dialect 'chats', did you mean 'chat'?"),
        ("P204", "unknown dialect 'mesages', did you mean 'messages'?"),
    ]


def test_p209_routes_families_and_upstreams_that_do_not_exist() -> None:
    found = complaints(
        "rules: {r: {when: {family: [a, z], upstream: u2}, then: flag}}", match="{route: [/v1/messages, /v1/mesages]}"
    )
    assert [code for code, _ in found] == ["P209"] * 3
    assert found[0][1] == "unknown route '/v1/mesages', did you mean '/v1/messages'?"
    assert found[1][1].startswith("unknown family 'z'")
    assert found[2][1].startswith("unknown upstream 'u2'")
    assert complaints(match="{route: /v1/messages, family: a, upstream: u1}") == []


def test_words_in_what_policies_share_are_checked_too() -> None:
    text = (
        "fragments:\n  f:\n    any:\n      - tier: fre\n      - model: o1\n      - dialect: chatt\n      - route: /\n"
    )
    found = linted(MATCH_RULES, policy_file(), known=KNOWN, definitions=shared(text))
    assert found == [
        (code, line, "definitions.yaml") for code, line in (("P202", 5), ("P203", 6), ("P204", 7), ("P209", 8))
    ]


def test_what_is_not_known_is_not_checked() -> None:
    text = "access: {models: nothing, dialects: nothing}"
    assert complaints(text, match="{tier: x, account: y, org: z, model: m, dialect: d}", known=Known()) == []
