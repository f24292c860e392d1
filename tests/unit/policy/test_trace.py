import pytest

from gateway.policy.compiling import Compiler
from gateway.policy.definitions import Definitions, DefinitionsFile
from gateway.policy.trace import Step, decisive, lines, outline, trace
from gateway.validate import build
from gateway.yamlio import load
from tests.support.inquiries import inquiry
from tests.support.policies import policy, policy_set
from tests.unit.policy.test_criteria import when

SHARED = build(load("version: 1\nfragments: {young: {account_age: {below: 7d}}}", "definitions.yaml"), DefinitionsFile)


def steps(text: str) -> Step:
    node = Compiler(Definitions(SHARED.fragments)).condition(when(text), ())
    return trace(node, inquiry({"n": 2}))


def test_every_node_says_what_it_found() -> None:
    text = "{tier: free, any: [{n: {at_least: 3}}, {temperature: {below: 0.5}}], not: {use: young}}"
    assert list(lines(steps(text))) == [
        "?   all of",
        "  yes tier: free (found: free)  [tier_listed]",
        "  ?   any of",
        "    no  n: at_least 3 (found: 2 choices)  [n_out_of_range]",
        "    ?   temperature: below 0.5 (found: unknown)  [not_evaluated]",
        "  ?   not",
        "    ?   use: young",
        "      ?   account_age: below 7d (found: unknown)  [not_evaluated]",
    ]


def test_without_a_request_the_condition_stands_as_in_the_file() -> None:
    text = "{tier: [free, trial], any: [{n: {at_least: 3}}, {all: [{stream: true}]}], not: {use: young}}"
    node = Compiler(Definitions(SHARED.fragments)).condition(when(text), ())
    assert list(outline(node)) == [
        "all of",
        "  tier: free or trial",
        "  any of",
        "    n: at_least 3",
        "    stream: true",
        "  not",
        "    use: young",
        "      account_age: below 7d",
    ]
    assert list(outline(Compiler().condition(None, ()))) == ["always"]


@pytest.mark.parametrize(
    ("text", "code", "turned"),
    [
        ("{tier: pro, n: {at_least: 3}}", "tier_not_listed", False),
        ("{tier: free, n: {at_least: 3}}", "n_out_of_range", False),
        ("{temperature: {below: 1}, n: {at_least: 3}}", "n_out_of_range", False),
        ("{temperature: {below: 1}, n: {at_least: 2}}", "not_evaluated", False),
        ("{any: [{tier: pro}, {n: {at_least: 2}}]}", "n_in_range", False),
        ("{any: [{tier: pro}, {n: {at_least: 3}}]}", "tier_not_listed", False),
        ("{not: {tier: free}}", "tier_listed", True),
        ("{not: {tier: free, n: {at_least: 3}}}", "n_out_of_range", True),
        ("{not: {not: {tier: free}}}", "tier_listed", False),
        ("{use: young}", "not_evaluated", False),
    ],
)
def test_the_criterion_that_settled_it(text: str, code: str, turned: bool) -> None:
    leaf, negated = decisive(steps(text))
    assert (leaf.code, negated) == (code, turned)


def test_no_word_of_the_request_is_in_it() -> None:
    private = "my very private sentence"
    text = "{text: {phrases: something else}, headers: {x-note: a*}, address: 203.0.113.0/24, client_country: DE}"
    rules = policy_set(policy(f"rules: {{r: {{when: {text}, then: deny, per_request: true}}}}"))
    asked = inquiry(
        {"messages": [{"role": "user", "content": private}]},
        headers={"x-note": private, "authorization": private},
        address="203.0.113.7",
        rules=rules,
    )
    said = "\n".join(lines(trace(rules.compiled[0].rules[0].condition, asked)))
    assert "(found: 24 characters of text)" in said
    assert "private" not in said
    assert "203.0.113.7" not in said
