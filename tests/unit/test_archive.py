"""What becomes of a finished exchange: counts with known labels, one record without content."""

import asyncio
import json

import pytest

from gateway.accounting.outcome import Outcome
from gateway.core import reasons
from gateway.core.refusal import Refusal
from tests.support.talking import policy
from tests.support.walking import FakeAnswer, Walk

ANSWER = json.dumps({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}).encode()
LIMITS = "r: {unit: requests, per: account, amount: 10, window: 1m}"


@pytest.fixture
def walk(tmp_path):
    audit = policy("w: {unit: requests, per: account, amount: 1, window: 1m}", name="watch", mode="audit",
                   more="access: {max_n: 1}\n")  # fmt: skip
    return Walk(tmp_path, policies=policy(LIMITS) | audit)


def count(walk, name, **labels):
    """The value of one series of the scrape; 0 when it is not there."""
    for line in walk.runtime.metrics.render().decode().splitlines():
        series, _, value = line.rpartition(" ")
        if series.partition("{")[0] == name and all(f'{label}="{said}"' in series for label, said in labels.items()):
            return float(value)
    return 0.0


def answered(walk, **more):
    async def scenario():
        x = await walk.forwarded(FakeAnswer(ANSWER), **more)
        x.answer, x.status = ANSWER, 200
        return x

    return asyncio.run(scenario())


def test_a_complete_exchange(walk):
    x = answered(walk, n=2, max_tokens=4)
    x.first_byte_at = x.started_at + 0.25
    x.waited_s = 0.4
    walk.clock.advance(0.5)
    walk.pipeline.finish(x, Outcome.COMPLETE)
    [record] = walk.records()
    assert record.id == x.id
    assert (record.account, record.tier, record.model, record.upstream) == ("acme", "developer", "sim-small", "main")
    assert (record.status, record.outcome, record.reason, record.attempts) == (200, "complete", "", 1)
    assert record.usage.output_tokens == 2
    assert record.cost_nano_usd == 3 * 1000 + 2 * 2000
    assert (record.reserved_input_tokens, record.reserved_output_tokens) == (17, 8)
    assert record.duration_s == pytest.approx(0.5)
    assert record.overhead_s == pytest.approx(0.1)
    assert record.ttfb_s == 0.25
    assert [(limit.policy, limit.limit, limit.reserved, limit.remaining) for limit in record.limits] == [
        ("tight", "r", 1, 9), ("watch", "w", 1, 0),
    ]  # fmt: skip
    assert [(finding.policy, finding.reason) for finding in record.findings] == [("watch", "policy_denied")]
    assert count(walk, "gateway_requests_total", route="chat", model="sim-small", outcome="complete") == 1
    assert count(walk, "gateway_tokens_total", direction="output") == 2 or count(walk, "gateway_tokens_total") > 0
    assert count(walk, "gateway_decisions_total", policy="tight", action="allow", mode="enforce") == 1
    assert count(walk, "gateway_decisions_total", policy="watch", action="deny", reason="policy_denied") == 1
    assert count(walk, "gateway_time_to_first_byte_seconds_sum") == 0.25
    assert count(walk, "gateway_limit_saturation_ratio_sum", limit="r") == pytest.approx(0.1)
    assert count(walk, "gateway_limit_saturation_ratio_sum", limit="w") == 1


def test_nothing_of_the_content_is_kept(walk):
    secret = "a very private sentence"
    x = answered(walk, messages=[{"role": "user", "content": secret}], user=secret)
    walk.pipeline.finish(x, Outcome.COMPLETE)
    line = walk.records()[0].as_line().decode()
    assert secret not in line
    assert walk.keys["acme"] not in line
    assert x.principal.key_id in line


def test_a_refusal_names_its_policy(walk):
    async def scenario():
        for _ in range(11):
            x = walk.ruled()
            refusal = await walk.pipeline.reserve(x)
        x.refusal, x.status = refusal, 429
        walk.pipeline.finish(x, Outcome.REFUSED)

    asyncio.run(scenario())
    record = walk.records()[0]
    assert (record.policy, record.limit, record.reason) == ("tight", "r", "rate_limit_exceeded")
    assert [limit.failing for limit in record.limits if limit.policy == "tight"] == [True]
    assert record.usage is None
    assert count(walk, "gateway_refusals_total", route="chat", reason="rate_limit_exceeded") == 1
    assert count(walk, "gateway_decisions_total", policy="tight", action="deny", mode="enforce") == 1
    assert count(walk, "gateway_decisions_total", policy="tight", action="allow") == 0
    assert count(walk, "gateway_settlements_total") == 0


@pytest.mark.parametrize("phase", ["body", "wait", "answer"])
def test_how_far_it_was_when_the_caller_left(walk, phase):
    x = {"body": walk.enter, "wait": walk.ruled, "answer": lambda: answered(walk)}[phase]()
    walk.pipeline.finish(x, Outcome.CLIENT_GONE)
    assert walk.records()[0].client_abort_phase == phase
    assert count(walk, "gateway_client_disconnects_total", phase=phase) == 1


def test_a_stranger_is_recorded_too(walk):
    x = walk.enter()
    x.refusal, x.status = Refusal(reasons.INVALID_API_KEY, "no"), 401
    walk.pipeline.finish(x, Outcome.REFUSED)
    record = walk.records()[0]
    assert (record.account, record.model, record.policy, record.limits) == ("", "", "", ())
    assert count(walk, "gateway_requests_total", model="none", outcome="refused") == 1


def test_retries_of_the_sdks_are_counted(walk):
    for header in ("0", "1", "2"):
        walk.pipeline.finish(walk.enter(**{"x-stainless-retry-count": header}), Outcome.REFUSED)
    walk.pipeline.finish(walk.enter(), Outcome.REFUSED)
    assert count(walk, "gateway_retries_observed_total") == 2


def test_what_an_upstream_reports_against_all_evidence_is_marked(walk):
    answer = json.dumps({"choices": [{"message": {"content": "word " * 400}}], "usage": {"prompt_tokens": 0,
                         "completion_tokens": 0}}).encode()  # fmt: skip
    x = asyncio.run(walk.forwarded(FakeAnswer(answer)))
    x.answer = answer
    walk.pipeline.finish(x, Outcome.COMPLETE)
    record = walk.records()[0]
    assert record.contradicted
    assert record.usage.estimated
    assert record.cost_nano_usd > 400 * 2000
