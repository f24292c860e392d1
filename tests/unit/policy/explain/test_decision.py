from collections.abc import Mapping
from typing import Any

import pytest

from gateway.core.account import BLOCKED
from gateway.core.units import Unit
from gateway.policy.explain.decision import Decision, Explanation, Served, explain
from gateway.policy.explain.limits import Stand
from gateway.policy.recent import AccountMemory, Tally, Used
from tests.support.inquiries import inquiry
from tests.support.policies import CHEAP, NOW, policy, policy_set

LIMITS = """
limits:
  rpm: {unit: requests, per: account, amount: 10, window: 1m}
  new: {unit: distinct_prompts, per: account, amount: 5, window: 1d}
budgets: {money: {unit: usd, per: org, amount: 1, period: month}}
"""
EVERY: dict[tuple[str, str], Stand] = {
    ("p/rpm", "enforce"): Stand(9, 0), ("p/new", "enforce"): Stand(5, 0), ("p/money", "enforce"): Stand(10**9, 0),
}  # fmt: skip


def explained(
    *texts: str, body: dict[str, Any] | None = None, served: Served | None = None, **facts: Any
) -> Explanation:
    names = "pqrs"
    rules = policy_set(*(policy(text, id=name) for name, text in zip(names, texts, strict=False)))
    return explain(rules, inquiry(body, rules=rules, **facts), served or Served(prices=CHEAP))


def decided(*texts: str, **more: Any) -> Decision:
    return explained(*texts, **more).decision


def rule(then: str, when: str = "{n: {at_least: 2}}", name: str = "r") -> str:
    return f"rules: {{{name}: {{when: {when}, then: {then}}}}}"


def test_the_only_rule_and_the_strongest_of_several() -> None:
    one = decided(rule("review"), body={"n": 2})
    assert (one.action, one.reason, one.by) == ("review", "review_required", "p/r")
    assert one.why == "the only rule in force that refuses"
    several = decided(rule("declare"), rule("deny"), rule("deny"), body={"n": 2})
    assert (several.action, several.by) == ("deny", "q/r")
    assert several.why == (
        "deny is the strongest of those that refuse, of equally strong ones the first by name: "
        "p/r (declare), q/r (deny), r/r (deny)"
    )


def test_rules_in_audit_mode_never_decide() -> None:
    assert decided("mode: audit\n" + rule("deny"), body={"n": 2}) == Decision("allow")


def test_access_comes_first_and_names_what_was_broken_as_well() -> None:
    one = decided("access: {max_n: 1}", "access: {max_n: 1, max_output_tokens: 5}", rule("deny"), body={"n": 2})
    assert (one.action, one.by) == ("deny", "p/access.max_n")
    assert one.why == "access is asked before rules and limits; broken as well: q/access.max_n"


def test_people_come_before_policies() -> None:
    suspended = decided("access: {models: none}", suspended=True)
    assert (suspended.reason, suspended.message) == ("account_suspended", "the account or its org is suspended")
    blocked: dict[str, Any] = {"standing": BLOCKED, "standing_until_ms": NOW + 1}
    assert decided("access: {max_n: 9}", **blocked).reason == "account_suspended"
    assert decided("access: {max_n: 9}", **blocked | {"standing_until_ms": NOW}).action == "allow"


def test_what_has_no_price() -> None:
    assert decided(LIMITS, served=Served()).reason == "price_unknown"


@pytest.mark.parametrize(
    ("changed", "action", "by", "reason"),
    [
        ({}, "allow", "", ""),
        ({("p/rpm", "enforce"): Stand(0, 9)}, "deny", "p/rpm", "rate_limit_exceeded"),
        ({("p/rpm", "enforce"): Stand(-3, 9)}, "deny", "p/rpm", "rate_limit_exceeded"),
        ({("p/money", "enforce"): Stand(1000, 9)}, "deny", "p/money", "insufficient_quota"),
        ({("p/rpm", "audit"): Stand(0, 9)}, "allow", "", ""),
    ],
)
def test_what_limits_have_left(changed: Mapping[tuple[str, str], Stand], action: str, by: str, reason: str) -> None:
    one = decided(LIMITS, served=Served(prices=CHEAP, stands={**EVERY, **changed}))
    assert (one.action, one.by, one.reason) == (action, by, reason)
    assert one.unknown == ()


def test_a_limit_in_audit_mode_would_have_refused() -> None:
    one = explained("mode: audit" + LIMITS, served=Served(prices=CHEAP, stands={("p/rpm", "audit"): Stand(0, 9)}))
    assert one.decision == Decision("allow")
    assert one.audit == ("p/rpm: deny",)


def test_a_prompt_that_may_be_known_already_proves_nothing() -> None:
    stands = {**EVERY, ("p/new", "enforce"): Stand(0, 9)}
    one = decided(LIMITS, served=Served(prices=CHEAP, stands=stands))
    assert one.action == "allow"
    assert one.unknown == ("what is left of p/new: a running gateway tells",)


def test_what_can_never_fit_needs_no_gateway_to_tell() -> None:
    limit = "limits: {out: {unit: output_tokens, per: account, amount: 50, window: 1m}}"
    one = decided(limit, body={"max_tokens": 51})
    assert (one.action, one.reason, one.by) == ("deny", "request_exceeds_limit", "p/out")
    assert decided(limit, body={"max_tokens": 50}).action == "allow"
    assert decided(limit + "\n" + "access: {max_output_tokens: 50}", body={"max_tokens": 51}).action == "allow"
    lowered = limit + "\n" + rule("{reduce: {max_output_tokens: 50}}", "{n: {at_least: 1}}")
    assert decided(lowered, body={"max_tokens": 51}).action == "allow"


@pytest.mark.parametrize(("left", "action"), [(400_000, "allow"), (390_000, "deny"), (-1, "deny")])
def test_little_money_is_enough_for_a_shorter_answer(left: int, action: str) -> None:
    """17 + 256 tokens of 500 and 1,500 nano-dollars, unless the caller insists on more."""
    stands = {**EVERY, ("p/money", "enforce"): Stand(left, 9)}
    served = Served(prices=CHEAP, stands=stands)
    assert decided(LIMITS, served=served).action == action
    assert decided(LIMITS, served=served, body={"max_tokens": 300}).action == "deny"
    small = LIMITS.replace("amount: 1,", "amount: 0.0005,")
    assert decided(small, served=Served(prices=CHEAP)).unknown == (
        "what is left of p/new, p/rpm, p/money: a running gateway tells",
    )


def test_what_is_done_to_a_request_that_is_served() -> None:
    reduce = "{reduce: {max_n: 1, logprobs: false, reasoning: summary, max_output_tokens: 7}}"
    texts = (rule("{slow: 2s}"), rule("{tag: many}"), rule("propose_suspension"), rule(reduce))
    one = decided(*texts, body={"n": 2}, served=Served(kinds=("openai",)))
    assert one.effects == (
        "tagged many",
        "waits 2 s before it is forwarded",
        "proposes to suspend the account (r/r)",
        "log probabilities are dropped",
        "at most 1 choices",
        "at most 7 output tokens",
        "reasoning is shown as a summary at most",
        "changed fields: n",
    )


def test_an_upstream_that_cannot_be_asked_for_so_little() -> None:
    text = rule("{reduce: {reasoning: none}}", "{n: {at_least: 1}}")
    one = decided(text, served=Served(kinds=("generic",)))
    assert (one.action, one.reason) == ("deny", "policy_denied")
    assert "its upstream cannot be asked for so little" in one.why
    assert decided(text).effects == ("no reasoning is shown",)


def test_which_mark_comes_of_all_policies_and_what_audit_mode_would_ask_for() -> None:
    strong = "mode: audit\nwatermark: {scheme: pairs, strength: 2}"
    keeps = "mode: audit\nwatermark: {scheme: none, registry: true}"
    one = explained("watermark: {scheme: pairs}", "watermark: {scheme: none, receipts: true}", strong, keeps)
    assert one.decision.effects == (
        "asked of the answer: a mark of strength 1 (account and provider); a signed receipt",
    )
    assert one.audit == ("r/watermark: mark", "s/watermark: record")
    refused = explained("watermark: {scheme: pairs}", "access: {max_n: 1}", body={"n": 2}).decision
    assert (refused.by, refused.effects) == ("q/access.max_n", ())


def test_what_is_not_known_here() -> None:
    share = "rules: {r: {when: {n: {at_least: 2}}, then: deny, share: {at_least: 0.5}}}"
    one = decided(share, rule("deny", "{temperature: {below: 1}}"), body={"n": 2})
    assert one.action == "allow"
    assert one.unknown == (
        "p/r holds and acts on at least 50% of 50 calls of the account: only a running gateway has counted them",
        "q/r could not be evaluated: temperature: below 1.0 (found: unknown)",
    )
    audit = decided("mode: audit\n" + rule("deny", "{temperature: {below: 1}}"))
    assert audit.unknown[0].endswith("(audit: changes nothing)")


def test_what_the_account_left_behind_counts() -> None:
    memory = AccountMemory(used={"p/rpm": Used(Unit.REQUESTS, 9, 10)}, tallies={"p/r": Tally(calls=60, met=50)})
    text = "rules: {r: {when: {usage: {limit: p/rpm, at_least: 0.9}}, then: deny, share: {at_least: 0.5}}}"
    assert decided(text, memory=memory).action == "deny"


def test_the_whole_names_who_and_when_and_by_which_policies() -> None:
    one = explained("access: {max_n: 9}")
    assert one.account == {"id": "acme", "org": "org1", "tier": "free"}
    assert (one.key, one.model, one.dialect, one.at) == ("k1", "m1", "chat", "2026-03-02T12:00:00.000Z")
    assert len(one.revision) == 12
