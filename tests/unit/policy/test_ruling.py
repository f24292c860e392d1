from dataclasses import replace
from typing import Any

import pytest

from gateway.core import reasons
from gateway.policy.compile import PolicySet, compile_files
from gateway.policy.recent import AccountMemory
from gateway.policy.ruling import Ruling
from gateway.policy.switches import Switch
from gateway.yamlio import YamlProblems
from tests.support.inquiries import inquiry, judged, plan_for
from tests.support.policies import NOW, policy, policy_file, policy_set
from tests.support.policies import shared as definitions

MANY = {"n": 4}
DAY = 86_400_000


def rule(then: str, when: str = "{n: {at_least: 2}}", more: str = "", **head: str) -> PolicySet:
    return policy_set(policy(f"rules: {{r: {{when: {when}, then: {then}{more}}}}}", **head))


def said(ruling: Ruling) -> list[tuple[str, str, str]]:
    return [(finding.action, finding.mode, finding.reason) for finding in ruling.findings]


@pytest.mark.parametrize(
    ("then", "action", "reason"),
    [
        ("deny", "deny", "policy_denied"),
        ("review", "review", "review_required"),
        ("declare", "declare", "purpose_required"),
        ("flag", "flag", "flagged"),
        ("propose_suspension", "propose_suspension", "suspension_proposed"),
        ("{tag: campaign}", "tag", "tagged"),
        ("{slow: 2s}", "slow", "slowed"),
        ("{reduce: {max_n: 1}}", "reduce", "request_reduced"),
    ],
)
def test_each_action_in_force_and_in_audit_mode(then: str, action: str, reason: str) -> None:
    acts = judged(rule(then), MANY)
    assert said(acts) == [(action, "enforce", reason)]
    watched = judged(rule(then, status="testing"), MANY)
    assert said(watched) == [(action, "audit", reason)]
    assert (watched.refusal, watched.delay_s, watched.reductions, watched.tags, watched.proposals) == (
        None, 0, None, [], [],
    )  # fmt: skip
    assert judged(rule(then), {"n": 1}) == Ruling()


def test_what_actions_bring_about() -> None:
    assert judged(rule("{tag: campaign}"), MANY).tags == ["campaign"]
    assert judged(rule("{slow: 2s}"), MANY).delay_s == 2
    (proposal,) = judged(rule("propose_suspension"), MANY).proposals
    assert proposal.id == "p/r"
    less = judged(rule("{reduce: {logprobs: false, max_n: 1, max_output_tokens: 9, reasoning: less}}"), MANY).reductions
    assert less is not None
    assert (less.logprobs, less.max_n, less.max_output_tokens, less.less_reasoning) == (True, 1, 9, True)


def test_a_refusal_names_policy_rule_clause_and_whom_to_ask_but_not_what_was_looked_for() -> None:
    text = """
clause: {document: Terms, section: "4.2"}
rules:
  r: {when: {text: {phrases: hello there}}, then: review, per_request: true}
on_violation: {message: Write to us, contact: a@b.example}
"""
    ruling = judged(policy_set(policy(text)))
    refusal = ruling.refusal
    assert refusal is not None
    assert refusal.reason is reasons.REVIEW_REQUIRED
    assert refusal.message == (
        "policy 'Policy p' asks for a review of this account before it may do this. Write to us (contact: a@b.example)"
    )
    assert refusal.details == {
        "policy": "p", "rule": "r", "revision": refusal.details["revision"], "clause": "Terms, 4.2",
        "contact": "a@b.example",
    }  # fmt: skip
    assert "hello" not in str(refusal)
    assert ruling.findings[0].clause == "Terms, 4.2"


def test_the_strictest_wins_whatever_the_order() -> None:
    texts = {
        "a": "rules: {x: {when: {n: {at_least: 2}}, then: declare}, s: {when: {n: {at_least: 2}}, then: {slow: 1s}}}",
        "b": "rules: {x: {when: {n: {at_least: 2}}, then: deny}, s: {when: {n: {at_least: 2}}, then: {slow: 5s}}}",
        "c": "rules: {x: {when: {n: {at_least: 2}}, then: deny}, y: {when: {n: {at_least: 2}}, then: review}}",
    }
    policies = [policy(text, id=name) for name, text in texts.items()]
    for order in (policies, policies[::-1]):
        ruling = judged(policy_set(*order), MANY)
        assert ruling.refusal is not None
        assert (ruling.refusal.details["policy"], ruling.refusal.details["rule"]) == ("b", "x")
        assert ruling.delay_s == 5
        assert len(ruling.findings) == 6


def test_reductions_add_up_to_the_strictest_of_each() -> None:
    one = policy("rules: {r: {when: {n: {at_least: 2}}, then: {reduce: {max_n: 3, reasoning: none}}}}", id="a")
    other = policy("rules: {r: {when: {n: {at_least: 2}}, then: {reduce: {max_n: 2, reasoning: less}}}}", id="b")
    less = judged(policy_set(one, other), MANY).reductions
    assert less is not None
    assert (less.max_n, less.shown, less.less_reasoning) == (2, "none", True)


def test_what_cannot_be_known_is_recorded_and_never_acted_on() -> None:
    for when in ("{temperature: {below: 1}}", "{not: {temperature: {below: 1}}}", "{account_age: {below: 7d}}"):
        ruling = judged(rule("deny", when))
        assert ruling.refusal is None
        assert said(ruling) == [("not_evaluated", "enforce", "not_evaluated")]


def test_a_share_acts_on_the_account_only_after_enough_calls() -> None:
    rules = rule("review", "{text: {phrases: step by step}}", ", share: {at_least: 0.5}")
    memory = AccountMemory()
    asks: dict[str, Any] = {"messages": [{"role": "user", "content": "think step by step"}]}
    first = [judged(rules, asks, memory=memory) for _ in range(49)]
    assert all(ruling.refusal is None for ruling in first)
    assert said(first[-1]) == [("count", "enforce", "condition_met")]
    assert judged(rules, asks, memory=memory).refusal is not None
    # From here on any request of the account is refused, until the share has fallen again.
    harmless = [judged(rules, memory=memory).refusal is not None for _ in range(120)]
    assert harmless[0]
    assert not harmless[-1]
    assert harmless == sorted(harmless, reverse=True)


def test_a_share_may_hold_on_for_a_while() -> None:
    rules = rule("review", "{n: {at_least: 2}}", ", share: {at_least: 1.0}, hold: 1h")
    memory = AccountMemory()
    for _ in range(50):
        judged(rules, MANY, memory=memory)
    assert judged(rules, {}, memory=memory).refusal is not None
    assert judged(rules, {}, memory=memory, now_ms=NOW + 3_599_999).refusal is not None
    assert judged(rules, {}, memory=memory, now_ms=NOW + 3_600_000).refusal is None


def test_a_rule_ends_with_its_until() -> None:
    rules = rule("deny", more=", until: 2026-03-02T12:00:01Z")
    assert judged(rules, MANY).refusal is not None
    assert judged(rules, MANY, now_ms=NOW + 1000).refusal is None


def test_an_exception_ends_all_rules_of_the_policy_for_that_account() -> None:
    text = """
rules: {r: {when: {n: {at_least: 2}}, then: deny}}
exceptions: [{account: acme, reason: a pilot, owner: ops, until: 2026-03-02}]
"""
    rules = policy_set(policy(text))
    assert judged(rules, MANY).findings == []
    assert judged(rules, MANY, id="other").refusal is not None
    assert judged(rules, MANY, now_ms=NOW + DAY).refusal is not None


def test_a_switch_takes_a_policy_out_of_force_at_once_and_until_its_end() -> None:
    rules = rule("deny")
    assert judged(rules, MANY).refusal is not None
    for which in ("p", "all"):
        rules.switch((Switch(which, "wrong", "ann", NOW, NOW + 1000),))
        assert judged(rules, MANY).findings == []
        assert judged(rules, MANY, now_ms=NOW + 1000).refusal is not None
    rules.switch((Switch("another", "wrong", "ann", NOW, NOW + 1000),))
    assert judged(rules, MANY).refusal is not None


def test_rules_in_audit_mode_that_read_texts_are_asked_later() -> None:
    rules = rule("deny", "{text: {phrases: hello}}", ", per_request: true", status="testing")
    asked = inquiry(rules=rules)
    plan = plan_for(rules, asked)
    assert plan.judge(asked).findings == []
    assert said(plan.judge_late(asked)) == [("deny", "audit", "policy_denied")]


def test_criteria_on_the_caller_are_settled_when_the_plan_is_made() -> None:
    rules = rule("deny", "{tier: pro, text: {phrases: hello}}", ", per_request: true")
    asked = inquiry(rules=rules)
    assert plan_for(rules, asked).rules == ()
    assert judged(rules, tier="pro").refusal is not None


def test_a_fragment_is_asked_once_however_many_rules_use_it() -> None:
    class Counted(dict[str, str]):
        asked = 0

        def __contains__(self, name: object) -> bool:
            self.asked += 1
            return super().__contains__(name)

    shared = definitions("fragments: {relayed: {headers: {x-relay: '*'}}, other: {headers: {x-other: '*'}}}")
    uses = ("{use: relayed}", "{not: {use: relayed}}", "{any: [{use: other}, {use: relayed}]}", "{use: other}")
    text = "rules: {" + ", ".join(f"r{at}: {{when: {use}, then: flag}}" for at, use in enumerate(uses)) + "}"
    for headers, held in (
        ({"x-relay": "u"}, ["r0", "r2"]),
        ({"x-other": "u"}, ["r1", "r2", "r3"]),
        ({"host": "h"}, ["r1"]),
    ):
        given = Counted(headers)
        found = judged(PolicySet([policy(text)], shared), headers=given)
        assert [finding.rule for finding in found.findings] == held
        assert given.asked == 2


def test_fragments_and_word_lists_are_shared() -> None:
    shared = definitions("""
fragments:
  unproven: {any: [{verified: false}, {use: young}]}
  young: {account_age: {below: 7d}}
words: {greetings: [hello there, good day]}
""")
    text = "rules: {r: {when: {use: unproven, text: {words: greetings}}, then: deny, per_request: true}}"
    rules = PolicySet([policy(text)], shared)
    assert judged(rules).refusal is not None
    assert judged(rules, verified=True, created_ms=NOW - 9 * DAY).refusal is None
    assert judged(rules, verified=True, created_ms=NOW - DAY).refusal is not None
    assert judged(PolicySet([policy("access: {max_n: 9}", match="{use: unproven}")], shared)).refusal is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rules: {r: {when: {use: nobody}, then: deny}}", "p.yaml:6:25: unknown fragment 'nobody'"),
        ("rules: {r: {when: {use: loop}, then: deny}}", "fragment 'loop' uses itself"),
        ("rules: {r: {when: {text: {words: none}}, then: flag}}", "unknown word list 'none'"),
        ("rules: {r: {when: {text: {patterns: '(a'}}, then: flag}}", "RE2 cannot read the expression"),
        ("rules: {r: {when: {text: {patterns: '(?=a)'}}, then: flag}}", "RE2 cannot read the expression"),
        ("rules: {r: {when: {text: {phrases: hi}}, then: deny}}", "expected share, or per_request: true"),
        ("output: {o: {text: {patterns: 'a+b'}, how: windowed}}", "patterns in a stream need a window"),
        ("output: {o: {text: {phrases: 'a b'}, how: after, then: stop}}", "expected then: flag"),
    ],
)
def test_what_means_nothing_is_refused_at_its_place(text: str, says: str) -> None:
    with pytest.raises(YamlProblems) as caught:
        compile_files([policy_file(text)], definitions("fragments: {loop: {not: {use: loop}}}"))
    assert says in str(caught.value)


def test_a_match_cannot_ask_the_request() -> None:
    shared = definitions("fragments: {many: {n: {at_least: 2}}}")
    with pytest.raises(YamlProblems, match="'n' depends on the request: it can stand in a rule, not in match"):
        compile_files([policy_file("access: {max_n: 1}", match="{use: many}")], shared)


TERMS = """
terms:
  closed:
    document: Licence
    distillation: forbidden
    reasoning: summary
    logprobs: false
    max_n: 1
    denied_countries: [KP]
    purposes: [product, research]
    minimum_age: 18
"""


def test_a_terms_profile_is_enforced_where_a_policy_says_so() -> None:
    rules = PolicySet([policy("access: {terms: true}")], definitions(TERMS))
    fine: dict[str, object] = {"declared_purpose": "product", "attested_age": 18, "country": "DE"}

    def refusal(body: dict[str, Any], terms: str = "closed", **account: object) -> tuple[str, object] | None:
        asked = inquiry(body, rules=rules, **(fine | account))
        asked.here = replace(asked.here, model=replace(asked.here.model, terms=terms))
        plan = plan_for(rules, asked)
        found = plan.check(asked.ask)
        return None if found is None else (found.reason.code, found.details["rule"])

    assert refusal({}) is None
    assert refusal({"n": 2}) == ("policy_denied", "access.terms.max_n")
    assert refusal({"logprobs": True}) == ("policy_denied", "access.terms.logprobs")
    assert refusal({}, country="KP") == ("policy_denied", "access.terms.countries")
    assert refusal({}, owner_country="KP") == ("policy_denied", "access.terms.countries")
    assert refusal({}, declared_purpose="") == ("purpose_required", "access.terms.purposes")
    assert refusal({}, attested_age=0) == ("policy_denied", "access.terms.minimum_age")
    assert refusal({"n": 2}, terms="") is None


def test_a_terms_profile_keeps_back_reasoning() -> None:
    rules = PolicySet([policy("access: {terms: true}")], definitions(TERMS))
    asked = inquiry(rules=rules)
    asked.here = replace(asked.here, model=replace(asked.here.model, terms="closed"))
    less = plan_for(rules, asked).judge(asked).reductions
    assert less is not None
    assert less.shown == "summary"


@pytest.mark.interpreted
def test_rules_on_different_parts_share_one_search_where_they_see_the_same_text() -> None:
    texts = ("{phrases: x, in: user}", "{phrases: y}")
    each = (f"r{number}: {{when: {{text: {text}}}, then: flag}}" for number, text in enumerate(texts))
    rules = policy_set(policy(f"rules: {{{', '.join(each)}}}"))
    index = rules.index
    assert index is not None
    searched: list[int] = []

    class Counting:
        def search_pieces(self, pieces: list[str]) -> object:
            searched.append(len(pieces))
            return index.search_pieces(pieces)

    asked = inquiry(rules=rules)
    asked.index = Counting()  # type: ignore[assignment]
    plan_for(rules, asked).judge(asked)
    assert searched == [1]
    both = inquiry({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}, rules=rules)
    both.index = Counting()  # type: ignore[assignment]
    plan_for(rules, both).judge(both)
    assert searched == [1, 1, 2]
