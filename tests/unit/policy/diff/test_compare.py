"""Recorded requests through two policy sets: every kind of change, and honesty about what cannot be known."""

import pytest
from msgspec.structs import replace

from gateway.catalogue import Catalogue
from gateway.core.model import Model
from gateway.core.usage import Usage
from gateway.observe.records import ConditionRecord, LimitRecord
from gateway.policy.compile import PolicySet
from gateway.policy.diff import compare
from gateway.policy.diff.compare import Comparison
from gateway.policy.diff.reader import Unreadable
from tests.support.decision_logs import decision, mixed, recorded, refused
from tests.support.policies import policy
from tests.support.policies import shared as definitions

NOTHING = policy("access: {max_n: 99}")
PER_MINUTE = "limits: {rpm: {unit: requests, per: account, amount: %d, window: 1m}}"


def replayed(old, new, *records, catalogue=None):
    """The result, and the bucket of every record."""
    comparison = Comparison(as_set(old), as_set(new), catalogue)
    kinds = [comparison.add(record if isinstance(record, Unreadable) else recorded(record)) for record in records]
    return comparison.result, kinds


def as_set(policies):
    return policies if isinstance(policies, PolicySet) else PolicySet([policies])


def kinds(old, new, *records, **more):
    return replayed(old, new, *records, **more)[1]


def rule(when, then="deny", more="", **head):
    return policy(f"rules: {{r: {{when: {when}, then: {then}{more}}}}}", **head)


@pytest.mark.parametrize(
    ("new", "facts", "cause"),
    [
        (policy("access: {max_n: 2}"), {"n": 3}, "p/access.max_n"),
        (policy("access: {logprobs: false}"), {"logprobs": True}, "p/access.logprobs"),
        (policy("access: {models: other}"), {}, "p/access.models"),
        (policy("access: {dialects: messages}"), {}, "p/access.dialects"),
        (rule("{country: US}"), {"country": "US"}, "p/r"),
        (rule("{owner_country: US}"), {"owner_country": "US"}, "p/r"),
        (rule("{verified: true}", "review"), {"verified": True}, "p/r"),
        (rule("{declared_purpose: resale}"), {"declared_purpose": "resale"}, "p/r"),
        (rule("{tags: edu}"), {"tags": ("edu", "x")}, "p/r"),
        (rule("{account_age: {below: 1d}}"), {"account_age_s": 5}, "p/r"),
        (rule("{attested_age: {at_least: 18}}"), {"attested_age": 18}, "p/r"),
        (rule("{standing: watched}"), {"standing": "watched"}, "p/r"),
        (rule("{n: {at_least: 4}}", "declare"), {"n": 4}, "p/r"),
        (rule("{logprobs: true}"), {"logprobs": True}, "p/r"),
        (rule("{max_output: {at_least: 200}}"), {"max_output": 200}, "p/r"),
        (rule("{prompt_tokens: {at_least: 21}}"), {"prompt_tokens": 21}, "p/r"),
        (rule("{user_turns: {at_least: 2}}"), {"user_turns": 2}, "p/r"),
        (rule("{client_country: FR}"), {"client_country": "FR"}, "p/r"),
        (rule("{top_logprobs: {at_least: 2}}"), {"top_logprobs": 2}, "p/r"),
        (rule("{temperature: {below: 0.5}}"), {"temperature": 0.25}, "p/r"),
        (rule("{seed: true}"), {"seed": True}, "p/r"),
        (rule("{reasoning: true}"), {"reasoning": True}, "p/r"),
        (rule("{tools: {at_least: 1}}"), {"tools": 1}, "p/r"),
        (rule("{response_format: json_schema}"), {"response_format": "json_schema"}, "p/r"),
        (rule("{messages: {at_least: 2}}"), {"messages": 2}, "p/r"),
        (rule("{images: {at_least: 1}}"), {"images": 1}, "p/r"),
        (rule("{media: {at_least: 1}}"), {"media": 1}, "p/r"),
        (rule("{time: {days: mon}}"), {}, "p/r"),
    ],
)
def test_a_rule_on_a_fact_refuses_whom_it_names(new, facts, cause):
    hit = decision(1, facts=facts)
    result, found = replayed(NOTHING, new, hit)
    assert found == ["newly_refused"]
    assert result.rules == {"newly_refused": {cause: 1}}
    assert result.examples == {"newly_refused": [hit.id]}
    assert result.accounts == {"acme": {"newly_refused": 1}}
    assert kinds(new, NOTHING, hit) == ["newly_allowed"]
    assert kinds(new, new, hit) == ["same"]
    if facts:
        assert kinds(NOTHING, new, decision(2)) == ["same"]


def test_refused_by_both_but_not_by_the_same():
    old, new = policy("access: {max_n: 1}"), rule("{n: {at_least: 2}}")
    result, found = replayed(old, new, decision(facts={"n": 2}))
    assert found == ["refused_otherwise"]
    assert result.rules == {"refused_otherwise": {"p/r": 1}}


@pytest.mark.parametrize(
    ("old", "new", "facts", "kind"),
    [
        (NOTHING, rule("{n: {at_least: 2}}", "{slow: 2s}"), {"n": 2}, "slowed"),
        (rule("{n: {at_least: 2}}", "{slow: 2s}"), rule("{n: {at_least: 2}}", "{slow: 1s}"), {"n": 2}, "eased"),
        (NOTHING, rule("{n: {at_least: 2}}", "{reduce: {max_n: 1}}"), {"n": 2}, "reduced"),
        (NOTHING, rule("{n: {at_least: 2}}", "{reduce: {max_n: 2}}"), {"n": 2}, "same"),
        (NOTHING, rule("{n: {at_least: 1}}", "{reduce: {logprobs: false}}"), {"logprobs": True}, "reduced"),
        (NOTHING, rule("{n: {at_least: 1}}", "{reduce: {logprobs: false}}"), {"logprobs": False}, "same"),
        (NOTHING, rule("{n: {at_least: 1}}", "{reduce: {max_output_tokens: 50}}"), {"max_output": 60}, "reduced"),
        (NOTHING, rule("{n: {at_least: 1}}", "{reduce: {max_output_tokens: 60}}"), {"max_output": 60}, "same"),
        (NOTHING, rule("{n: {at_least: 1}}", "{reduce: {reasoning: none}}"), {"reasoning": True}, "reduced"),
        (NOTHING, rule("{n: {at_least: 1}}", "{reduce: {reasoning: less}}"), {"reasoning": True}, "reduced"),
        (NOTHING, rule("{n: {at_least: 1}}", "{reduce: {reasoning: none}}"), {"reasoning": False}, "same"),
        (NOTHING, policy("access: {max_output_tokens: 50}"), {"max_output": 60}, "reduced"),
        (policy("access: {max_output_tokens: 50}"), NOTHING, {"max_output": 60}, "eased"),
        (NOTHING, rule("{n: {at_least: 1}}", "flag"), {}, "same"),
        (NOTHING, rule("{n: {at_least: 1}}", "{tag: seen}"), {}, "same"),
        (NOTHING, rule("{n: {at_least: 1}}", "propose_suspension"), {}, "same"),
        (NOTHING, rule("{n: {at_least: 1}}", "deny", status="testing"), {}, "same"),
        (NOTHING, rule("{n: {at_least: 1}}", "deny", match="{tier: pro}"), {}, "same"),
    ],
)
def test_what_callers_notice_short_of_a_refusal(old, new, facts, kind):
    assert kinds(old, new, decision(facts=facts)) == [kind]


def test_a_reduction_weighs_more_than_a_delay():
    both = policy(
        "rules: {a: {when: {n: {at_least: 2}}, then: {slow: 2s}}, b: {when: {n: {at_least: 2}}, then: "
        "{reduce: {max_n: 1}}}}"
    )
    assert kinds(NOTHING, both, decision(facts={"n": 2})) == ["reduced"]


# limits


def test_a_smaller_rate_refuses_what_comes_too_fast():
    records = [decision(number, at_s=number) for number in range(4)]
    result, found = replayed(policy(PER_MINUTE % 10), policy(PER_MINUTE % 2), *records)
    assert found == ["same", "same", "newly_refused", "newly_refused"]
    assert result.rules == {"newly_refused": {"p/rpm": 2}}
    assert kinds(policy(PER_MINUTE % 2), policy(PER_MINUTE % 10), *records)[2:] == ["newly_allowed"] * 2
    slow = [decision(number, at_s=31 * number) for number in range(4)]
    assert kinds(policy(PER_MINUTE % 10), policy(PER_MINUTE % 2), *slow) == ["same"] * 4


def test_accounts_do_not_use_up_each_others_limits():
    records = [decision(number, account=f"a{number}", org=f"o{number}") for number in range(5)]
    assert kinds(policy(PER_MINUTE % 10), policy(PER_MINUTE % 1), *records) == ["same"] * 5


def test_money_is_what_was_paid_not_what_was_held():
    budget = "budgets: {money: {unit: usd, per: account, amount: %s, period: day}}"
    records = [
        decision(number, at_s=10 * number, reserved_nano_usd=400_000_000, cost_nano_usd=100_000_000)
        for number in range(8)
    ]
    found = kinds(policy(budget % "9"), policy(budget % "0.8"), *records)
    assert found == ["same"] * 5 + ["newly_refused"] * 3, "five at 0.10 leave 0.30 of 0.80: 0.40 does not fit"


def test_tokens_are_settled_when_the_answer_is_over():
    limit = "limits: {tpm: {unit: output_tokens, per: account, amount: %d, window: 1h}}"
    given = {"reserved_output_tokens": 100, "usage": Usage(5, 10), "duration_s": 5.0}
    spaced = [decision(number, at_s=6 * number, **given) for number in range(3)]
    together = [decision(number, at_s=number, **given) for number in range(3)]
    assert kinds(policy(limit % 9999), policy(limit % 150), *spaced) == ["same"] * 3
    assert kinds(policy(limit % 9999), policy(limit % 150), *together) == ["same", "newly_refused", "newly_refused"]


def test_requests_in_flight():
    slots = "limits: {busy: {unit: concurrent, per: account, amount: %d}}"
    records = [decision(0, duration_s=10.0), decision(1, at_s=5), decision(2, at_s=11)]
    assert kinds(policy(slots % 5), policy(slots % 1), *records) == ["same", "newly_refused", "same"]


def test_what_a_limit_reserved_then_is_reserved_again():
    limit = "limits: {tpm: {unit: output_tokens, per: account, amount: 50, window: 1h}}"
    held = LimitRecord("x", "y", "output_tokens", 40, 10)
    assert kinds(NOTHING, policy(limit), decision(reserved_output_tokens=100, limits=(held,))) == ["same"]
    assert kinds(NOTHING, policy(limit), decision(reserved_output_tokens=100)) == ["newly_refused"]


def test_a_request_that_was_refused_takes_what_others_took():
    limit = "limits: {tpm: {unit: output_tokens, per: account, amount: 100, window: 1h}}"
    old, new = policy("access: {max_n: 1}\n" + limit), policy("access: {max_n: 9}\n" + limit)
    answered = [decision(number, at_s=2 * number, usage=Usage(10, 30)) for number in range(1)]
    tried = [refused(number, at_s=10 + number, facts={"n": 2, "max_output": 4000}) for number in range(1, 5)]
    result, found = replayed(old, new, *answered, *tried)
    assert result.guessed == 4
    assert found == ["same", "newly_allowed", "newly_allowed", "refused_otherwise", "refused_otherwise"]


def test_an_output_cap_makes_answers_shorter():
    limit = "limits: {tpm: {unit: output_tokens, per: account, amount: 100, window: 1h}}\n"
    records = [decision(number, at_s=2 * number, usage=Usage(10, 60), reserved_output_tokens=60) for number in range(4)]
    assert kinds(policy(limit), policy(limit + "access: {max_output_tokens: 25}"), *records) == [
        "reduced", "newly_allowed", "newly_allowed", "newly_allowed",
    ]  # fmt: skip


def test_a_failed_upstream_costs_nothing():
    records = [decision(number, at_s=2 * number, outcome="upstream_failed", usage=Usage()) for number in range(5)]
    assert kinds(policy(PER_MINUTE % 10), policy(PER_MINUTE % 1), *records) == ["same"] * 5


def test_counting_tokens_costs_one_request():
    limit = "limits: {tpm: {unit: total_tokens, per: account, amount: 1, window: 1h}}"
    assert kinds(NOTHING, policy(limit), decision(dialect="count_tokens", usage=Usage())) == ["same"]


def test_time_never_goes_back():
    late = decision(1, at_s=-30, duration_s=60.0)
    records = [decision(0), late, decision(2, at_s=1), decision(3, at_s=2)]
    result, found = replayed(policy(PER_MINUTE % 9), policy(PER_MINUTE % 2), *records, decision(4, at_s=-99))
    assert found[2:] == ["newly_refused"] * 3
    assert result.last_ms - result.first_ms == 2000


def test_usage_criteria_follow_the_replay():
    limit = "limits: {rpm: {unit: requests, per: account, amount: 10, window: 1h}}\n"
    new = policy(limit + "rules: {r: {when: {usage: {limit: p/rpm, at_least: 0.19}}, then: {slow: 3s}}}")
    assert kinds(policy(limit), new, *(decision(n, at_s=2 * n) for n in range(4))) == [
        "same",
        "same",
        "slowed",
        "slowed",
    ]


# what is not known


SECRET = "rules: {r: {when: {text: {phrases: [%s]}}, then: deny, per_request: true}}"


def condition(policies, holds=True, name="p/r"):
    [compiled] = policies.compiled
    return ConditionRecord(name, compiled.rules[0].revision, holds)


def test_a_text_rule_that_is_the_same_keeps_its_answer():
    old = PolicySet([policy(SECRET % "alpha")])
    asks = PolicySet([policy(SECRET.replace("deny", "review") % "alpha")])
    assert kinds(old, asks, refused(conditions=(condition(old),))) == ["same"]
    slow = PolicySet([policy(SECRET.replace("deny", "{slow: 2s}") % "alpha")])
    result, found = replayed(old, slow, refused(conditions=(condition(old),)))
    assert found == ["newly_allowed"]
    assert result.unknown == {}
    assert kinds(old, slow, decision(conditions=(condition(old, holds=False),))) == ["same"]


def test_a_text_rule_that_is_new_or_changed_is_not_evaluable():
    old, new = PolicySet([policy(SECRET % "alpha")]), PolicySet([policy(SECRET % "beta")])
    records = [decision(1, conditions=(condition(old, holds=False),)), decision(2)]
    result, found = replayed(old, new, records[0])
    assert found == ["not_evaluable"]
    assert result.unknown == {"p/r": 1}
    assert result.accounts == {}
    assert kinds(NOTHING, new, *records) == ["not_evaluable"] * 2
    assert kinds(new, new, *records) == ["same"] * 2, "both lack the same answer"


def test_a_text_rule_does_not_hide_a_refusal_that_is_certain():
    new = PolicySet([policy(SECRET % "beta" + "\naccess: {max_n: 1}")])
    assert kinds(NOTHING, new, decision(facts={"n": 2})) == ["newly_refused"]
    assert kinds(NOTHING, new, decision(facts={"n": 1})) == ["not_evaluable"]


@pytest.mark.parametrize("then", ["flag", "{tag: seen}", "propose_suspension", "deny, until: '2026-03-01'"])
def test_what_no_caller_would_notice_need_not_be_known(then):
    assert kinds(NOTHING, policy(SECRET.replace("deny", then) % "beta"), decision()) == ["same"]
    assert kinds(NOTHING, policy(SECRET % "beta", status="testing"), decision()) == ["same"]


@pytest.mark.parametrize(
    "when", ["{headers: {via: x}}", "{address: 192.0.2.0/24}", "{distinct_prompts: {at_least: 2}}"]
)
def test_other_things_that_no_record_holds(when):
    assert kinds(NOTHING, rule(when), decision()) == ["not_evaluable"]
    new = PolicySet([rule(when)])
    assert kinds(NOTHING, new, decision(conditions=(condition(new, holds=True),))) == ["newly_refused"]
    assert kinds(NOTHING, new, decision(conditions=(condition(new, holds=False),))) == ["same"]
    assert kinds(NOTHING, new, decision(conditions=(condition(new, holds=None),))) == ["same"], "it held nobody up then"


@pytest.mark.parametrize(
    ("when", "kind"),
    [
        ("{any: [{text: {phrases: [alpha]}}, {n: {at_least: 2}}]}", "newly_refused"),
        ("{all: [{text: {phrases: [alpha]}}, {n: {at_least: 3}}]}", "same"),
        ("{not: {text: {phrases: [alpha]}}}", "not_evaluable"),
        ("{not: {all: [{text: {phrases: [alpha]}}, {n: {at_least: 3}}]}}", "newly_refused"),
    ],
)
def test_other_criteria_may_decide_all_the_same(when, kind):
    assert kinds(NOTHING, rule(when, more=", per_request: true"), decision(facts={"n": 2})) == [kind]


def test_what_one_rule_misses_another_with_the_same_fragment_misses_too():
    fragments = definitions("fragments: {secret: {text: {phrases: [alpha]}}}")
    when = "when: {use: secret}, per_request: true"
    both = f"rules: {{a: {{{when}, then: review}}, b: {{{when}, then: deny, unknown: act}}}}"
    result, found = replayed(NOTHING, PolicySet([policy(both)], fragments), decision())
    assert (found, result.unknown) == (["not_evaluable"], {"p/a": 1, "p/b": 1})


def test_a_rule_that_acts_on_what_nobody_knows():
    """What was not known then is not known again; what a replay does not know is another matter."""
    careful = PolicySet([policy(SECRET.replace("per_request: true", "per_request: true, unknown: act") % "alpha")])
    assert kinds(NOTHING, careful, decision(conditions=(condition(careful, holds=None),))) == ["newly_refused"]
    assert kinds(NOTHING, careful, decision(conditions=(condition(careful, holds=False),))) == ["same"]
    assert kinds(NOTHING, careful, decision()) == ["not_evaluable"]


@pytest.mark.parametrize("when", ["{seed: true}", "{client_country: DE}", "{messages: {at_least: 2}}"])
def test_facts_that_nobody_read(when):
    """Where no rule applied, the body was not looked at."""
    given = dict.fromkeys(
        ("client_country", "top_logprobs", "temperature", "seed", "reasoning", "tools", "response_format", "messages",
         "images", "media", "odd")
    )  # fmt: skip
    assert kinds(NOTHING, rule(when), decision(facts=given)) == ["not_evaluable"]
    assert kinds(NOTHING, rule("{n: {at_least: 1}}"), decision(facts=given)) == ["newly_refused"]


def test_a_country_that_was_not_known_decides_nothing():
    assert kinds(NOTHING, rule("{not: {client_country: DE}}"), decision()) == ["same"]


def test_shares_count_again():
    share = "rules: {r: {when: {text: {phrases: [alpha]}}, then: deny, share: {at_least: 0.5, calls: %d}}}"
    old, new = PolicySet([policy(share % 90)]), PolicySet([policy(share % 50)])
    records = [decision(number, at_s=9 * number, conditions=(condition(old),)) for number in range(60)]
    assert kinds(old, new, *records) == ["same"] * 49 + ["newly_refused"] * 11


# prompts that are new


PROMPTS = "limits: {fresh: {unit: distinct_prompts, per: account, amount: %d, window: 1d}}"


def prompts(failing):
    return LimitRecord("p", "fresh", "distinct_prompts", 1, 0, failing=failing)


def test_limits_on_prompts_keep_their_answer_while_they_are_the_same():
    old = PolicySet([policy(PROMPTS % 5)])
    new = PolicySet([policy(PROMPTS % 5), policy("access: {max_n: 1}", id="q")])
    assert kinds(old, new, decision(limits=(prompts(False),))) == ["same"]
    assert kinds(old, new, refused(limits=(prompts(True),))) == ["same"]
    without = PolicySet([policy("access: {max_n: 1}", id="q")])
    assert kinds(new, without, refused(limits=(prompts(True),), revision=new.revision)) == ["newly_allowed"]


def test_a_changed_limit_on_prompts_is_not_evaluable():
    old, new = PolicySet([policy(PROMPTS % 5)]), PolicySet([policy(PROMPTS % 3)])
    result, found = replayed(old, new, decision(limits=(prompts(False),), revision=old.revision))
    assert found == ["not_evaluable"]
    assert result.unknown == {"p/fresh": 1}
    found = kinds(old, new, refused(limits=(prompts(True),), revision=old.revision))
    assert found == ["not_evaluable"], "it was refused, and nobody knows whether it would be"


def test_a_usage_rule_on_prompts_is_not_evaluable():
    text = PROMPTS % 5 + "\nrules: {r: {when: {usage: {limit: p/fresh, at_least: 0.5}}, then: {slow: 1s}}}"
    old = PolicySet([policy(PROMPTS % 5)])
    assert kinds(old, policy(text), decision(limits=(prompts(False),), revision=old.revision)) == ["not_evaluable"]


# the rest


def test_models_are_known_where_a_catalogue_says_more():
    small = Model("m1", "m1", ("u",), 1000, 100, None, aliases=("small",), family="open")
    catalogue = Catalogue((small,), {"m1": small})
    assert kinds(NOTHING, policy("access: {models: small}"), decision(), catalogue=catalogue) == ["same"]
    assert kinds(NOTHING, rule("{family: open}"), decision(), catalogue=catalogue) == ["newly_refused"]
    assert kinds(NOTHING, policy("access: {models: small}"), decision()) == ["newly_refused"]
    money = policy("budgets: {money: {unit: usd, per: account, amount: 9, period: day}}")
    result, found = replayed(NOTHING, money, decision(), catalogue=catalogue)
    assert found == ["newly_refused"]
    assert result.rules == {"newly_refused": {"price_unknown": 1}}


def test_exceptions_end_at_the_records_time():
    given = "access: {max_n: 1}\nexceptions: [{account: acme, reason: r, owner: o, until: '2026-03-02T12:01:00Z'}]"
    records = [decision(1, at_s=0, facts={"n": 2}), decision(2, at_s=61, facts={"n": 2})]
    assert kinds(NOTHING, policy(given), *records) == ["same", "newly_refused"]


def test_what_never_came_to_the_policies_and_what_cannot_be_read():
    stranger = replace(refused(1, account=""), facts=None)
    line = Unreadable("log", 7, "not JSON")
    result, found = replayed(NOTHING, rule("{n: {at_least: 1}}"), stranger, line, decision())
    assert found == ["not_asked", "unreadable", "newly_refused"]
    assert (result.lines, result.changed, len(result.seen)) == (3, 1, 1)
    assert result.unreadable == [line]


def test_a_long_log_is_told_in_bounded_words(monkeypatch):
    monkeypatch.setattr(compare, "MAX_ACCOUNTS", 3)
    monkeypatch.setattr(compare, "MAX_EXAMPLES", 4)
    records = [decision(number, account=f"a{number}") for number in range(10)]
    lines = [Unreadable("log", number, "not JSON") for number in range(10)]
    result, _ = replayed(NOTHING, rule("{n: {at_least: 1}}"), *records, *lines)
    assert set(result.accounts) == {"a0", "a1", "a2", "(others)"}
    assert result.accounts["(others)"] == {"newly_refused": 7}
    assert (len(result.seen), len(result.unreadable), len(result.examples["newly_refused"])) == (3, 4, 4)
    assert result.buckets == {"newly_refused": 10, "unreadable": 10}


def test_an_account_is_one_account_although_its_age_is_in_seconds():
    comparison = Comparison(PolicySet([NOTHING]), PolicySet([NOTHING]))
    seen = set()
    for number in range(20):
        made = recorded(decision(number, at_s=number + number / 30, facts={"account_age_s": 1000 + number}))
        comparison.add(made)
        seen.add(id(comparison._accounts["acme"][1]))
    assert len(seen) == 1
    comparison.add(recorded(decision(99, at_s=30, facts={"account_age_s": 1030, "verified": True})))
    assert comparison._accounts["acme"][1].verified


def test_every_line_is_counted():
    result = Comparison(PolicySet([policy(PER_MINUTE % 10)]), PolicySet([policy(PER_MINUTE % 1)])).add_all(
        recorded(record) for record in mixed(500)
    )
    assert result.lines == 500
