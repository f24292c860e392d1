import pytest

from gateway.policy.lint_rules import RULE_RULES
from gateway.policy.load import PolicyFile
from gateway.policy.recent import MAX_ENTRIES
from tests.support.policies import linted, policy_file, shared

SHARED = shared("fragments:\n  none: {verified: true, not: {verified: true}}\n  free: {tier: free}\n")


def rules(*lines: str, more: str = "", **head: str) -> PolicyFile:
    """A policy whose rules stand from line 7 on."""
    return policy_file("rules:\n" + "".join(f"  {line}\n" for line in lines) + more, **head)


def codes(*files: PolicyFile, **scene: object) -> list[tuple[str, int]]:
    return [(code, line) for code, line, _ in linted(RULE_RULES, *files, **scene)]


@pytest.mark.parametrize(
    ("when", "match"),
    [
        ("{tier: free}", "{tier: [pro, trial]}"),
        ("{tier: free}", "{not: {tier: [free, pro]}}"),
        ("{tier: free, not: {tier: [free, pro]}}", "all"),
        ("{all: [{country: DE}, {country: [FR, AT]}]}", "all"),
        ("{any: [{country: DE}, {country: FR}]}", "{country: AT}"),
        ("{n: {at_least: 4}, any: [{n: {below: 2}}, {not: {n: {at_least: 3}}}]}", "all"),
        ("{account_age: {at_least: 8d}}", "{account_age: {below: 7d}}"),
        ("{temperature: {below: 0.5}, not: {temperature: {below: 0.6}}}", "all"),
        ("{n: {below: 5}, not: {any: [{n: {below: 2}}, {n: {at_least: 2, below: 9}}]}}", "all"),
        ("{stream: true, not: {any: [{stream: true}, {seed: true}]}}", "all"),
        ("{standing: watched}", "{not: {standing: [watched, limited]}}"),
        ("{not: {standing: [limited, blocked]}}", "{standing: [limited, blocked]}"),
        ("{not: {any: [{standing: [clear, watched]}, {standing: [limited, blocked]}]}}", "all"),
        ("{not: {any: [{seed: true}, {seed: false}]}}", "all"),
        ("{model: gpt-a}", "{not: {model: 'gpt-*'}}"),
        ("{not: {model: '*'}}", "all"),
        ("{tags: [a]}", "{not: {tags: [a, b]}}"),
        ("{address: 192.0.2.0/25, not: {address: [192.0.2.0/24, '::/0']}}", "all"),
        ("{all: [{address: 192.0.2.0/24}, {address: [198.51.100.0/24, '2001:db8::/32']}]}", "all"),
        ("{headers: {user-agent: Relay/1}, not: {headers: {user-agent: 'relay*'}}}", "all"),
        ("{route: /v1/messages}", "{dialect: chat}"),
        ("{terms: {distillation: forbidden}}", "{terms: {distillation: [allowed, conditional]}}"),
        ("{usage: {limit: p/l, at_least: 0.9}, not: {usage: {limit: p/l, at_least: 0.8}}}", "all"),
        ("{text: {phrases: x, in: user}, not: {text: {phrases: [x, y]}}}", "all"),
        ("{time: {days: [sat, sun]}, all: [{time: {from: '08:00', to: '18:00', days: mon}}]}", "all"),
        ("{time: {from: '22:00', to: '06:00'}, not: {time: {from: '21:00', to: '07:00'}}}", "all"),
        ("{use: free}", "{tier: pro}"),
        ("{not: {use: free}}", "{use: free}"),
    ],
)
def test_p205_a_rule_that_can_never_hold(when: str, match: str) -> None:
    file = rules(f"r: {{when: {when}, then: flag}}", match=match)
    found = [one for one in codes(file, definitions=SHARED) if one[0] == "P205" and one[1] == 7]
    assert found == [("P205", 7)]


@pytest.mark.parametrize(
    ("when", "match"),
    [
        ("{tier: free}", "{tier: [pro, free]}"),
        ("{tier: [free, pro], not: {tier: free}}", "all"),
        ("{n: {at_least: 4}, not: {n: {at_least: 5}}}", "all"),
        ("{not: {n: {at_least: 1}}}", "all"),
        ("{temperature: {at_least: 0.5, below: 0.6}}", "{not: {verified: true}}"),
        ("{not: {temperature: {at_least: 0}}}", "all"),
        ("{account_age: {at_least: 6d}}", "{account_age: {below: 7d}}"),
        ("{not: {standing: [watched, limited]}}", "all"),
        ("{all: [{model: gpt-a}, {model: gpt-b}]}", "all"),  # one model by two of its names
        ("{all: [{tags: a}, {tags: b}]}", "all"),
        ("{all: [{upstream: a}, {upstream: b}]}", "all"),
        ("{tags: [a, b], not: {tags: a}}", "all"),
        ("{not: {headers: {user-agent: '*'}}}", "all"),  # there is none
        ("{headers: {user-agent: '*'}, not: {headers: {user-agent: 'relay*'}}}", "all"),
        ("{address: 192.0.2.0/24, not: {address: 192.0.2.0/25}}", "all"),
        ("{all: [{address: 192.0.2.0/24}, {address: 192.0.2.0/28}]}", "all"),
        ("{time: {from: '22:00', to: '06:00'}, not: {time: {from: '23:00', to: '07:00'}}}", "all"),
        ("{time: {days: sat}, all: [{time: {days: sun, zone: Asia/Tokyo}}]}", "all"),
        ("{time: {days: sun, from: '22:00', to: '06:00'}, not: {time: {days: sun}}}", "all"),
        ("{text: {phrases: [x, y]}, not: {text: {phrases: x}}}", "all"),
        ("{text: {phrases: x}, not: {text: {phrases: x, in: user}}}", "all"),
        ("{not: {use: free}}", "{tier: [free, pro]}"),
        ("{use: nobody, not: {tier: free}}", "all"),
    ],
)
def test_p205_a_rule_that_may_hold(when: str, match: str) -> None:
    file = rules(f"r: {{when: {when}, then: flag}}", match=match)
    assert [one for one in codes(file, definitions=shared("fragments: {free: {tier: free}}")) if one[0] == "P205"] == []


def test_p205_of_fragments_and_not_twice_for_a_hopeless_match() -> None:
    file = rules("r: {when: {seed: true}, then: flag}", match="{tier: free, not: {tier: free}}")
    assert linted(RULE_RULES, file, definitions=SHARED) == [("P205", 3, "definitions.yaml")]


def test_p205_a_condition_with_too_many_ways_is_left_alone() -> None:
    either = ", ".join(f"{{any: [{{tier: t{n}}}, {{country: [X{chr(65 + n)}]}}]}}" for n in range(12))
    assert codes(rules(f"r: {{when: {{all: [{either}]}}, then: flag}}")) == []


def test_p205_a_rule_that_acts_where_nobody_knows_may_act_all_the_same() -> None:
    nowhere = "when: {client_country: DE, not: {client_country: DE}}, then: deny"
    assert codes(rules(f"r: {{{nowhere}}}")) == [("P205", 7)]
    assert codes(rules(f"r: {{{nowhere}, unknown: act}}")) == []


DENY = "a-deny: {when: {n: {at_least: 3}}, then: deny}"


@pytest.mark.parametrize(
    "rule",
    [
        "z: {when: {n: {at_least: 3}}, then: {slow: 2s}}",
        "z: {when: {n: {at_least: 5}, seed: true}, then: {reduce: {max_n: 2}}}",
        "z: {when: {n: {at_least: 4, below: 9}}, then: review}",
        "z: {when: {n: {at_least: 3}}, then: deny}",
        "z: {when: {n: {at_least: 3}}, then: declare, until: 2026-04-01}",
    ],
)
def test_p206_a_rule_that_a_refusal_forestalls(rule: str) -> None:
    assert codes(rules(DENY, rule)) == [("P206", 8)]
    other = rules(rule, id="q", match="{tier: free}")
    assert codes(rules(DENY), other) == [("P206", 7)]


@pytest.mark.parametrize(
    "rule",
    [
        "z: {when: {n: {at_least: 3}}, then: flag}",
        "z: {when: {n: {at_least: 3}}, then: {tag: t}}",
        "z: {when: {n: {at_least: 3}}, then: propose_suspension}",
        "z: {when: {n: {at_least: 2}}, then: {slow: 2s}}",
        "z: {when: {seed: true}, then: review}",
        "z: {when: {n: {at_least: 3}}, then: review, share: {at_least: 0.5}}",
        "a: {when: {n: {at_least: 4}}, then: deny}",
    ],
)
def test_p206_a_rule_that_still_decides_something(rule: str) -> None:
    assert codes(rules(DENY, rule)) == []


def test_p206_a_refusal_that_does_not_always_act_forestalls_nothing() -> None:
    slow = "z: {when: {n: {at_least: 3}}, then: {slow: 2s}}"
    assert codes(rules(DENY.replace("}, then", "}, until: 2026-04-01, then"), slow)) == []
    assert codes(rules(DENY.replace("}, then", "}, share: {at_least: 0.5}, then"), slow)) == []
    assert codes(rules(DENY, status="testing"), rules(slow, id="q")) == []  # in audit mode
    exception = "exceptions: [{account: a, reason: r, owner: o, until: 2026-04-01}]\n"
    assert codes(rules(DENY, more=exception), rules(slow, id="q")) == []
    assert codes(rules(DENY, match="{tier: pro}"), rules(slow, id="q")) == []
    assert codes(rules(DENY, slow, more=exception)) == [("P206", 8)]  # of the same policy it exempts from both


def test_p206_of_two_shares_only_the_same_one_forestalls() -> None:
    deny = "a: {when: {seed: true}, then: deny, share: {at_least: 0.5}, hold: 1d}"
    assert codes(rules(deny, "z: {when: {seed: true}, then: review, share: {at_least: 0.5}}")) == [("P206", 8)]
    for share in ("share: {at_least: 0.4}", "share: {at_least: 0.5}, hold: 2d"):
        assert codes(rules(deny, f"z: {{when: {{seed: true}}, then: review, {share}}}")) == []


def test_p206_a_rule_that_acts_where_nobody_knows_is_forestalled_only_by_its_like() -> None:
    slow = "z: {when: {client_country: DE}, then: {slow: 2s}, unknown: act}"
    deny = "a: {when: {client_country: DE}, then: deny}"
    assert codes(rules(deny, slow)) == []
    assert codes(rules(deny.replace("deny}", "deny, unknown: act}"), slow)) == [("P206", 8)]


def test_p207_more_shares_than_are_remembered_of_an_account() -> None:
    lines = [f"r{n:04}: {{when: {{seed: true}}, then: flag, share: {{at_least: 0.5}}}}" for n in range(MAX_ENTRIES + 1)]
    assert codes(rules(*lines)) == [("P207", 7 + MAX_ENTRIES)]
    assert codes(rules(*lines[:-1])) == []
    assert codes(rules(*lines, more="mode: 'off'\n")) == []


@pytest.mark.parametrize(
    ("reduce", "more", "when"),
    [
        ("{logprobs: false}", "access: {logprobs: false}\n", "{seed: true}"),
        ("{max_n: 2}", "access: {max_n: 2}\n", "{seed: true}"),
        ("{max_output_tokens: 100, reasoning: none}", "access: {max_output_tokens: 50}\n", "{seed: true}"),
        ("{logprobs: false}", "", "{logprobs: false}"),
        ("{max_n: 2}", "", "{n: {below: 3}}"),
        ("{max_output_tokens: 9}", "", "{max_output: {below: 5}}"),
    ],
)
def test_p208_a_reduction_that_takes_nothing_away(reduce: str, more: str, when: str) -> None:
    file = rules(f"r: {{when: {when}, then: {{reduce: {reduce}}}}}", more=more)
    assert codes(file) == [("P208", 7)]


@pytest.mark.parametrize(
    ("reduce", "more", "when"),
    [
        ("{logprobs: false}", "access: {logprobs: true, max_n: 1}\n", "{seed: true}"),
        ("{max_n: 2}", "access: {max_n: 3}\n", "{seed: true}"),
        ("{max_n: 2}", "", "{n: {below: 4}}"),
        ("{max_output_tokens: 50}", "access: {max_output_tokens: 100}\n", "{seed: true}"),
        ("{reasoning: none}", "access: {logprobs: false}\n", "{seed: true}"),
    ],
)
def test_p208_a_reduction_that_does_something(reduce: str, more: str, when: str) -> None:
    assert codes(rules(f"r: {{when: {when}, then: {{reduce: {reduce}}}}}", more=more)) == []


def test_p208_what_another_policy_denies_everyone() -> None:
    reduce = rules("r: {when: {seed: true}, then: {reduce: {logprobs: false}}}", id="q")
    assert codes(policy_file("access: {logprobs: false}\n"), reduce) == [("P208", 7)]
    assert codes(policy_file("access: {logprobs: false}\n", match="{tier: pro}"), reduce) == []


LIMITS = "limits: {pace: {unit: requests, per: account, amount: 5, window: 1m}}\n"
USAGE = "r: {{when: {{usage: {{limit: {}, at_least: 0.5}}}}, then: flag}}"


def test_p305_a_limit_that_nobody_has() -> None:
    assert codes(rules(USAGE.format("p/pace"), more=LIMITS)) == []
    assert codes(rules(USAGE.format("p/pase"), more=LIMITS)) == [("P305", 7)]
    assert codes(rules(USAGE.format("q/pace"), more=LIMITS)) == [("P305", 7)]
    budget = "budgets: {money: {unit: usd, per: account, amount: 5, period: day}}\n"
    assert codes(rules(USAGE.format("p/money"), more=budget)) == []
    fragment = shared("fragments: {busy: {usage: {limit: p/gone, at_least: 0.5}}}")
    assert linted(RULE_RULES, policy_file(), definitions=fragment) == [("P305", 2, "definitions.yaml")]


def test_p305_says_nothing_of_policies_that_are_not_here() -> None:
    assert codes(rules(USAGE.format("q/pace"), more=LIMITS), whole=False) == []
    assert codes(rules(USAGE.format("p/pase"), more=LIMITS), whole=False) == [("P305", 7)]


def test_p305_distinct_prompts_that_nobody_counts() -> None:
    asks = "r: {when: {use: many}, then: flag}"
    many = shared("fragments: {many: {distinct_prompts: {at_least: 9}}}")
    assert codes(rules(asks), definitions=many) == [("P305", 7)]
    counts = "limits: {new: {unit: distinct_prompts, per: account, amount: 5, window: 1d}}\n"
    assert codes(rules(asks, more=counts), definitions=many) == []
