import pytest

from gateway.policy.lint_time import TIME_RULES
from tests.support.policies import linted, policy_file

EXCEPTION = "exceptions:\n- {{account: a, reason: r, owner: o, until: {}}}\n"
RULE = "rules:\n  r: {{when: {{seed: true}}, then: flag, until: {}}}\n"
OUTPUT = "output:\n  o: {{max_characters: 5, how: after, until: {}}}\n"


@pytest.mark.parametrize(
    ("text", "code", "over", "running"),
    [
        (EXCEPTION, "P106", "2026-03-01", "2026-03-02"),
        (RULE, "P108", "2026-03-02T12:00:00Z", "2026-03-02T12:00:01Z"),
        (OUTPUT, "P108", "2026-03-01", "2026-03-02"),
    ],
)
def test_p106_p108_what_has_run_out(text: str, code: str, over: str, running: str) -> None:
    assert linted(TIME_RULES, policy_file(text.format(over))) == [(code, 7, "p.yaml")]
    assert linted(TIME_RULES, policy_file(text.format(running))) == []


@pytest.mark.parametrize("text", [EXCEPTION, RULE, OUTPUT])
def test_p109_what_hardly_ends(text: str) -> None:
    assert linted(TIME_RULES, policy_file(text.format("2027-03-04"))) == [("P109", 7, "p.yaml")]
    assert linted(TIME_RULES, policy_file(text.format("2027-03-02"))) == []


def test_what_has_no_end_needs_none() -> None:
    assert linted(TIME_RULES, policy_file("rules: {r: {when: {seed: true}, then: flag}}")) == []
