"""Slips of the pen in rules: each is one sentence at its place, and nothing that means nothing is accepted."""

import pytest
from multidict import CIMultiDict

from gateway.policy.compiling import Unusable
from gateway.yamlio import YamlProblems
from tests.support.inquiries import judged
from tests.support.policies import policy, policy_set


@pytest.mark.parametrize(("rule", "column", "says"), [
    ("{when: {n: {at_least: 1}}, then: bann}", 39, "rules.x.then: unknown action 'bann', expected one of: declare,"),
    ("{when: {n: {at_least: 1}}, then: denny}", 39, "rules.x.then: unknown action 'denny', did you mean 'deny'?"),
    ("{when: {n: {at_least: 1}}, then: {slow: 31s}}", 46, "rules.x.then.slow: expected less than or equal to 30"),
    ("{when: {n: {at_least: 1}}, then: {slow: 1s, tag: a}}", 33, "rules.x.then: expected one action: flag,"),
    ("{when: {n: {at_least: 1}}, then: {deny: true}}", 33, "rules.x.then: expected one action: flag,"),
    ("{when: {n: {at_least: 1}}, then: {word: deny}}", 33, "rules.x.then: expected one action: flag,"),
    ("{when: {n: {at_least: 1}}, then: {reduce: {max_nn: 1}}}", 49, "unknown key 'max_nn', did you mean 'max_n'?"),
    ("{when: {n: {at_least: 1}}, then: {reduce: {}}}", 40, "rules.x.then.reduce: expected logprobs: false,"),
    ("{when: {n: {at_least: 1}}, then: [deny]}", 33, "rules.x.then: expected a mapping, found a list"),
    ("{when: {terms: {}}, then: deny}", 14, "rules.x.when.terms: expected profile, distillation, reasoning or"),
])  # fmt: skip
def test_a_slip_is_one_problem_at_its_place(rule: str, column: int, says: str) -> None:
    with pytest.raises(YamlProblems) as caught:
        policy(f"rules:\n  x: {rule}\n")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (7, column)
    assert problem.message.startswith(says)


def test_no_address_is_of_an_unknown_country() -> None:
    """Where the data does not know an address nothing is evaluated: `unknown` could never hold."""
    with pytest.raises(Unusable, match="an address without a country") as caught:
        policy_set(policy("rules: {x: {when: {client_country: [DE, unknown]}, then: deny}}"))
    assert caught.value.path == ("rules", "x", "when", "client_country")


@pytest.mark.parametrize(
    ("values", "refuses"),
    [(["bad"], True), (["good"], False), (["good", "bad"], True), (["bad", "good"], True), ([], False)],
)
def test_a_second_header_of_a_name_hides_none(values: list[str], refuses: bool) -> None:
    rules = policy_set(policy("rules: {x: {when: {headers: {x-app: bad}}, then: deny}}"))
    headers = CIMultiDict([("X-App", value) for value in values])
    assert (judged(rules, headers=headers).refusal is not None) is refuses


def test_of_equally_strong_rules_the_first_by_name_is_told() -> None:
    rules = policy_set(
        policy("rules: {ab: {when: {n: {at_least: 1}}, then: deny}, a: {when: {n: {at_least: 1}}, then: deny}}")
    )
    refusal = judged(rules).refusal
    assert refusal is not None
    assert refusal.details["rule"] == "a"
