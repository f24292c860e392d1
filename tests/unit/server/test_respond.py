"""What every answer carries, and which limits it speaks of."""

import asyncio

import pytest

from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.server.respond import exchange_head, head, limit_advice, refusal_reply
from tests.support.talking import policy
from tests.support.walking import Walk

LIMITS = (
    "r: {unit: requests, per: account, amount: 5, window: 1m, burst: 9}, "
    "t: {unit: total_tokens, per: account, amount: 9000, window: 1m}, "
    "i: {unit: input_tokens, per: account, amount: 8000, window: 1m}, "
    "s: {unit: concurrent, per: account, amount: 4}"
)
BUDGETS = "d: {unit: requests, per: org, amount: 100, period: day}, m: {unit: usd, per: org, amount: 1, period: month}"


def reserved(tmp_path, policies, dialect="chat"):
    walk = Walk(tmp_path, policies=policies)
    x = walk.ruled(dialect, max_tokens=5)
    asyncio.run(walk.pipeline.reserve(x))
    return walk, x


def test_both_names_of_the_request_id_and_nothing_to_cache():
    headers = head("abc")
    assert (headers["X-Request-Id"], headers["Request-Id"]) == ("abc", "abc")
    assert headers["cache-control"] == "no-store"
    assert headers["server"] == "excise"


def test_advice_speaks_of_requests_and_tokens_only(tmp_path):
    _, x = reserved(tmp_path, policy(LIMITS, BUDGETS))
    advice = {(one.family, one.limit): one.remaining for one in limit_advice(x)}
    held = x.reservation.input_tokens
    assert advice == {
        ("requests", 9): 8,
        ("requests", 100): 99,
        ("tokens", 9000): 9000 - held - 5,
        ("input-tokens", 8000): 8000 - held,
    }


@pytest.mark.parametrize("more", ["disclose: clause\n", ""])
@pytest.mark.parametrize("mode", ["audit", "enforce"])
def test_what_is_watched_or_not_disclosed_is_not_told(tmp_path, mode, more):
    _, x = reserved(tmp_path, policy(LIMITS, mode=mode, more=more))
    told = mode == "enforce" and not more
    assert bool(limit_advice(x)) == told


def test_a_limit_in_debt_shows_nothing_left(tmp_path):
    _, x = reserved(tmp_path, policy(LIMITS))
    for reading in x.verdict.readings:
        reading.remaining = -7
    assert {one.remaining for one in limit_advice(x)} == {0}


def test_before_the_scales_there_is_no_advice(tmp_path):
    walk = Walk(tmp_path)
    assert limit_advice(walk.enter()) == []
    assert limit_advice(walk.ruled()) == []


def test_the_decision_is_named_where_the_request_id_is_the_callers(tmp_path):
    walk, x = reserved(tmp_path, policy(LIMITS))
    assert "x-gateway-decision-id" not in dict(exchange_head(x, walk.clock.now_ms()))
    x.request_id = "mine"
    x.notes["x-gateway-output-cap"] = "5"
    headers = dict(exchange_head(x, walk.clock.now_ms()))
    assert (headers["x-request-id"], headers["x-gateway-decision-id"]) == ("mine", x.id)
    assert headers["x-gateway-output-cap"] == "5"
    assert headers["x-ratelimit-limit-requests"] == "9"


def test_each_family_has_its_own_advice(tmp_path):
    walk, x = reserved(tmp_path, policy(LIMITS), "messages")
    headers = dict(exchange_head(x, walk.clock.now_ms()))
    assert headers["anthropic-ratelimit-requests-limit"] == "9"
    assert not any(name.startswith("x-ratelimit") for name in headers)


def test_a_refusal_sets_the_status_and_its_headers(tmp_path):
    walk = Walk(tmp_path)
    x = walk.enter()
    refusal = Refusal(reasons.METHOD_NOT_ALLOWED, "no", details={"allow": "POST"})
    reply = refusal_reply(x, refusal, walk.clock.now_ms())
    assert (reply.status, x.status) == (405, 405)
    headers = dict(reply.headers)
    assert headers["allow"] == "POST"
    assert headers["content-type"] == "application/json"
    assert headers["x-should-retry"] == "false"
    busy = refusal_reply(walk.enter("messages"), Refusal(reasons.OVERLOADED, "no", retry_after_ms=1500), 0)
    headers = dict(busy.headers)
    assert (busy.status, headers["retry-after"], headers["retry-after-ms"]) == (529, "2", "1500")
