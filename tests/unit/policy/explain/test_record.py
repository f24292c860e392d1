import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.compile import PolicySet
from gateway.policy.explain.record import Revisions, decided_by, record_lines
from gateway.policy.explain.rule_words import rule_words
from gateway.policy.ruling import refused
from tests.support.inquiries import inquiry
from tests.support.policies import model, policy, policy_set

RULE = "rules: {r: {when: {n: {at_least: 2}}, then: deny}}"
RECORD = {"id": "req-1", "status": 403, "outcome": "refused", "reason": "policy_denied", "policy": "p", "limit": "r"}
NEW = policy_set(policy(RULE.replace("2", "3")))
OLD = policy_set(policy(RULE))
OTHER = policy_set(policy(RULE), policy("access: {max_n: 1}", id="q"))


def words(revision: str = OLD.revision, **sets: PolicySet | None) -> str:
    return "\n".join(record_lines({**RECORD, "revision": revision}, Revisions(**sets)))


def test_the_policies_of_the_folder_decided() -> None:
    said = words(now=OLD)
    assert f"policies: revision {OLD.revision} decided, and is that of the folder" in said
    assert "  p/r:\n    Policy p (enforce)\n    deny, when\n      n: at_least 2\n" in said


@pytest.mark.parametrize(
    ("now", "archived", "rule", "changed"),
    [
        (NEW, OLD, "p/r:", "policy 'p' is another one in it"),
        (OTHER, OLD, "p/r:", "policy 'p' is the same in it"),
        (NEW, None, "p/r as it stands now:", "what that one said is not at hand"),
        (policy_set(policy("access: {max_n: 1}", id="q")), OLD, "p/r:", "without a policy 'p'"),
    ],
)
def test_the_folder_has_changed_since(now: PolicySet, archived: PolicySet | None, rule: str, changed: str) -> None:
    said = words(now=now, archived=archived)
    assert f"revision {OLD.revision} decided; the folder has {now.revision} now" in said
    assert changed in said
    assert rule in said
    assert ("at_least 2" in said) is (archived is not None)


def test_an_archive_of_another_revision_decides_nothing() -> None:
    assert "as it stands now" in words(now=NEW, archived=OTHER)


def test_without_policies_the_record_speaks_alone() -> None:
    assert words().splitlines()[:2] == [
        "REFUSED by p/r: policy_denied (status 403)",
        f"  policies: decided by revision {OLD.revision}",
    ]


def test_what_a_refusal_names_is_found_again() -> None:
    """What the gateway puts into a record is what the words are looked up by."""
    plan = OLD.plan(inquiry().here.principal, "chat", inquiry().here.model, 0)
    details = refused(plan.rules[0], OLD.revision).details
    assert decided_by({"policy": details["policy"], "limit": details["rule"]}) == "p/r"
    assert list(rule_words(OLD, "p/r"))[1:] == ["deny, when", "  n: at_least 2"]


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("limits: {l: {unit: requests, per: key, amount: 3, window: 1h}}", "l", "allows 3 requests in 1h per key"),
        ("budgets: {b: {unit: usd, per: org, amount: 2, period: day}}", "b", "allows $2.00 a day per org"),
        ("access: {models: [a, b]}", "access.models", "models: a or b"),
        ("access: {max_n: 2}", "access.max_n", "max_n: 2"),
        ("access: {logprobs: false}", "access.logprobs", "logprobs: false"),
        ("access: {terms: true}", "access.terms.max_n", "terms: true"),
        ("output: {o: {max_characters: 9, how: windowed, then: stop}}", "o", "looks at answers (windowed, stop)"),
        ("watermark: {scheme: pairs}", "watermark.caller_bias", "asks for a mark of strength 1 (account and provider)"),
        ("access: {max_n: 2}", "watermark", "it has no rule or limit 'watermark'"),
        ("access: {max_n: 2}", "gone", "it has no rule or limit 'gone'"),
        ("access: {max_n: 2}", "access.models.x", "it has no rule or limit 'access.models.x'"),
        ("mode: off\naccess: {max_n: 2}", "access.max_n", "no policy 'p' is in force"),
    ],
)
def test_every_kind_of_rule_in_words(text: str, name: str, says: str) -> None:
    assert says in "\n".join(rule_words(policy_set(policy(text)), f"p/{name}"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)
MEMBERS = (
    "id", "outcome", "reason", "policy", "limit", "revision", "findings", "conditions", "output", "tags", "limits",
    "usage", "facts", "delay_s", "reduced", "clause", "status",
)  # fmt: skip
ENTRY = st.dictionaries(st.sampled_from(["policy", "rule", "action", "mode", "reason", "unit", "holds", "state"]), JSON)


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON | st.lists(ENTRY, max_size=3)))
def test_a_line_that_somebody_edited_breaks_nothing(record: dict[str, object]) -> None:
    for policies in (None, OLD):
        assert all(line.isprintable() for line in record_lines(record, Revisions(now=policies, model=model())))
