import pytest

from gateway.core.model import Model
from gateway.policy.compiling import Compiler
from gateway.policy.conditions import cover, may_cover
from gateway.policy.names import matches, names_model
from gateway.policy.situation import Situation
from tests.support.policies import NOW, model, policy, principal


def covers(match: str, dialect: str = "chat", on: Model | None = None, **facts: object) -> bool:
    node = Compiler().condition(policy(match=match).match, ())
    return cover(node, Situation(principal(**facts), dialect, on or model(), NOW)) is not None


@pytest.mark.parametrize(
    ("match", "facts", "holds"),
    [
        ("all", {}, True),
        ("{tier: free}", {}, True),
        ("{tier: [pro, free]}", {}, True),
        ("{tier: pro}", {}, False),
        ("{account: acme}", {}, True),
        ("{account: other}", {}, False),
        ("{org: org1}", {}, True),
        ("{org: acme}", {}, False),
        ("{country: DE}", {"country": "DE"}, True),
        ("{country: DE}", {"country": "de"}, True),
        ("{country: DE}", {}, False),
        ("{country: unknown}", {}, True),
        ("{country: unknown}", {"country": "DE"}, False),
        ("{verified: false}", {}, True),
        ("{verified: true}", {}, False),
        ("{declared_purpose: research}", {"declared_purpose": "research"}, True),
        ("{declared_purpose: research}", {}, False),
        ("{tags: [a, b]}", {"tags": frozenset({"b", "c"})}, True),
        ("{tags: [a, b]}", {"tags": frozenset({"c"})}, False),
        ("{tier: free, verified: true}", {}, False),
        ("{tier: free, verified: true}", {"verified": True}, True),
        ("{not: {tier: free}}", {}, False),
        ("{not: {tier: pro}}", {}, True),
        ("{not: {tier: free, verified: true}}", {}, True),
        ("{not: {not: {tier: free}}}", {}, True),
        ("{tier: free, not: {account: acme}}", {}, False),
    ],
)
def test_facts_about_the_account(match: str, facts: dict[str, object], holds: bool) -> None:
    assert covers(match, **facts) is holds


@pytest.mark.parametrize(
    ("match", "holds"),
    [
        ("{model: m1}", True),
        ("{model: m}", False),
        ("{model: 'm*'}", True),
        ("{model: '*'}", True),
        ("{model: nick}", True),
        ("{model: [a, b]}", False),
        ("{dialect: chat}", True),
        ("{dialect: [messages, responses]}", False),
        ("{model: m1, dialect: messages}", False),
        ("{not: {model: m1}}", False),
        ("{not: {model: m2}}", True),
        ("{not: {model: m1, dialect: messages}}", True),
        ("{not: {model: m1, tier: pro}}", True),
        ("{not: {model: m1, tier: free}}", False),
    ],
)
def test_facts_about_the_request(match: str, holds: bool) -> None:
    assert covers(match, on=model(aliases=("nick",))) is holds


@pytest.mark.parametrize(
    ("match", "possible"),
    [
        ("{tier: pro, model: m1}", False),
        ("{not: {tier: free}}", False),
        ("{tier: free, model: other}", True),
        ("{any: [{tier: pro}, {model: other}]}", True),
        ("{all: [{tier: pro}, {model: m1}]}", False),
    ],
)
def test_an_account_that_is_not_meant_is_decided_before_any_request(match: str, possible: bool) -> None:
    node = Compiler().condition(policy(match=match).match, ())
    assert may_cover(node, Situation(principal(), "chat", model(), NOW)) is possible


def test_only_the_star_is_special_in_patterns() -> None:
    assert matches("a[1]-x", "a[1]-*")
    assert not matches("a1-x", "a[1]-*")
    assert not matches("abc", "a?c*")
    assert not matches("M1", "m*")
    assert names_model(("nick",), model(aliases=("nick",)))
