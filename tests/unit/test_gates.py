"""The second tier over a real store in memory: what an attempt holds at its upstream, and what becomes of it."""

import asyncio
import json

import pytest

from gateway.accounting.outcome import Outcome
from gateway.core import reasons
from gateway.core.units import Unit
from gateway.engine.verdict import Verdict
from gateway.live import Live
from gateway.scales import TOP_UP_TOKENS
from gateway.upstreams.base import UpstreamFailed
from tests.support.running import DIALECTS, MODELS
from tests.support.talking import policy
from tests.support.walking import FakeAnswer, Walk, at_once

LIMITS = {
    "pace": {"unit": "requests", "amount": 3, "window": "1m"},
    "read": {"unit": "input_tokens", "amount": 100_000, "window": "1m"},
    "open": {"unit": "concurrent", "amount": 5},
}
MONEY = {"money": {"unit": "usd", "amount": 100, "period": "month"}}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
ANSWER = json.dumps({"choices": [], "usage": USAGE}).encode()
NO_LIMITS = policy(more="access: {max_n: 5}\n")
OPEN = policy("requests: {unit: requests, per: key, amount: 1000, window: 1m}")


def walk_with(folder, *, limits=LIMITS, budgets=None, policies=OPEN, **files):
    return Walk(
        folder, policies=policies, upstream_settings={"limits": limits, "budgets": budgets or {}}, **files
    )  # fmt: skip


@pytest.fixture
def walk(tmp_path):
    return walk_with(tmp_path, budgets=MONEY)


def used(walk, model="sim-small"):
    """What the upstream's limits count, by unit."""
    specs = walk.pipeline.gates.limits.specs("main", walk.runtime.snapshot.catalogue.lookup(model))
    readings = at_once(walk.store.peek(specs))
    return {reading.spec.unit: reading.spec.amount - reading.remaining for reading in readings}


def held(walk):
    return [one.id for one in at_once(walk.store.held())]


async def sent(walk, answer, **more):
    """An exchange after `forward`, whatever came of it, and its refusal."""
    x = walk.ruled(**more)
    assert await walk.pipeline.reserve(x) is None
    walk.transport.answers = [answer]
    return x, await walk.pipeline.forward(x)


def test_an_attempt_holds_what_it_needs_and_settles_with_what_it_used(walk):
    x, refusal = asyncio.run(sent(walk, FakeAnswer(ANSWER), max_tokens=50))
    assert refusal is None
    wanted = x.reservation.amounts
    assert held(walk) == [x.id, f"{x.id}@main#1"]
    expected = {Unit.REQUESTS: 1, Unit.INPUT_TOKENS: wanted[Unit.INPUT_TOKENS], Unit.CONCURRENT: 1}
    assert used(walk) == expected | {Unit.USD: wanted[Unit.USD]}
    x.answer = ANSWER
    walk.finish(x, Outcome.COMPLETE)
    walk.finish(x, Outcome.CLIENT_GONE)
    assert used(walk) == {
        Unit.REQUESTS: 1, Unit.INPUT_TOKENS: 3, Unit.CONCURRENT: 0, Unit.USD: 3 * 1000 + 2 * 2000
    }  # fmt: skip
    assert (held(walk), x.upstream_hold, len(walk.store.named("settle"))) == ([], "", 2)


def test_it_holds_although_the_caller_has_no_limits(tmp_path):
    walk = walk_with(tmp_path, policies=NO_LIMITS)
    x, _ = asyncio.run(sent(walk, FakeAnswer(ANSWER)))
    assert held(walk) == [f"{x.id}@main#1"]
    walk.finish(x, Outcome.CLIENT_GONE)
    assert (held(walk), used(walk)[Unit.CONCURRENT], used(walk)[Unit.REQUESTS]) == ([], 0, 1)


def test_where_no_upstream_has_limits_there_is_no_gate(tmp_path):
    walk = Walk(tmp_path, policies=OPEN)
    x = walk.ruled()
    assert walk.pipeline.gates.of(x) is None
    asyncio.run(sent(walk, FakeAnswer(ANSWER)))
    assert len(walk.store.named("reserve")) == 1


def test_without_room_the_caller_is_told_when_and_owes_nothing(walk):
    async def scenario():
        for _ in range(3):
            x, _ = await sent(walk, FakeAnswer(ANSWER))
            walk.finish(x, Outcome.COMPLETE)
        return await sent(walk, FakeAnswer(ANSWER))

    x, refusal = asyncio.run(scenario())
    assert (refusal.reason, refusal.retry_after_ms) == (reasons.UPSTREAM_BUSY, 20_000)
    assert refusal.details == {}
    assert not any(digit in refusal.message for digit in "0123456789")
    assert (x.upstream_hold, x.attempts, x.sent_at) == ("", (), 0.0)
    assert held(walk) == [x.id], "the caller's own limits are given back when it ends"
    walk.finish(x, Outcome.UPSTREAM_FAILED)
    assert held(walk) == []
    assert walk.store.named("settle")[-1] == {}
    assert len(walk.transport.sent) == 3
    scrape = walk.runtime.metrics.render()
    assert b'gateway_upstream_passed_over_total{reason="upstream_busy",upstream="main"} 1.0' in scrape


def test_a_request_larger_than_a_burst_never_fits(tmp_path):
    walk = walk_with(tmp_path, limits={"read": {"unit": "input_tokens", "amount": 5, "window": "1m"}})
    _, refusal = asyncio.run(sent(walk, FakeAnswer(ANSWER)))
    assert (refusal.reason, refusal.retry_after_ms) == (reasons.REQUEST_EXCEEDS_LIMIT, None)
    assert "5" not in refusal.message


@pytest.mark.parametrize(
    ("failure", "requests", "reads"),
    [
        (UpstreamFailed("connect", "x", sent=False), 0, False),
        (UpstreamFailed("first_byte", "x", timeout=True), 1, True),
        (UpstreamFailed("send", "x"), 1, True),
        (FakeAnswer(status=429), 1, False),
        (FakeAnswer(status=500), 1, False),
        (FakeAnswer(b"{}", status=400), 1, False),
    ],
)
def test_an_attempt_that_fails_is_settled_at_once(walk, failure, requests, reads):
    x, refusal = asyncio.run(sent(walk, failure))
    assert refusal is not None
    now = used(walk)
    assert (now[Unit.REQUESTS], now[Unit.CONCURRENT], bool(now[Unit.INPUT_TOKENS])) == (requests, 0, reads)
    if reads:
        assert now[Unit.INPUT_TOKENS] == x.reservation.input_tokens
        assert now[Unit.USD] == x.reservation.input_tokens * 1000, "the input, not the worst case"
    else:
        assert now[Unit.USD] == 0
    assert held(walk) == [x.id]
    walk.finish(x, Outcome.UPSTREAM_FAILED)
    assert (held(walk), used(walk)) == ([], now)


def test_a_caller_who_leaves_while_the_upstream_is_awaited(walk):
    async def scenario():
        x = walk.ruled()
        assert await walk.pipeline.reserve(x) is None
        walk.transport.answers = [asyncio.CancelledError()]
        with pytest.raises(asyncio.CancelledError):
            await walk.pipeline.forward(x)
        assert x.upstream_hold == ""
        walk.finish(x, Outcome.CLIENT_GONE)
        return x

    x = asyncio.run(scenario())
    assert held(walk) == []
    assert (used(walk)[Unit.REQUESTS], used(walk)[Unit.INPUT_TOKENS]) == (1, x.reservation.input_tokens)


def test_a_dead_idle_connection_takes_a_hold_of_its_own(walk):
    async def scenario():
        x = walk.ruled()
        assert await walk.pipeline.reserve(x) is None
        walk.transport.answers = [UpstreamFailed("first_byte", "x", stale=True), FakeAnswer(ANSWER)]
        assert await walk.pipeline.forward(x) is None
        return x

    x = asyncio.run(scenario())
    assert held(walk) == [x.id, f"{x.id}@main#2"]
    assert used(walk)[Unit.REQUESTS] == used(walk)[Unit.CONCURRENT] == 1


@pytest.mark.parametrize("policies", [NO_LIMITS, OPEN])
def test_a_store_that_is_down_for_the_upstream_refuses_and_holds_nothing(tmp_path, policies):
    walk = walk_with(tmp_path, policies=policies)

    async def scenario():
        x = walk.ruled()
        assert await walk.pipeline.reserve(x) is None
        walk.store.failing = {"reserve"}
        refusal = await walk.pipeline.forward(x)
        walk.finish(x, Outcome.REFUSED)
        return x, refusal

    x, refusal = asyncio.run(scenario())
    assert (refusal.reason, refusal.retry_after_ms) == (reasons.LIMITER_UNAVAILABLE, 1000)
    assert (x.upstream_hold, held(walk), walk.transport.sent) == ("", [], [])


def test_limits_that_went_by_their_stance_are_named(walk):
    reserve = walk.store.reserve

    async def alone(*arguments):
        verdict = await reserve(*arguments)
        return Verdict(verdict.granted, verdict.readings, fallback="@" in arguments[0])

    walk.store.reserve = alone
    x, _ = asyncio.run(sent(walk, FakeAnswer(ANSWER)))
    assert x.notes["x-gateway-limits"] == "fallback"


def test_money_of_an_upstream_needs_a_price(tmp_path):
    unpriced = {name: value for name, value in MODELS["sim-small"].items() if name != "prices"}
    walk = walk_with(tmp_path, limits={}, budgets=MONEY, models={"sim-small": unpriced})
    _, refusal = asyncio.run(sent(walk, FakeAnswer(ANSWER)))
    assert refusal.reason is reasons.PRICE_UNKNOWN
    assert len(walk.store.named("reserve")) == 1, "the caller's own; the upstream's cannot be worked out"
    assert "budget" not in refusal.message


def test_another_upstream_of_the_model_without_limits_serves(tmp_path):
    entry = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "dialects": DIALECTS}
    slot = {"open": {"unit": "concurrent", "amount": 1}}
    upstreams = {"main": {**entry, "limits": slot, "weight": 1000}, "spare": entry}
    models = {"sim-small": {**MODELS["sim-small"], "upstreams": ["main", "spare"]}}
    walk = Walk(tmp_path, policies=OPEN, models=models, settings={"upstreams": upstreams})

    async def scenario():
        return [(await sent(walk, FakeAnswer(ANSWER)))[0] for _ in range(4)]

    served = asyncio.run(scenario())
    assert [x.forwarded.upstream for x in served].count("main") == 1
    assert [bool(x.upstream_hold) for x in served] == [x.forwarded.upstream == "main" for x in served]


def test_living_holds_are_renewed(walk):
    async def scenario():
        live = Live()
        x = walk.ruled()
        live.enter(x)
        assert live.reserved_ids() == []
        assert await walk.pipeline.reserve(x) is None
        assert live.reserved_ids() == [x.id]
        walk.transport.answers = [FakeAnswer(ANSWER)]
        assert await walk.pipeline.forward(x) is None
        assert live.reserved_ids() == [x.id, f"{x.id}@main#1"]
        walk.finish(x, Outcome.COMPLETE)
        assert live.reserved_ids() == []

    asyncio.run(scenario())


def test_our_own_asking_is_no_waiting_for_the_upstream(walk):
    take = walk.pipeline.scales.store.reserve

    async def slow(*arguments):
        walk.clock.advance(0.25)
        return await take(*arguments)

    walk.store.reserve = slow
    x, _ = asyncio.run(sent(walk, FakeAnswer(ANSWER)))
    assert x.waited_s == 0.0


# streams that pay as they go

ROOMY = policy(budgets="money: {unit: usd, per: org, amount: 1, period: month}")


def streaming(walk, words):
    x = asyncio.run(walk.forwarded(FakeAnswer(content_type="text/event-stream"), stream=True))
    assert x.pays_as_it_goes
    x.meter = x.dialect.meter(strip_usage=False)
    for _ in range(words):
        x.meter.feed(b'data: {"choices":[{"index":0,"delta":{"content":"abc"}}]}\n\n')
    return x


def test_a_stream_that_tops_up_tops_up_at_its_upstream_too(tmp_path):
    walk = walk_with(tmp_path, policies=ROOMY, budgets=MONEY)
    x = streaming(walk, 4096 + 100)
    before = used(walk)[Unit.USD]
    assert asyncio.run(walk.pipeline.scales.pay_for(x))
    assert used(walk)[Unit.USD] - before == TOP_UP_TOKENS * 2000
    walk.finish(x, Outcome.CLIENT_GONE)
    assert used(walk)[Unit.USD] == x.settlement.cost_nano_usd


@pytest.mark.parametrize("why", ["full", "expired", "down"])
def test_a_stream_is_never_ended_for_its_upstreams_limits(tmp_path, why):
    tight = {"out": {"unit": "output_tokens", "amount": 2000, "window": "1m"}}
    walk = walk_with(tmp_path, policies=ROOMY, limits=tight)
    x = streaming(walk, 4096 + 100)
    if why == "expired":
        walk.store.settle(x.upstream_hold, {})
    elif why == "down":
        top_up = walk.store.top_up

        async def down_there(reservation_id, amounts):
            walk.store.failing = {"top_up"} if "@" in reservation_id else set()
            return await top_up(reservation_id, amounts)

        walk.store.top_up = down_there
    assert asyncio.run(walk.pipeline.scales.pay_for(x))
    assert x.paid_output == 4096 + TOP_UP_TOKENS
    if why == "full":
        walk.finish(x, Outcome.CLIENT_GONE)
        assert used(walk)[Unit.OUTPUT_TOKENS] == x.settlement.usage.output_tokens > 2000, "it is in debt"
