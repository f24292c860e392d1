"""What callers are told about their limits, in both families' headers; whoever obeys the wait is served."""

from datetime import UTC, datetime

import pytest

from tests.support.rawhttp import CHAT, Raw, chat_body, request
from tests.support.running import running
from tests.support.talking import ask, code, policy, stopped


def limited(unit, amount=1):
    return policy(f"x: {{unit: {unit}, per: account, amount: {amount}, window: 1m}}")


@pytest.mark.parametrize("dialect", ["chat", "messages"])
def test_obeying_the_wait_succeeds_and_a_moment_less_does_not(tmp_path, dialect):
    clock = stopped()
    with running(tmp_path, policies=limited("requests", 2), clock=clock) as gateway:
        assert [ask(gateway, dialect).status for _ in range(2)] == [200, 200]
        for _ in range(3):
            refused = ask(gateway, dialect)
            assert (refused.status, code(refused)) == (429, "rate_limit_exceeded")
            wait_ms = int(refused.header("retry-after-ms"))
            assert 0 < wait_ms <= 30_000
            assert int(refused.header("retry-after")) == -(-wait_ms // 1000)
            assert refused.header("x-should-retry") == "true"
            clock.advance((wait_ms - 1) / 1000)
            assert ask(gateway, dialect).status == 429
            clock.advance(0.001)
            assert ask(gateway, dialect).status == 200


def test_openai_advice(tmp_path):
    limits = "r: {unit: requests, per: account, amount: 2, window: 1m}"
    limits += ", t: {unit: total_tokens, per: key, amount: 900, window: 1m}"
    with running(tmp_path, policies=policy(limits), clock=stopped()) as gateway:
        first, _, refused = [ask(gateway, max_tokens=8) for _ in range(3)]
        assert (first.status, refused.status) == (200, 429)
        for answer, left, reset in ((first, "1", "30s"), (refused, "0", "1m0s")):
            assert answer.header("x-ratelimit-limit-requests") == "2"
            assert answer.header("x-ratelimit-remaining-requests") == left
            assert answer.header("x-ratelimit-reset-requests") == reset
            assert answer.header("x-ratelimit-limit-tokens") == "900"
            assert 0 < int(answer.header("x-ratelimit-remaining-tokens")) < 900
            assert not any(name.startswith("anthropic-") for name, _ in answer.headers)
        error = refused.json()["error"]
        assert (error["type"], error["code"], error["param"]) == ("requests", "rate_limit_exceeded", None)
        assert {"policy": "tight", "limit": "r", "amount": 2, "used": 2, "needed": 1}.items() <= error[
            "metadata"
        ].items()


def test_anthropic_advice(tmp_path):
    clock = stopped()
    limits = (
        "r: {unit: requests, per: account, amount: 2, window: 1m}, "
        "i: {unit: input_tokens, per: key, amount: 900, window: 1m}, "
        "o: {unit: output_tokens, per: key, amount: 800, window: 1m}"
    )
    with running(tmp_path, policies=policy(limits), clock=clock) as gateway:
        refused = [ask(gateway, "messages") for _ in range(3)][-1]
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert refused.header("anthropic-ratelimit-requests-remaining") == "0"
        assert refused.header("anthropic-ratelimit-input-tokens-limit") == "900"
        assert refused.header("anthropic-ratelimit-output-tokens-limit") == "800"
        reset = datetime.fromisoformat(refused.header("anthropic-ratelimit-requests-reset"))
        assert (reset - datetime.fromtimestamp(clock.now_ms() / 1000, UTC)).total_seconds() == 60
        assert not any(name.startswith("x-ratelimit-") for name, _ in refused.headers)


@pytest.mark.parametrize("dialect", ["chat", "messages"])
def test_a_spent_budget_says_not_to_retry(tmp_path, dialect):
    budget = policy(budgets="x: {unit: requests, per: account, amount: 1, period: day}")
    with running(tmp_path, policies=budget, clock=stopped()) as gateway:
        assert ask(gateway, dialect).status == 200
        refused = ask(gateway, dialect)
        assert (refused.status, code(refused)) == (429, "insufficient_quota")
        assert refused.header("x-should-retry") == "false"
        assert refused.header("retry-after") is None


def test_keep_alive_connections_are_limited_like_new_ones(tmp_path):
    with running(tmp_path, policies=limited("requests", 3), clock=stopped()) as gateway:
        with Raw(gateway.gateway.data_port) as raw:
            raw.send(request(CHAT, chat_body(), key=gateway.keys["acme"]) * 5)
            assert [raw.answer().status for _ in range(5)] == [200, 200, 200, 429, 429]
        assert gateway.simulator.requests == 3


@pytest.mark.parametrize(("dialect", "name"), [("chat", "x-ratelimit-"), ("messages", "anthropic-ratelimit-requests-")])
def test_a_policy_refusal_tells_where_the_limits_stand_and_takes_nothing(tmp_path, dialect, name):
    files = policy(
        "r: {unit: requests, per: account, amount: 5, window: 1m}",
        more="access: {max_output_tokens: 9, models: [none]}\n",
    )
    with running(tmp_path, policies=files, clock=stopped()) as gateway:
        for _ in range(2):
            refused = ask(gateway, dialect)
            assert (refused.status, code(refused)) == (403, "policy_denied")
            suffix = "-requests" if dialect == "chat" else ""
            assert refused.header(f"{name}limit{suffix}") == "5"
            assert refused.header(f"{name}remaining{suffix}") == "5"
