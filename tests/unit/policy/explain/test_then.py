import json
from typing import Any

import pytest

from gateway.policy.compile import PolicySet
from gateway.policy.explain.then import condition_then
from gateway.policy.trace import lines
from tests.golden.policy.scenes import HERE
from tests.support.policies import model, policy, policy_set

RECORD: dict[str, Any] = json.loads((HERE / "records" / "refused.json").read_text())


def rules(when: str) -> PolicySet:
    return policy_set(policy(f"rules: {{r: {{when: {when}, then: flag}}}}"))


def said(when: str, **facts: object) -> list[str] | None:
    record = {**RECORD, "facts": {**RECORD["facts"], **facts}}
    step = condition_then(record, rules(when), "p/r", model())
    return None if step is None else list(lines(step))


@pytest.mark.parametrize(
    ("when", "line"),
    [
        ("{n: {at_least: 2}}", "yes n: at_least 2 (found: 2 choices)  [n_in_range]"),
        ("{country: DE}", "yes country: DE (found: DE)  [country_listed]"),
        ("{account_age: {below: 2d}}", "yes account_age: below 2d (found: 1 days)  [account_age_in_range]"),
        ("{tags: edu}", "yes tags: edu (found: edu)  [tag_present]"),
        ("{temperature: {below: 1}}", "?   temperature: below 1.0 (found: unknown)  [not_evaluated]"),
        ("{text: {phrases: hello}}", "?   text: phrases hello  [not_recorded]"),
        ("{headers: {x-client: a}}", "?   headers: x-client a  [not_recorded]"),
        ("{address: 203.0.113.0/24}", "?   address: 203.0.113.0/24"),
        ("{time: {days: mon}}", "yes time: days mon (found: Mon 12:00 UTC)  [time_inside]"),
        ("{model: m1}", "yes model: m1 (found: m1)  [model_listed]"),
    ],
)
def test_what_a_record_kept_answers(when: str, line: str) -> None:
    (only,) = said(when) or ()
    assert only.startswith(line)


def test_a_standing_of_then_counts() -> None:
    assert said("{standing: watched}", standing="watched") == [
        "yes standing: watched (found: watched)  [standing_listed]"
    ]


def test_where_nothing_can_be_said() -> None:
    when = "{n: {at_least: 2}}"
    assert condition_then(RECORD, rules(when), "p/r", None) is None
    assert condition_then(RECORD, rules(when), "p/r", model("other")) is None
    assert condition_then(RECORD, rules(when), "p/gone", model()) is None
    assert condition_then(RECORD, rules(when), "q/r", model()) is None
    assert condition_then({**RECORD, "facts": None}, rules(when), "p/r", model()) is None
    assert condition_then({**RECORD, "facts": {"n": 2}}, rules(when), "p/r", model()) is None
    assert condition_then({"id": "req-1"}, rules(when), "p/r", model()) is None
