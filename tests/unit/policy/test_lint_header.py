from gateway.policy.lint import Scene
from gateway.policy.lint_header import HEADER_RULES
from gateway.policy.load import PolicyFile
from gateway.policy.model import Policy
from gateway.validate import build
from gateway.yamlio import load
from tests.support.policies import NOW, policy_file

RPM = "limits: {rpm: {unit: requests, per: account, amount: 60, window: 1m}}\n"
WHOLE = "owner: team\ndescription: d\n" + RPM + "false_positives: f\n"


def codes(text: str, *, tested: bool = True, **head: str) -> list[tuple[str, int]]:
    """Codes and lines of the header rules, on a file whose match stands in line 5."""
    file = policy_file(text, **head)
    scene = Scene([file], NOW, frozenset({"p"}) if tested else frozenset())
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


def test_p106_expired_exception() -> None:
    until = "exceptions:\n- {{account: a, reason: r, owner: o, until: {}}}\n"
    assert ("P106", 11) in codes(WHOLE + until.format("2026-03-01"))
    assert "P106" not in {code for code, _ in codes(WHOLE + until.format("2026-03-02"))}


def test_p107_inert_policy() -> None:
    text = "description: d\nowner: o\nfalse_positives: f\n"
    assert "P107" in {code for code, _ in codes(text)}
    assert "P107" not in {code for code, _ in codes(text + "access: {max_n: 1}\n")}
