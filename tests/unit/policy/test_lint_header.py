import pytest

from gateway.policy.definitions import NONE, Definitions
from gateway.policy.lint import Scene
from gateway.policy.lint_header import HEADER_RULES
from gateway.policy.load import PolicyFile
from gateway.policy.model import Policy
from gateway.validate import build
from gateway.yamlio import load
from tests.support.policies import NOW, policy_file, shared

RPM = "limits: {rpm: {unit: requests, per: account, amount: 60, window: 1m}}\n"
WHOLE = "owner: team\ndescription: d\n" + RPM + "false_positives: f\n"


def codes(text: str, *, tested: bool = True, definitions: Definitions = NONE, **head: str) -> list[tuple[str, int]]:
    """Codes and lines of the header rules, on a file whose match stands in line 5."""
    file = policy_file(text, **head)
    scene = Scene([file], NOW, frozenset({"p"}) if tested else frozenset(), definitions=definitions)
    return [(rule.code, file.loaded.place(path).line) for rule in HEADER_RULES for path, _ in rule.check(file, scene)]


def test_a_policy_that_says_everything_in_order_is_clean() -> None:
    text = (
        "version: 1\nid: p\ntitle: T\nstatus: stable\nowner: o\ndescription: d\nmatch: all\n"
        + RPM
        + "false_positives: f"
    )
    loaded = load(text, "p.yaml")
    file = PolicyFile(build(loaded, Policy), loaded)
    scene = Scene([file], NOW, frozenset({"p"}))
    assert [found for rule in HEADER_RULES for found in rule.check(file, scene)] == []


def test_p101_p102_missing_description_and_owner() -> None:
    assert codes(RPM + "false_positives: f") == [("P101", 2), ("P102", 2)]


def test_p103_stable_without_tests() -> None:
    assert ("P103", 4) in codes(WHOLE, tested=False)
    assert ("P103", 4) not in codes(WHOLE, tested=True)
    assert "P103" not in {code for code, _ in codes(WHOLE, tested=False, status="testing")}


def test_p104_keys_out_of_order() -> None:
    # The head that policy_file writes ends with match, which belongs after owner.
    assert codes(WHOLE) == [("P104", 5)]


def test_p105_enforced_without_false_positives() -> None:
    text = "description: d\nowner: o\n" + RPM
    assert "P105" in {code for code, _ in codes(text)}
    assert "P105" not in {code for code, _ in codes(text, status="testing")}


def test_p107_inert_policy() -> None:
    text = "description: d\nowner: o\nfalse_positives: f\n"
    assert "P107" in {code for code, _ in codes(text)}
    assert "P107" not in {code for code, _ in codes(text + "access: {max_n: 1}\n")}


RULE = "rules: {r: {when: {seed: true}, then: flag}}\n"


def test_p110_enforced_rules_without_tests() -> None:
    text = WHOLE + RULE
    assert ("P110", 2) in codes(text + "mode: enforce\n", tested=False, status="testing")
    assert ("P110", 2) in codes(text, tested=False, status="deprecated")
    for clean in (codes(text + "mode: enforce\n", status="testing"), codes(text, tested=False, status="testing")):
        assert "P110" not in {code for code, _ in clean}
    # What is stable is P103's matter, and limits are tried by their names.
    assert "P110" not in {code for code, _ in codes(text, tested=False)}
    assert "P110" not in {code for code, _ in codes(WHOLE + "mode: enforce\n", tested=False, status="testing")}


ASKS = "rules: {{r: {{when: {when}, then: {then}}}}}\n"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (RPM, "{standing: limited}"),
        (RPM, "{any: [{tier: free}, {standing: limited}]}"),
        (ASKS.format(when="{standing: watched}", then="deny"), "all"),
        (ASKS.format(when="{use: looked-at}", then="deny"), "all"),
        (ASKS.format(when="{seed: true}", then="review"), "all"),
        (ASKS.format(when="{seed: true}", then="declare"), "all"),
    ],
)
def test_p111_no_way_to_appeal(text: str, match: str) -> None:
    fragments = shared("fragments: {looked-at: {not: {standing: clear}}}\n")
    assert "P111" in {code for code, _ in codes(text, match=match, definitions=fragments)}
    contact = "on_violation: {contact: https://example.com/appeal}\n"
    assert "P111" not in {code for code, _ in codes(text + contact, match=match, definitions=fragments)}


def test_p111_a_message_is_enough_to_say_where_a_review_is_asked_for() -> None:
    text = ASKS.format(when="{seed: true}", then="review")
    assert "P111" not in {code for code, _ in codes(text + "on_violation: {message: Write to us}\n")}
    assert "P111" not in {code for code, _ in codes(ASKS.format(when="{seed: true}", then="deny"))}
