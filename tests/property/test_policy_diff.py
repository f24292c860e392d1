"""Whatever the log and the policies: a set does not differ from itself, and every line is counted once."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.observe.records import ConditionRecord, DecisionRecord
from gateway.policy.compile import PolicySet
from gateway.policy.diff.compare import ALLOWED, BUCKETS, EASED, REFUSED, SAME, UNREADABLE, Comparison
from gateway.policy.diff.reader import Unreadable
from gateway.policy.diff.recorded import NotARecord, read_record
from tests.support.decision_logs import decision, mixed, recorded, refused
from tests.support.policies import policy

WHEN = st.sampled_from(
    [
        "{n: {at_least: 2}}",
        "{logprobs: true}",
        "{country: [DE, unknown]}",
        "{verified: false, max_output: {at_least: 100}}",
        "{not: {temperature: {at_least: 0.5}}}",
        "{text: {phrases: [alpha]}}",
        "{any: [{text: {phrases: [beta]}}, {n: {at_least: 4}}]}",
        "{headers: {via: x}}",
        "{usage: {limit: p/l, at_least: 0.5}}",
        "{distinct_prompts: {at_least: 3}}",
        "{time: {from: '12:00', to: '12:03'}}",
    ]
)
THEN = st.sampled_from(
    ["deny", "review", "flag", "{tag: t}", "{slow: 2s}", "{reduce: {max_n: 1}}", "{reduce: {logprobs: false}}"]
)
HOW = st.sampled_from([", per_request: true", ", share: {at_least: 0.2}"])
LIMIT = st.sampled_from(
    [
        "{unit: requests, per: account, amount: 2, window: 1m}",
        "{unit: output_tokens, per: org, amount: 3000, window: 1h}",
        "{unit: concurrent, per: key, amount: 1}",
        "{unit: distinct_prompts, per: account, amount: 9, window: 1d}",
        "{unit: requests, per: all, amount: 30, window: 1m}",
    ]
)
MATCH = st.sampled_from(["all", "{tier: free}", "{country: DE}", "{not: {verified: true}}", "{model: m*}"])


@st.composite
def policies(draw):
    """One policy with a limit, an access rule and up to three rules."""
    rules = draw(st.lists(st.tuples(WHEN, THEN, HOW), max_size=3))
    text = f"limits: {{l: {draw(LIMIT)}}}\naccess: {{max_n: {draw(st.integers(1, 5))}}}\n"
    if rules:
        entries = (f"r{n}: {{when: {when}, then: {then}{how}}}" for n, (when, then, how) in enumerate(rules))
        text += f"rules: {{{', '.join(entries)}}}\n"
    mode = draw(st.sampled_from(["enforce", "enforce", "audit"]))
    return PolicySet([policy(text + f"mode: {mode}\n", match=draw(MATCH))])


def conditions(*sets: PolicySet) -> tuple[ConditionRecord, ...]:
    """Answers for all rules that need one."""
    return tuple(
        ConditionRecord(f"{one.id}/{rule.name}", rule.revision, holds=index % 2 == 0)
        for known in sets
        for one in known.compiled
        for index, rule in enumerate(one.rules)
        if rule.revision
    )


@settings(max_examples=60, deadline=None)
@given(policies(), st.integers(0, 99), st.booleans())
def test_a_set_does_not_differ_from_itself(one, seed, answered):
    records = mixed(60, seed=seed, accounts=6)
    for record in records:
        record.conditions = conditions(one) if answered else ()
    again = PolicySet(one.policies)
    result = Comparison(one, again).add_all(map(recorded, records))
    assert result.changed == 0
    assert set(+result.buckets) <= {SAME, "not_asked"}
    assert result.accounts == result.rules == result.examples == {}


@settings(max_examples=60, deadline=None)
@given(policies(), policies(), st.integers(0, 99))
def test_every_line_is_in_exactly_one_bucket(one, other, seed):
    records = mixed(50, seed=seed, accounts=5)
    for record in records:
        record.conditions = conditions(one)
    lines = [*map(recorded, records), Unreadable("log", 9, "not JSON")]
    comparison = Comparison(one, other)
    counted = Counter(comparison.add(line) for line in lines)
    result = comparison.result
    assert set(counted) <= set(BUCKETS)
    assert counted == +result.buckets
    assert result.lines == len(lines)
    assert counted[UNREADABLE] == len(result.unreadable) == 1
    assert counted["not_asked"] == sum(record.facts is None for record in records)
    assert sum((kinds for kinds in result.accounts.values()), Counter()).total() == result.changed
    assert sum(rules.total() for kind, rules in result.rules.items() if kind in (REFUSED, ALLOWED)) == (
        counted[REFUSED] + counted[ALLOWED]
    )


@settings(max_examples=40, deadline=None)
@given(policies(), policies(), st.integers(0, 99))
def test_the_other_way_round_is_the_opposite(one, other, seed):
    """Who is newly refused by one is newly allowed by the other."""
    records = [recorded(record) for record in mixed(50, seed=seed, accounts=5)]
    there = Comparison(one, other).add_all(records).buckets
    back = Comparison(other, one).add_all(records).buckets
    assert there[REFUSED] == back[ALLOWED]
    assert there[ALLOWED] == back[REFUSED]
    assert there[SAME] == back[SAME]
    assert there["not_evaluable"] == back["not_evaluable"]
    assert bool(back[EASED]) <= bool(there["slowed"] or there["reduced"])


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_line_is_a_fault(line):
    with pytest.raises(NotARecord) as caught:
        read_record(line)
    assert len(str(caught.value)) < 80


@given(st.data())
def test_no_damage_to_a_record_is_a_fault(data):
    line = bytearray(data.draw(st.sampled_from([decision(1), refused(2)])).as_line())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(line) - 1))
        line[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        made = read_record(bytes(line))
    except NotARecord:
        return
    rules = PolicySet([policy("rules: {r: {when: {n: {at_least: 2}, seed: true}, then: deny}}")])
    assert Comparison(rules, rules).add(made) in BUCKETS


def test_the_log_of_these_properties_has_all_sorts():
    made: list[DecisionRecord] = mixed(200)
    assert {record.facts is None for record in made} == {True, False}
    assert {bool(record.reason) for record in made} == {True, False}
