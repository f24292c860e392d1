"""The phases one by one, over a store and a transport of the test's own."""

import asyncio
import json

import pytest

from gateway.accounting.outcome import Outcome
from gateway.core import reasons
from gateway.core.units import Unit
from gateway.core.usage import Usage
from gateway.identity.authenticate import claim
from gateway.scales import TOP_UP_TOKENS
from gateway.stores.base import StoreUnavailable
from gateway.upstreams.base import UpstreamFailed
from tests.support.running import DIALECTS, MODELS, PRICES
from tests.support.talking import policy
from tests.support.walking import FakeAnswer, Walk, at_once

ALL = policy(
    "slots: {unit: concurrent, per: account, amount: 5}, requests: {unit: requests, per: key, amount: 9, window: 1m}",
    "money: {unit: usd, per: org, amount: 0.002, period: month}",
)
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
ANSWER = json.dumps({"choices": [], "usage": USAGE}).encode()


@pytest.fixture
def walk(tmp_path):
    return Walk(tmp_path, policies=ALL)


# identify, read, rule


def test_a_stranger_is_refused_before_anything_is_read(walk):
    x = walk.enter()
    assert at_once(walk.pipeline.identify(x, claim("Bearer sk-ex-nobody", None))).reason is reasons.INVALID_API_KEY
    assert x.principal is None
    assert at_once(walk.pipeline.identify(x, claim(None, walk.keys["ada"]))) is None
    assert x.principal.account.id == "ada"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", reasons.INVALID_JSON),
        (b"[]", reasons.INVALID_JSON),
        (b'{"model":"sim-small"}', reasons.INVALID_FIELD),
        (b'{"model":"nobody","messages":[{"role":"user","content":"x"}]}', reasons.MODEL_NOT_FOUND),
        (b'{"model":"sim-small","messages":[],"messages":[]}', reasons.INVALID_JSON),
        (
            b'{"model":"sim-small","messages":[{"role":"user","content":"x"}],"cache_salt":"x"}',
            reasons.UNSUPPORTED_FIELD,
        ),
    ],
)
def test_what_cannot_be_read_is_named(walk, raw, reason):
    refusal = walk.pipeline.read(walk.enter(), raw)
    assert refusal.reason is reason
    assert "nobody" not in refusal.message or reason is reasons.MODEL_NOT_FOUND


def test_only_upstreams_that_speak_the_dialect_and_know_the_fields_are_asked(tmp_path):
    entry = {"base_url": "http://127.0.0.1:9/v1", "dialects": DIALECTS}
    upstreams = {
        "first": {**entry, "kind": "openai"},
        "second": {**entry, "kind": "vllm"},
        "third": {**entry, "kind": "vllm", "dialects": ["embeddings"]},
    }
    models = {"sim-small": {**MODELS["sim-small"], "upstreams": ["first", "second", "third"]}}
    walk = Walk(tmp_path, models=models, settings={"upstreams": upstreams})
    plain, special, count = walk.enter(), walk.enter(), walk.enter("embeddings")
    assert walk.pipeline.read(plain, walk.body()) is None
    assert plain.upstreams == ("first", "second")
    assert walk.pipeline.read(special, walk.body(stop_token_ids=[1])) is None
    assert special.upstreams == ("second",)
    assert walk.pipeline.read(count, walk.body("embeddings")) is None
    assert count.upstreams == ("first", "second", "third")


def test_a_model_that_speaks_another_dialect_does_not_exist_here(tmp_path):
    walk = Walk(tmp_path, upstream_settings={"dialects": ["messages"]})
    assert walk.pipeline.read(walk.enter(), walk.body()).reason is reasons.MODEL_NOT_FOUND
    assert walk.pipeline.read(walk.enter("messages"), walk.body("messages")) is None


def test_money_needs_a_price(tmp_path):
    unpriced = {name: value for name, value in MODELS["sim-small"].items() if name != "prices"}
    walk = Walk(tmp_path, policies=ALL, models={"sim-small": unpriced})
    x = walk.enter()
    assert at_once(walk.pipeline.identify(x, claim(walk.bearer(), None))) is None
    assert walk.pipeline.read(x, walk.body()) is None
    assert walk.pipeline.rule(x).reason is reasons.PRICE_UNKNOWN


# reserve


def test_the_price_list_of_the_beginning_is_the_one_that_is_charged(tmp_path):
    later = {"valid_from": "2099-01-01", "input": 500, "output": 500}
    dated = {**MODELS["sim-small"], "prices": [{"valid_from": "2020-01-01", **PRICES}, later]}
    walk = Walk(tmp_path, policies=ALL, models={"sim-small": dated})

    async def scenario():
        x = await walk.forwarded(FakeAnswer(ANSWER), max_tokens=5)
        walk.clock.advance(100 * 365 * 86400)
        x.answer = ANSWER
        walk.finish(x, Outcome.COMPLETE)
        assert x.settlement.cost_nano_usd == 3 * 1000 + 2 * 2000

    asyncio.run(scenario())


def test_a_store_that_is_down_refuses_and_holds_nothing(walk):
    walk.store.failing = {"reserve"}
    x = walk.ruled(max_tokens=5)
    refusal = asyncio.run(walk.pipeline.reserve(x))
    assert refusal.reason is reasons.LIMITER_UNAVAILABLE
    assert refusal.retry_after_ms == 1000
    assert x.reservation is None
    walk.finish(x, Outcome.REFUSED)
    assert walk.store.named("settle") == []
    assert b'gateway_store_operations_total{op="reserve",outcome="unavailable"} 1.0' in walk.runtime.metrics.render()


def test_a_store_that_fails_at_the_second_try_refuses_too(walk):
    x = walk.ruled()  # without a cap: the worst case does not fit, a payable one is tried
    calls = iter([False, True])
    reserve = walk.store.reserve

    async def second_fails(*arguments):
        if next(calls):
            raise StoreUnavailable("down")
        return await reserve(*arguments)

    walk.store.reserve = second_fails
    assert asyncio.run(walk.pipeline.reserve(x)).reason is reasons.LIMITER_UNAVAILABLE
    assert x.reservation is None


def test_without_limits_the_store_is_left_alone(tmp_path):
    walk = Walk(tmp_path, policies=policy(more="access: {max_n: 5}\n"))
    x = asyncio.run(walk.forwarded(FakeAnswer(ANSWER)))
    x.answer = ANSWER
    walk.finish(x, Outcome.COMPLETE)
    assert walk.store.calls == []
    assert walk.records()[0].usage.output_tokens == 2


def test_a_refused_reserve_leaves_nothing_to_settle(walk):
    async def scenario():
        for _ in range(5):
            assert await walk.pipeline.reserve(walk.ruled(max_tokens=5)) is None
        late = walk.ruled(max_tokens=5)
        refusal = await walk.pipeline.reserve(late)
        assert refusal.reason is reasons.CONCURRENCY_LIMIT_EXCEEDED
        assert late.reservation is None
        assert not late.verdict.granted
        walk.finish(late, Outcome.REFUSED)

    asyncio.run(scenario())
    assert walk.store.named("settle") == []


# forward


def test_what_is_sent_is_ours(walk):
    x = asyncio.run(walk.forwarded(FakeAnswer(ANSWER), max_tokens=5, user="jane"))
    [call] = walk.transport.sent
    sent = json.loads(call.body)
    assert (call.path, sent["model"], sent["max_tokens"]) == ("/v1/chat/completions", "sim-small", 5)
    assert sent["user"].startswith("ex-")
    assert call.headers["x-request-id"] == x.id
    assert [attempt.outcome for attempt in x.attempts] == ["answered"]


def test_an_upstream_that_fails_is_a_refusal_and_free(walk):
    async def scenario():
        x = walk.ruled(max_tokens=5)
        assert await walk.pipeline.reserve(x) is None
        walk.transport.answers = [UpstreamFailed("connect", "no", sent=False)]
        refusal = await walk.pipeline.forward(x)
        assert refusal.reason is reasons.UPSTREAM_UNAVAILABLE
        assert x.forwarded is None
        walk.finish(x, Outcome.UPSTREAM_FAILED)

    asyncio.run(scenario())
    assert walk.store.named("settle") == [{}]


# pay_for


def streaming(walk):
    """A stream without a cap, which the budget pays about 990 tokens of."""
    x = asyncio.run(walk.forwarded(FakeAnswer(content_type="text/event-stream"), stream=True))
    assert x.pays_as_it_goes
    x.meter = x.dialect.meter(strip_usage=False)
    return x


def says(x, words):
    for _ in range(words):
        x.meter.feed(b'data: {"choices":[{"index":0,"delta":{"content":"abc"}}]}\n\n')


def test_a_stream_that_is_paid_for_asks_nobody(walk):
    x = streaming(walk)
    says(x, 100)
    assert asyncio.run(walk.pipeline.scales.pay_for(x))
    assert walk.store.named("top_up") == []


def test_a_stream_ends_when_its_budget_does(walk):
    x = streaming(walk)
    says(x, 1000)
    assert not asyncio.run(walk.pipeline.scales.pay_for(x))
    assert len(walk.store.named("top_up")) == 1


def test_a_stream_tops_up_as_often_as_it_takes(tmp_path):
    walk = Walk(tmp_path, policies=policy(budgets="money: {unit: usd, per: org, amount: 1, period: month}"))
    x = streaming(walk)
    says(x, 4096 + 2 * TOP_UP_TOKENS - 100)
    assert asyncio.run(walk.pipeline.scales.pay_for(x))
    assert len(walk.store.named("top_up")) == 2
    assert x.paid_output == 4096 + 2 * TOP_UP_TOKENS
    assert walk.store.named("top_up")[0][Unit.USD] == TOP_UP_TOKENS * 2000


@pytest.mark.parametrize("why", ["down", "expired"])
def test_a_stream_that_nobody_can_pay_for_ends(walk, why):
    x = streaming(walk)
    says(x, 1000)
    if why == "down":
        walk.store.failing = {"top_up"}
    else:
        walk.store.settle(x.id, {})
    assert not asyncio.run(walk.pipeline.scales.pay_for(x))


def test_a_capped_stream_never_pays_as_it_goes(walk):
    assert not asyncio.run(walk.forwarded(FakeAnswer(), stream=True, max_tokens=5)).pays_as_it_goes
    assert not asyncio.run(walk.forwarded(FakeAnswer(), max_tokens=5)).pays_as_it_goes


# finish


def test_finishing_twice_settles_and_records_once(walk):
    x = asyncio.run(walk.forwarded(FakeAnswer(ANSWER), max_tokens=5))
    x.answer = ANSWER
    walk.finish(x, Outcome.COMPLETE)
    walk.finish(x, Outcome.CLIENT_GONE)
    [settled] = walk.store.named("settle")
    assert settled[Unit.USD] == 3 * 1000 + 2 * 2000
    assert [record.outcome for record in walk.records()] == ["complete"]
    assert [status.outstanding for status in walk.pipeline.bridge.snapshot()] == [0]


@pytest.mark.parametrize(
    ("outcome", "healthy"),
    [(Outcome.COMPLETE, True), (Outcome.CLIENT_GONE, None), (Outcome.BUDGET_ENDED, None),
     (Outcome.POLICY_ENDED, None), (Outcome.SHUTDOWN, None),
     (Outcome.UPSTREAM_CUT, False), (Outcome.TIMED_OUT, False), (Outcome.INTERNAL_ERROR, None)],
)  # fmt: skip
def test_endings_that_are_the_upstreams_fault_are_told_to_its_breaker(walk, outcome, healthy):
    x = asyncio.run(walk.forwarded(FakeAnswer(ANSWER), max_tokens=5))
    told = []
    x.forwarded._release = told.append
    walk.finish(x, outcome)
    assert told == [healthy]


def test_only_whole_answers_with_usage_teach_the_estimator(walk):
    before = walk.pipeline.scales.estimator.output_high("sim-small")
    for outcome, answer in ((Outcome.CLIENT_GONE, ANSWER), (Outcome.COMPLETE, b'{"choices":[]}')):
        x = asyncio.run(walk.forwarded(FakeAnswer(answer), max_tokens=5))
        x.answer = answer
        walk.finish(x, outcome)
        assert walk.pipeline.scales.estimator.output_high("sim-small") == before
    x = asyncio.run(walk.forwarded(FakeAnswer(ANSWER), max_tokens=5))
    x.answer = ANSWER
    walk.finish(x, Outcome.COMPLETE)
    assert walk.pipeline.scales.estimator.output_high("sim-small") != before


def test_text_is_counted_where_it_can_contradict_the_report(tmp_path):
    """However many answers were learnt from before: of most that come then nobody looks for the text."""
    walk = Walk(tmp_path)
    estimator = walk.pipeline.scales.estimator

    async def answered(text, written):
        usage = {"prompt_tokens": 9, "completion_tokens": written}
        answer = json.dumps({"choices": [{"message": {"content": text}}], "usage": usage}).encode()
        x = await walk.forwarded(FakeAnswer(answer))
        x.answer = answer
        walk.finish(x, Outcome.COMPLETE)
        return x.settlement

    async def all_of_them():
        while estimator.wants_text("sim-small"):
            settled = await answered("word " * 40, 40)
            assert (settled.usage, settled.contradicted) == (Usage(9, 40), False)
        slope = estimator.bytes_per_token("sim-small")[1]
        assert (await answered("a" * 20000, 2000)).usage == Usage(9, 2000)
        assert estimator.bytes_per_token("sim-small")[1] == slope
        lied = await answered("word " * 4000, 40)
        assert lied.contradicted
        assert lied.usage.output_tokens > 40 * 16

    asyncio.run(all_of_them())
