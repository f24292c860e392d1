"""Every criterion asked about the plainest request of every dialect: an explanation has words for all of them."""

from dataclasses import replace

import pytest

from gateway.dialects import DIALECTS
from gateway.policy.criteria import CRITERIA
from gateway.policy.explain.decision import Served, explain
from gateway.policy.explain.text import explained
from gateway.policy.sample import plain_body
from tests.support.inquiries import dialect_of, inquiry
from tests.support.policies import CHEAP, policy, policy_set

WHEN = """
    tier: free
    account: acme
    org: org1
    key: k1
    country: unknown
    owner_country: unknown
    verified: false
    declared_purpose: undeclared
    tags: none
    account_age: {below: 7d}
    attested_age: {below: 18}
    standing: clear
    model: m1
    family: none
    dialect: chat
    route: /v1/messages
    upstream: u1
    terms: {distillation: forbidden}
    headers: {x-client: "*"}
    address: 203.0.113.0/24
    client_country: DE
    time: {days: mon}
    stream: false
    n: {at_least: 1}
    logprobs: false
    top_logprobs: {below: 5}
    temperature: {below: 1}
    seed: false
    max_output: {below: 5}
    reasoning: false
    tools: {below: 5}
    response_format: text
    messages: {below: 5}
    user_turns: {below: 5}
    prompt_tokens: {below: 5}
    images: {below: 5}
    media: {below: 5}
    token_ids: false
    text: {phrases: some words}
    usage: {limit: p/rpm, at_least: 0.5}
    distinct_prompts: {below: 5}
"""
POLICY = f"""
rules:
  all:
   when: {{any: [{{stream: false}}]}}
   then: flag
  each:
   when:{WHEN}
   then: flag
limits: {{rpm: {{unit: requests, per: account, amount: 5, window: 1m}}}}
budgets: {{money: {{unit: usd, per: account, amount: 5, period: day}}}}
"""


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_criterion_has_words_in_every_dialect(dialect: object) -> None:
    name = dialect.name  # type: ignore[attr-defined]
    rules = policy_set(policy(POLICY))
    asked = inquiry(rules=rules)
    speaks = dialect_of(name)
    asked.ask = ask = speaks.read({"model": "m1", **plain_body(name, "hi", max_tokens=5)})  # type: ignore[assignment]
    asked.read_texts = lambda: speaks.texts(ask.body)  # type: ignore[union-attr]
    asked.read_parameters = lambda: speaks.parameters(ask)  # type: ignore[arg-type]
    asked.here = replace(asked.here, dialect=name)
    one = explain(rules, asked, Served(prices=CHEAP, kinds=("openai",)))
    assert one.decision.action == "allow"
    parts = {part.says.partition(":")[0]: part for part in one.policies[0].rules[1].condition.parts}
    assert set(parts) == {criterion.key for criterion in CRITERIA}
    for criterion in CRITERIA:
        part = parts[criterion.key]
        codes = {True: criterion.passes, False: criterion.fails, None: "not_evaluated"}
        assert part.code == codes[part.holds]
    assert len(list(explained(one))) > len(CRITERIA)
