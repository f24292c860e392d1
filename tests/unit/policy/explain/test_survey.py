from dataclasses import replace

import pytest

from gateway.core.model import CODE
from gateway.policy.explain.survey import PolicySaid, survey
from gateway.policy.switches import Switch
from tests.support.inquiries import inquiry
from tests.support.policies import NOW, model, policy, policy_set

EXEMPT = "exceptions: [{account: acme, reason: a pilot, owner: ops, until: 2026-03-02}]\naccess: {max_n: 1}"


def said(text: str = "access: {max_n: 1}", body: dict[str, object] | None = None, **head: str) -> PolicySaid:
    rules = policy_set(policy(text, **head))
    (one,) = survey(rules, inquiry(body, rules=rules))
    return one


@pytest.mark.parametrize(
    ("match", "covers", "code", "why"),
    [
        ("all", True, "", "match: all"),
        ("{tier: free}", True, "tier_listed", "tier: free (found: free)"),
        ("{tier: pro}", False, "tier_not_listed", "tier: pro (found: free)"),
        ("{not: {tier: free}}", False, "tier_listed", "not tier: free (found: free)"),
        ("{tier: free, account_age: {below: 7d}}", False, "not_evaluated", "account_age: below 7d (found: unknown)"),
        ("{any: [{tier: pro}, {org: org1}]}", True, "org_listed", "org: org1 (found: org1)"),
    ],
)
def test_whom_a_policy_covers_and_what_settled_that(match: str, covers: bool, code: str, why: str) -> None:
    one = said(match=match)
    assert (one.covers, one.code, one.why) == (covers, code, why)
    assert bool(one.access) is covers


def test_what_is_out_of_force_says_why_and_nothing_else() -> None:
    off = said("access: {max_n: 1}\nmode: off")
    assert (off.covers, off.code, off.why, off.access) == (False, "mode_off", "its mode is off", ())
    exempt = said(EXEMPT)
    assert (exempt.covers, exempt.code) == (False, "exception")
    assert exempt.why == "an exception until 2026-03-03T00:00:00.000Z, by ops: a pilot"
    rules = policy_set(policy(EXEMPT))
    assert [one.covers for one in survey(rules, inquiry(rules=rules, id="other"))] == [True]
    assert [one.covers for one in survey(rules, inquiry(rules=rules, now_ms=NOW + 86_400_000))] == [True]
    rules = policy_set(policy("access: {max_n: 1}"))
    rules.switch((Switch("p", "case 71", "ann", NOW, NOW + 1000),))
    (switched,) = survey(rules, inquiry(rules=rules))
    assert (switched.covers, switched.code) == (False, "switched_off")
    assert switched.why == "switched off by ann until 2026-03-02T12:00:01.000Z: case 71"
    (later,) = survey(rules, inquiry(rules=rules, now_ms=NOW + 1000))
    assert later.covers


def test_access_rules_say_what_they_allow_even_where_the_caller_is_told_less() -> None:
    text = "access: {models: [other], max_n: 1, logprobs: false, max_output_tokens: 9}\ndisclose: clause"
    one = said(text, {"n": 2})
    assert [(access.id, access.broken) for access in one.access] == [
        ("p/access.models", True),
        ("p/access.max_n", True),
        ("p/access.logprobs", False),
        ("p/access.max_output_tokens", True),
    ]
    assert "it allows other" in one.access[0].says


@pytest.mark.parametrize(
    ("rule", "says", "code"),
    [
        ("{when: {n: {at_least: 2}}, then: deny}", "holds", "n_in_range"),
        ("{when: {n: {at_least: 3}}, then: deny}", "fails", "n_out_of_range"),
        ("{when: {temperature: {below: 1}}, then: deny}", "not_evaluated", "not_evaluated"),
        ("{when: {n: {at_least: 2}}, then: deny, until: 2026-03-01}", "ended", "ended"),
        ("{when: {tier: pro, n: {at_least: 2}}, then: deny}", "fails", "tier_not_listed"),
    ],
)
@pytest.mark.parametrize("mode", ["enforce", "audit"])
def test_every_rule_speaks_also_those_that_a_plan_leaves_out(rule: str, says: str, code: str, mode: str) -> None:
    (one,) = said(f"mode: {mode}\nrules: {{r: {rule}}}", {"n": 2}).rules
    assert (one.id, one.action, one.mode, one.says, one.code) == ("p/r", "deny", mode, says, code)


def test_a_share_is_told_in_words() -> None:
    rule = "rules: {r: {when: {n: {at_least: 2}}, then: deny, share: {at_least: 0.3, calls: 80}}}"
    assert said(rule).rules[0].share == "at least 30% of 80 calls of the account"


@pytest.mark.parametrize(
    ("block", "says", "action"),
    [
        ("{scheme: pairs}", "a mark of strength 1 (account and provider)", "mark"),
        (
            "{scheme: pairs, strength: 1.5, layers: provider, entries: 300, caller_bias: refuse}",
            "a mark of strength 1.5 (provider, at most 300 entries); a logit_bias that collides with it is refused",
            "mark",
        ),
        ("{scheme: none, registry: true, receipts: true}", "fingerprints are kept; a signed receipt", "record"),
    ],
)
@pytest.mark.parametrize("mode", ["enforce", "audit"])
def test_a_policy_says_which_mark_it_asks_for(block: str, says: str, action: str, mode: str) -> None:
    mark = said(f"mode: {mode}\nwatermark: {block}").watermark
    assert mark is not None
    assert (mark.id, mark.mode, mark.says, mark.action) == ("p/watermark", mode, says, action)
    assert said(f"mode: {mode}\nwatermark: {block}", match="{tier: pro}").watermark is None
    assert said().watermark is None


def test_a_model_that_writes_code_is_named_as_one_that_is_not_marked() -> None:
    rules = policy_set(policy("watermark: {scheme: pairs, registry: true}"))
    asked = inquiry(rules=rules)
    asked.here = replace(asked.here, model=model(tags=(CODE,)))
    (one,) = survey(rules, asked)
    assert one.watermark is not None
    assert one.watermark.says.startswith(
        "a mark of strength 1 (account and provider), but never of a model tagged code;"
    )


def test_looking_changes_nothing() -> None:
    text = "rules: {r: {when: {n: {at_least: 2}}, then: deny, share: {at_least: 0.3}}}"
    rules = policy_set(policy(text))
    asked = inquiry({"n": 2}, rules=rules)
    for _ in range(100):
        survey(rules, asked)
    assert asked.memory.tallies == {}
    assert rules.plan(asked.here.principal, "chat", asked.here.model, NOW).judge(asked).refusal is None
