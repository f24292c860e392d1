"""The `watermark` block: what may stand in it, and what becomes of it in a plan."""

import pytest

from gateway.core import reasons
from gateway.policy.compile import PolicySet
from gateway.policy.mark_plan import MarkPlan
from gateway.policy.model import Policy
from gateway.policy.switches import Switch
from gateway.yamlio import YamlProblems
from tests.support.policies import NOW, account, model, plan_of, policy, principal

BOTH = frozenset({"account", "provider"})
PLAIN = MarkPlan(1.0, BOTH, None, "override", registry=False, receipts=False)


def marking(block: str, *, name: str = "p", status: str = "stable", match: str = "all", more: str = "") -> Policy:
    return policy(f"watermark: {block}\n{more}", id=name, status=status, match=match)


def asked(block: str) -> MarkPlan | None:
    return plan_of(marking(block)).watermark


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ("", "watermark: expected scheme: pairs, or scheme: none with registry or receipts"),
        ("{}", "watermark: expected scheme: pairs, or scheme: none with registry or receipts"),
        ("{strength: 1.0}", "missing key 'watermark.scheme'"),
        ("{registry: true}", "missing key 'watermark.scheme'"),
        ("{scheme: pair}", "watermark.scheme: expected 'pairs' or 'none'"),
        ("pairs", "watermark"),
        ("{scheme: none}", "scheme: none does nothing alone"),
        ("{scheme: none, registry: false}", "scheme: none does nothing alone"),
        ("{scheme: none, registry: true, strength: 1}", "'strength' says how words are marked"),
        ("{scheme: none, registry: true, layers: account}", "'layers' says how words are marked"),
        ("{scheme: none, receipts: true, entries: 300}", "'entries' says how words are marked"),
        ("{scheme: none, receipts: true, caller_bias: refuse}", "'caller_bias' says how words are marked"),
        ("{scheme: pairs, strength: 0.2}", "watermark.strength"),
        ("{scheme: pairs, strength: 3.1}", "watermark.strength"),
        ("{scheme: pairs, strength: .nan}", "p.yaml:6"),
        ("{scheme: pairs, strength: true}", "watermark.strength"),
        ("{scheme: pairs, strength: '1'}", "watermark.strength"),
        ("{scheme: pairs, layers: []}", "watermark.layers"),
        ("{scheme: pairs, layers: [acount]}", "watermark.layers"),
        ("{scheme: pairs, entries: 0}", "watermark.entries"),
        ("{scheme: pairs, entries: 1025}", "watermark.entries"),
        ("{scheme: pairs, caller_bias: keep}", "watermark.caller_bias"),
        ("{scheme: pairs, registery: true}", "did you mean 'registry'"),
    ],
)
def test_mistakes_are_named(block: str, says: str) -> None:
    with pytest.raises(YamlProblems) as caught:
        marking(block)
    assert says in str(caught.value)
    assert str(caught.value).startswith("p.yaml:6:")


def test_a_rule_of_the_same_name_could_not_be_told_apart() -> None:
    with pytest.raises(YamlProblems, match="'watermark' names two rules"):
        marking("{scheme: pairs}", more="rules: {watermark: {when: {seed: true}, then: flag}}")


@pytest.mark.parametrize(
    ("block", "plan"),
    [
        ("{scheme: pairs}", PLAIN),
        ("{scheme: pairs, strength: 0.25}", MarkPlan(0.25, BOTH, None, "override", registry=False, receipts=False)),
        (
            "{scheme: pairs, strength: 3, layers: account, entries: 300, caller_bias: refuse, receipts: true}",
            MarkPlan(3.0, frozenset({"account"}), 300, "refuse", registry=False, receipts=True),
        ),
        (
            "{scheme: none, registry: true}",
            MarkPlan(0.0, frozenset(), 0, "override", registry=True, receipts=False),
        ),
    ],
)
def test_what_is_written_is_what_the_plan_says(block: str, plan: MarkPlan) -> None:
    found = asked(block)
    assert found == plan
    assert found is not None
    assert found.marks is (plan.strength > 0)


def test_nobody_asks_nothing_is_planned() -> None:
    plan = plan_of(policy("access: {max_n: 1}"))
    assert (plan.watermark, plan.watermark_audit, plan.bias_refusal("says")) == (None, None, None)


def test_several_policies_give_the_most_of_each() -> None:
    plan = plan_of(
        marking("{scheme: pairs, strength: 2, layers: provider, entries: 100}", name="a"),
        marking("{scheme: pairs, layers: account, entries: 300, caller_bias: refuse}", name="b"),
        marking("{scheme: none, registry: true}", name="c"),
    )
    assert plan.watermark == MarkPlan(2.0, BOTH, 300, "refuse", registry=True, receipts=False)
    assert plan.watermark_audit is None


def test_no_bound_is_more_than_any_and_a_policy_without_a_mark_sets_none() -> None:
    bounded, free = marking("{scheme: pairs, entries: 900}", name="a"), marking("{scheme: pairs}", name="b")
    keeps = marking("{scheme: none, receipts: true}", name="c")
    assert [
        plan.watermark and plan.watermark.entries for plan in (plan_of(bounded, free), plan_of(bounded, keeps))
    ] == [
        None,
        900,
    ]


def test_audit_mode_marks_nothing_and_says_what_it_would_add() -> None:
    strong = marking("{scheme: pairs, strength: 2}", name="a", status="testing")
    plan = plan_of(strong)
    assert plan.watermark is None
    assert plan.watermark_audit == MarkPlan(2.0, BOTH, None, "override", registry=False, receipts=False)
    beside = plan_of(strong, marking("{scheme: pairs}", name="b"))
    assert beside.watermark == PLAIN
    assert beside.watermark_audit is not None
    assert beside.watermark_audit.strength == 2
    nothing_new = plan_of(strong, marking("{scheme: pairs, strength: 3, receipts: true}", name="b"))
    assert nothing_new.watermark_audit is None


def test_it_is_for_whom_match_says_and_as_long_as_it_holds() -> None:
    watched = PolicySet([marking("{scheme: pairs, strength: 2}", match="{standing: [watched, limited]}")])
    held = account(standing="watched", standing_until_ms=NOW + 1000)
    on = model()

    def strength(who: object, now_ms: int) -> float | None:
        mark = watched.plan(principal(**who), "chat", on, now_ms).watermark  # type: ignore[arg-type]
        return None if mark is None else mark.strength

    facts = {"standing": held.standing, "standing_until_ms": held.standing_until_ms}
    assert strength(facts, NOW) == 2
    assert strength(facts, NOW + 1000) is None
    assert strength({}, NOW) is None


def test_models_tiers_and_accounts_are_told_apart() -> None:
    rules = [marking("{scheme: pairs}", match="{tier: free, model: m1, not: {account: other}}")]
    assert plan_of(*rules).watermark == PLAIN
    assert plan_of(*rules, tier="pro").watermark is None
    assert plan_of(*rules, id="other").watermark is None
    assert plan_of(*rules, on=model("m2")).watermark is None


def test_exceptions_switches_and_mode_off_take_it_away() -> None:
    exempt = "exceptions: [{account: acme, reason: r, owner: o, until: 2026-03-31}]"
    assert plan_of(marking("{scheme: pairs}", more=exempt)).watermark is None
    assert plan_of(marking("{scheme: pairs}", more="mode: off")).watermark is None
    rules = PolicySet([marking("{scheme: pairs}")])
    rules.switch((Switch("p", "case 71", "ann", NOW, NOW + 1000),))
    assert rules.plan(principal(), "chat", model(), NOW).watermark is None
    assert rules.plan(principal(), "chat", model(), NOW + 1000).watermark == PLAIN


def test_a_collision_is_refused_in_the_words_of_the_first_policy_that_refuses_them() -> None:
    words = "clause: {document: Terms}\non_violation: {message: Leave it out, contact: a@b.example}"
    refusing = marking("{scheme: pairs, caller_bias: refuse}", name="b", more=words)
    other = marking("{scheme: pairs, caller_bias: refuse}", name="c")
    plan = plan_of(other, marking("{scheme: pairs}", name="a"), refusing)
    refusal = plan.bias_refusal("lets logit_bias hold at most 20 entries")
    assert refusal is not None
    assert (refusal.reason, refusal.param) == (reasons.POLICY_DENIED, "logit_bias")
    assert refusal.message == (
        "policy 'Policy b' lets logit_bias hold at most 20 entries. Leave it out (contact: a@b.example)"
    )
    details = refusal.details
    assert (details["policy"], details["rule"], details["clause"]) == ("b", "watermark.caller_bias", "Terms")


def test_a_policy_in_audit_mode_refuses_no_entries() -> None:
    assert plan_of(marking("{scheme: pairs, caller_bias: refuse}", status="testing")).bias_refusal("says") is None


def test_the_block_is_part_of_what_a_set_means_and_its_absence_changes_no_revision() -> None:
    one, other = PolicySet([marking("{scheme: pairs}")]), PolicySet([marking("{scheme: pairs, strength: 2}")])
    assert one.revision != other.revision
    assert "watermark" not in policy("access: {max_n: 1}").model_dump(exclude_none=True)
