"""Money budgets on the wire: what is reserved, capped, topped up, cut short, charged and shown."""

import json
from contextlib import ExitStack

import pytest

from tests.support import transcripts
from tests.support.recording import recording
from tests.support.running import MODELS, running
from tests.support.talking import ask, code, policy, stopped, usage, used
from tests.support.upstream import ok
from tests.support.witnessed import in_chunks

INPUT, OUTPUT = 1_000, 2_000
"""Nano-dollars a token of the models in `running`."""
TOP_UP = 1024 * OUTPUT
PROMPT_TOKENS = 17
"""What the gateway holds for the two bytes of `ask`'s prompt."""


def budget(nano, more=""):
    return policy(budgets=f"money: {{unit: usd, per: account, amount: {nano / 1e9:.9f}, period: month}}", more=more)


def answer_of(read, written):
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return ok(json.dumps({"choices": [], "usage": usage}).encode())


@pytest.fixture
def start(tmp_path):
    """A recording upstream and a gateway with a budget in front of it."""
    with ExitStack() as stack:

        def begin(nano, *scripts, **more):
            upstream = stack.enter_context(recording(*scripts))
            policies = more.pop("policies", None) or budget(nano)
            gateway = stack.enter_context(
                running(tmp_path, upstream=upstream.url + "/v1", policies=policies, clock=stopped(), **more)
            )
            return gateway, upstream

        yield begin


def endless(dialect, words=6000):
    """A stream that writes far more than any budget here pays for."""
    texts = [f" w{number}" for number in range(words)]
    stream = {
        "chat": lambda: transcripts.chat(texts, with_usage=True),
        "completions": lambda: transcripts.completions(texts, with_usage=True),
        "responses": lambda: transcripts.responses(texts),
    }[dialect]()
    return in_chunks(stream, "events")


@pytest.mark.parametrize("dialect", ["chat", "completions", "responses"])
def test_a_stream_without_a_cap_ends_where_the_money_ends(start, dialect):
    nano = 1_000 * OUTPUT
    gateway, _ = start(nano, endless(dialect))
    answer = ask(gateway, dialect, stream=True)
    assert answer.status == 200
    events = transcripts.payloads(answer.body)
    if dialect == "responses":
        last = json.loads(events[-1])
        assert (last["type"], last["response"]["status"]) == ("response.incomplete", "incomplete")
        assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    else:
        assert events[-1] == b"[DONE]"
        assert json.loads(events[-2])["choices"][0]["finish_reason"] == "length"
    gateway.settled()
    record = gateway.records()[0]
    assert record.outcome == "budget_ended"
    assert record.usage.estimated
    assert nano - 2 * PROMPT_TOKENS * INPUT <= record.cost_nano_usd <= nano + TOP_UP
    assert used(gateway)["money"] == record.cost_nano_usd


def test_a_stream_tops_up_while_there_is_money(start):
    stream = transcripts.chat([" w"] * 5000, with_usage=True).replace(
        b'"completion_tokens":3', b'"completion_tokens":5000'
    )
    gateway, _ = start(20_000 * OUTPUT, in_chunks(stream, "events"))
    answer = ask(gateway, stream=True)
    assert answer.body.endswith(b"[DONE]\n\n")
    assert answer.body.count(b'" w"') == 5000
    gateway.settled()
    record = gateway.records()[0]
    assert record.outcome == "complete"
    assert record.reserved_output_tokens >= 4096
    assert used(gateway)["money"] == record.cost_nano_usd == 20 * INPUT + 5000 * OUTPUT


@pytest.mark.parametrize(("dialect", "field"), [
    ("chat", "max_completion_tokens"), ("completions", "max_tokens"), ("responses", "max_output_tokens"),
])  # fmt: skip
def test_a_whole_answer_without_a_cap_gets_one_that_the_money_pays(start, dialect, field):
    nano = 1_000 * OUTPUT
    gateway, upstream = start(nano, answer_of(3, 2))
    answer = ask(gateway, dialect)
    payable = (nano - PROMPT_TOKENS * INPUT) // OUTPUT
    assert answer.header("x-gateway-output-cap") == str(payable)
    assert json.loads(upstream.bodies()[0])[field] == payable


def test_with_plenty_the_injected_cap_is_the_models_own(start):
    gateway, upstream = start(10**9, answer_of(3, 2))
    assert ask(gateway).header("x-gateway-output-cap") == "4096"
    assert json.loads(upstream.bodies()[0])["max_completion_tokens"] == 4096


def test_a_callers_own_cap_is_left_alone(start):
    gateway, upstream = start(10**9, answer_of(3, 2))
    answer = ask(gateway, max_tokens=77)
    assert answer.header("x-gateway-output-cap") is None
    assert json.loads(upstream.bodies()[0])["max_tokens"] == 77


def test_a_policys_cap_reaches_the_upstream(start):
    capped = budget(10**9, more="access: {max_output_tokens: 50}\n")
    gateway, upstream = start(0, answer_of(3, 2), policies=capped)
    answers = [ask(gateway), ask(gateway, max_tokens=77), ask(gateway, max_tokens=20), ask(gateway, "messages")]
    assert [answer.header("x-gateway-output-cap") for answer in answers] == ["50", "50", None, None]
    caps = [json.loads(body) for body in upstream.bodies()]
    assert [body.get("max_tokens") or body["max_completion_tokens"] for body in caps] == [50, 50, 20, 9]


@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_paid_any_more_is_refused_until_the_period_ends(start, stream):
    gateway, upstream = start(1_000 * OUTPUT, answer_of(2, 900))
    assert ask(gateway).status == 200
    assert used(gateway)["money"] == 2 * INPUT + 900 * OUTPUT
    refused = ask(gateway, stream=stream)
    assert (refused.status, code(refused)) == (429, "insufficient_quota")
    assert refused.header("x-should-retry") == "false"
    assert refused.json()["error"]["metadata"]["remaining"] == 100 * OUTPUT - 2 * INPUT
    assert upstream.count() == 1
    assert ask(gateway, max_tokens=80).status == 200, "a short answer is still paid for"


def test_what_no_budget_ever_pays_is_the_callers_mistake(start):
    gateway, upstream = start(100 * OUTPUT)
    refused = ask(gateway)
    assert (refused.status, code(refused)) == (400, "request_exceeds_limit")
    assert upstream.count() == 0


def test_another_limit_without_room_is_named_instead_of_the_money(start):
    both = policy("x: {unit: requests, per: account, amount: 1, window: 1m}",
                  f"money: {{unit: usd, per: account, amount: {3_000 * OUTPUT / 1e9:.9f}, period: month}}")  # fmt: skip
    gateway, _ = start(0, answer_of(3, 2), policies=both)
    assert ask(gateway).status == 200
    assert code(ask(gateway)) == "rate_limit_exceeded"


def test_a_model_without_a_price_is_refused_only_where_money_counts(start):
    models = {**MODELS, "unpriced": {"upstreams": ["main"], "context": 32768, "max_output": 4096}}
    gateway, upstream = start(10**9, answer_of(3, 2), models=models)
    refused = ask(gateway, model="unpriced")
    assert (refused.status, code(refused)) == (403, "price_unknown")
    assert upstream.count() == 0


def test_a_model_without_a_price_is_served_without_a_money_budget(start):
    models = {**MODELS, "unpriced": {"upstreams": ["main"], "context": 32768, "max_output": 4096}}
    requests = policy("x: {unit: requests, per: account, amount: 9, window: 1m}")
    gateway, _ = start(0, answer_of(3, 2), models=models, policies=requests)
    assert ask(gateway, model="unpriced").status == 200


def test_usage_is_the_ledger_and_the_records(tmp_path):
    limits = "slots: {unit: concurrent, per: key, amount: 9}"
    budgets = (
        "requests: {unit: requests, per: key, amount: 1000, period: day}, "
        "input: {unit: input_tokens, per: account, amount: 100000, period: day}, "
        "output: {unit: output_tokens, per: account, amount: 100000, period: day}, "
        "tokens: {unit: total_tokens, per: org, amount: 900000, period: month}, "
        "money: {unit: usd, per: org, amount: 1, period: month}"
    )
    with running(tmp_path, policies=policy(limits, budgets), clock=stopped()) as gateway:
        for dialect in ("chat", "completions", "responses", "messages", "embeddings", "count_tokens"):
            for more in ({}, {"stream": True}):
                if dialect not in ("embeddings", "count_tokens") or not more:
                    assert ask(gateway, dialect, **more).status == 200
        ask(gateway, messages=[{"role": "user", "content": "fault:500"}])
        shown = usage(gateway)
        records = [record for record in gateway.records() if record.usage is not None]
        totals = [(record.usage.input_tokens, record.usage.output_tokens) for record in records]
        assert {name: entry["used"] for name, entry in shown.items()} == {
            "slots": 0,
            "requests": 10,
            "input": sum(read for read, _ in totals),
            "output": sum(written for _, written in totals),
            "tokens": sum(map(sum, totals)),
            "money": sum(read * INPUT + written * OUTPUT for read, written in totals),
        }
        assert shown["money"]["used"] == sum(record.cost_nano_usd for record in records) > 0
        assert all(entry["used"] + entry["remaining"] == entry["amount"] for entry in shown.values())
        assert {entry["policy"] for entry in shown.values()} == {"tight"}
        assert (shown["money"]["unit"], shown["money"]["amount"]) == ("nano_usd", 10**9)
