"""Forwarding over fake transports: who is asked, how often, and what the books say afterwards."""

import asyncio
import random
from collections import Counter

import pytest

from gateway.core import reasons
from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.forwarded import Forwarded, NotForwarded
from tests.support.bridging import BROKEN, DEAD, SLOW, STALE, FakeAnswer, World, outcomes


def test_a_good_answer_is_counted_until_it_is_released():
    answer = FakeAnswer()
    world = World(a=[answer])
    result = world.run()
    assert isinstance(result, Forwarded)
    assert (result.upstream, result.answer, outcomes(result)) == ("a", answer, ["answered"])
    assert world.outstanding() == 1
    result.release(ok=True)
    result.release(ok=False)
    assert world.outstanding() == 0
    assert world.seen.events == [("upstream.attempt", {"upstream": "a", "outcome": "answered", "detail": ""})]
    assert answer.ends == []


def test_the_call_is_made_for_the_upstream_that_gets_it():
    world = World(a=[DEAD], b=[FakeAnswer()])
    world.run()
    for transport in world.transports.values():
        for call in transport.sent:
            assert call.headers["authorization"] == "Bearer SECRET-KEY"
            assert call.headers["x-request-id"] == "r"


@pytest.mark.parametrize("miss", [DEAD, FakeAnswer(502), FakeAnswer(503), FakeAnswer(529), FakeAnswer(429)])
def test_another_is_asked_when_the_first_cannot_have_taken_it_on(miss):
    for _ in range(2):
        world = World(a=[miss], b=[FakeAnswer()])
        world.bridge._turn = 1  # the next pick of a tie is a
        result = world.run()
        assert isinstance(result, Forwarded)
        assert result.upstream == "b"
        assert world.sent() == {"a": 1, "b": 1}
        assert len(result.attempts) == 2


@pytest.mark.parametrize(
    "miss",
    [SLOW, BROKEN, *[FakeAnswer(status) for status in (301, 400, 401, 403, 404, 413, 422, 500, 504)]],
)
def test_nobody_else_is_asked_when_it_may_have_been_taken_on_or_is_the_callers_fault(miss):
    world = World(a=[miss], b=[miss])
    result = world.run()
    assert isinstance(result, NotForwarded)
    assert sum(world.sent().values()) == 1
    assert len(result.attempts) == 1
    assert world.outstanding() == 0


def test_at_most_two_extra_attempts_and_each_upstream_once():
    world = World(a=[DEAD], b=[DEAD], c=[DEAD], d=[DEAD])
    result = world.run()
    assert outcomes(result) == ["unreachable"] * 3
    assert max(world.sent().values()) == 1
    assert result.refusal.reason is reasons.UPSTREAM_UNAVAILABLE


def test_a_dead_idle_connection_is_tried_once_more_on_the_same():
    world = World(a=[STALE, FakeAnswer()])
    result = world.run()
    assert isinstance(result, Forwarded)
    assert outcomes(result) == ["stale", "answered"]


def test_a_second_dead_idle_connection_goes_elsewhere():
    world = World(a=[STALE], b=[FakeAnswer()])
    world.bridge._turn = 1
    result = world.run()
    assert result.upstream == "b"
    assert world.sent() == {"a": 2, "b": 1}


def test_dead_idle_connections_say_nothing_about_health():
    world = World(a=[STALE])
    for _ in range(5):
        result = world.run()
    assert result.refusal.reason is reasons.UPSTREAM_ERROR
    assert world.bridge.snapshot()[0].healthy


def test_failures_open_the_upstream_and_time_brings_a_probe():
    world = World(a=[DEAD, DEAD, DEAD, FakeAnswer()])
    for _ in range(3):
        world.run()
    assert not world.bridge.snapshot()[0].healthy
    refused = world.run()
    assert refused.attempts == ()
    assert refused.refusal.reason is reasons.UPSTREAM_UNAVAILABLE
    assert refused.refusal.retry_after_ms == 1000
    world.clock.advance(1.0)
    assert isinstance(world.run(), Forwarded)
    assert world.bridge.snapshot()[0].healthy
    assert world.seen.of("upstream.state", "open") == [1, 0]
    assert world.sent() == {"a": 4}


def test_only_one_probe_goes_out_and_a_cancelled_one_frees_the_place():
    async def main():
        world = World(a=[DEAD, DEAD, DEAD, asyncio.Event(), FakeAnswer()])
        for _ in range(3):
            await world.forward()
        world.clock.advance(1.0)
        probe = asyncio.ensure_future(world.forward())
        while world.sent() != {"a": 4}:
            await asyncio.sleep(0)
        beside = await world.forward()
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        return world, beside, await world.forward()

    world, beside, after = asyncio.run(main())
    assert beside.attempts == ()
    assert isinstance(after, Forwarded)
    assert world.seen.of("upstream.attempt", "outcome").count("cancelled") == 1
    assert world.outstanding() == 1


def test_streams_that_break_off_open_it_too():
    world = World(a=[FakeAnswer()])
    for _ in range(3):
        world.run().release(ok=False)
    assert not world.bridge.snapshot()[0].healthy
    assert world.outstanding() == 0


def test_a_caller_who_leaves_is_no_news():
    world = World(a=[FakeAnswer()])
    for _ in range(2):
        world.run().release(ok=False)
    for _ in range(5):
        world.run().release(ok=None)
    assert world.bridge.snapshot()[0].healthy
    world.run().release(ok=True)
    for _ in range(2):
        world.run().release(ok=False)
    assert world.bridge.snapshot()[0].healthy


def test_a_busy_upstream_is_left_alone_as_long_as_it_asks():
    world = World(a=[FakeAnswer(429, retry_after="7"), FakeAnswer()])
    first = world.run()
    assert (first.refusal.reason, first.refusal.retry_after_ms) == (reasons.UPSTREAM_BUSY, 7000)
    world.clock.advance(6.5)
    second = world.run()
    assert second.attempts == ()
    assert (second.refusal.reason, second.refusal.retry_after_ms) == (reasons.UPSTREAM_BUSY, 1000)
    world.clock.advance(0.5)
    assert isinstance(world.run(), Forwarded)
    assert world.seen.of("upstream.state", "open") == []


def test_too_many_requests_for_one_model_leave_the_others_alone():
    world = World(a=[FakeAnswer(429, retry_after="7"), FakeAnswer()])
    assert world.run("big").attempts
    assert world.run("big").attempts == ()
    assert isinstance(world.run("small"), Forwarded)
    overloaded = World(a=[FakeAnswer(503, retry_after="7"), FakeAnswer()])
    assert overloaded.run("big").attempts
    assert overloaded.run("small").attempts == ()


def test_a_caller_who_provokes_errors_cannot_shut_out_the_others():
    alone = World(a=[*[FakeAnswer(500)] * 20, FakeAnswer()])
    for _ in range(20):
        assert alone.run().attempts
    assert isinstance(alone.run(), Forwarded)
    two = World(a=[FakeAnswer(500)], b=[FakeAnswer()])
    for _ in range(20):
        result = two.run()
        if isinstance(result, Forwarded):
            result.release(ok=True)
    assert two.sent()["a"] == 3


@pytest.mark.parametrize(
    ("status", "opens"), [(408, True), (502, True), (503, True), (504, True), (404, False), (301, False)]
)
def test_statuses_that_open_it(status, opens):
    world = World(a=[FakeAnswer(status)])
    for _ in range(3):
        world.run()
    assert world.bridge.snapshot()[0].healthy != opens


def test_too_many_requests_without_a_time_is_a_short_pause_and_no_failure():
    world = World(a=[FakeAnswer(429)])
    for _ in range(5):
        assert world.run().attempts
        assert world.run().attempts == ()
        world.clock.advance(1.0)
    assert world.bridge.snapshot()[0].healthy


def test_a_client_error_is_a_sign_of_life():
    world = World(a=[DEAD, DEAD, FakeAnswer(400), DEAD, DEAD, FakeAnswer()])
    for _ in range(5):
        world.run()
    assert world.bridge.snapshot()[0].healthy


def test_a_refused_credential_is_reported_and_others_are_preferred():
    world = World(a=[FakeAnswer(401)], b=[FakeAnswer()])
    results = [world.run() for _ in range(8)]
    refused = [result for result in results if isinstance(result, NotForwarded)]
    assert [result.refusal.reason for result in refused] == [reasons.UPSTREAM_CREDENTIALS]
    assert world.sent()["a"] == 1
    assert Counter(status.healthy for status in world.bridge.snapshot()) == {True: 1, False: 1}
    assert "credentials" in world.seen.of("upstream.attempt", "outcome")


def test_an_error_text_is_scrubbed_of_what_the_settings_say():
    body = b'{"error":{"message":"int-7b: a.internal rejects SECRET-KEY"}}'
    world = World(a=[FakeAnswer(400, body)])
    result = asyncio.run(world.forward({"int-7b": "small"}))
    assert (result.refusal.message, result.refusal.status) == ("small: [removed] rejects [removed]", 400)


@pytest.mark.parametrize("failed", [UpstreamFailed("body", "x"), asyncio.CancelledError()])
def test_an_error_body_that_breaks_leaves_no_connection(failed):
    answer = FakeAnswer(400, failed)
    world = World(a=[answer])
    if isinstance(failed, UpstreamFailed):
        assert world.run().refusal.reason is reasons.UPSTREAM_REJECTED
    else:
        with pytest.raises(asyncio.CancelledError):
            world.run()
    assert answer.ends == ["abort"]
    assert world.outstanding() == 0


def test_an_endless_error_body_is_cut_off():
    answer = FakeAnswer(400, b"x" * 65537)
    refusal = World(a=[answer]).run().refusal
    assert "no usable reason" in refusal.message
    assert answer.ends == ["abort"]


def test_an_upstream_whose_connections_are_all_in_use_is_busy_not_broken():
    async def main():
        world = World(max_connections=2, a=[FakeAnswer()])
        held = [await world.forward() for _ in range(2)]
        refused = [await world.forward() for _ in range(5)]
        held[0].release(ok=True)
        return world, refused, await world.forward()

    world, refused, after = asyncio.run(main())
    assert {result.refusal.reason for result in refused} == {reasons.UPSTREAM_BUSY}
    assert {result.attempts for result in refused} == {()}
    assert world.bridge.snapshot()[0].healthy
    assert isinstance(after, Forwarded)


def test_one_open_and_one_full_is_unavailable():
    async def main():
        world = World(max_connections=1, a=[DEAD], b=[FakeAnswer()])
        for _ in range(3):
            world.bridge.upstream("a").breaker.failed(0.0)
        await world.forward()
        return (await world.forward()).refusal.reason

    assert asyncio.run(main()) is reasons.UPSTREAM_UNAVAILABLE


def test_an_error_that_is_not_quoted_is_not_read():
    answer = FakeAnswer(500, AssertionError("read"))
    assert World(a=[answer]).run().refusal.reason is reasons.UPSTREAM_ERROR
    assert answer.ends == ["abort"]


def test_a_2xx_that_is_not_an_api_answer_is_a_failure():
    answer = FakeAnswer(content_type="text/html")
    world = World(a=[answer])
    result = world.run()
    assert result.refusal.reason is reasons.UPSTREAM_ERROR
    assert answer.ends == ["abort"]
    assert world.outstanding() == 0


def test_traffic_follows_the_weights():
    async def main():
        world = World({"a": 3, "b": 1}, a=[FakeAnswer()], b=[FakeAnswer()])
        for _ in range(40):
            await world.forward()  # none released: the load shows
        return world.sent()

    assert asyncio.run(main()) == {"a": 30, "b": 10}


def test_close_closes_every_transport():
    world = World(a=[DEAD], b=[DEAD])
    asyncio.run(world.bridge.close())
    assert all(transport.closed for transport in world.transports.values())


def test_an_unknown_name_is_a_mistake_of_ours():
    world = World(a=[DEAD])
    with pytest.raises(KeyError):
        world.bridge.upstream("nobody")
    assert world.bridge.upstream("a").settings.name == "a"


@pytest.mark.parametrize("seed", range(20))
def test_the_books_balance_over_random_traffic(seed):
    """Property by brute force: whatever happens, nothing stays outstanding and every send is an attempt."""
    rng = random.Random(seed)

    async def main():
        items = [
            FakeAnswer(),
            DEAD,
            STALE,
            SLOW,
            BROKEN,
            FakeAnswer(503),
            FakeAnswer(429),
            FakeAnswer(400),
            FakeAnswer(),
        ]
        world = World(**{name: [rng.choice(items) for _ in range(200)] for name in "abc"})

        async def one():
            result = await world.forward()
            try:
                await asyncio.sleep(0)
            finally:
                if isinstance(result, Forwarded):
                    result.release(ok=rng.choice([True, False, None]))
            assert len(result.attempts) <= 3
            world.clock.advance(rng.random())

        tasks = [asyncio.ensure_future(one()) for _ in range(100)]
        await asyncio.sleep(0)
        for task in rng.sample(tasks, 20):
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
        return world

    world = asyncio.run(main())
    attempts = len(world.seen.of("upstream.attempt", "outcome"))
    assert attempts == sum(world.sent().values())
    assert world.outstanding() == 0


@pytest.mark.parametrize(("status", "asked"), [(400, 4), (422, 4), (413, 3)])
def test_a_request_that_was_amended_is_sent_once_more_even_after_the_last_attempt(status, asked):
    """Whoever amends decides by the status; what he amends was the gateway's own doing and costs the caller nothing."""
    amended = []

    def amend(upstream, status):
        amended.append((upstream.name, status))
        return status in (400, 422) and len(amended) == 1

    world = World(a=[DEAD], b=[DEAD], c=[FakeAnswer(status), FakeAnswer()])
    picks = iter(("a", "b", "c"))
    world.bridge._pick = lambda *_: world.bridge.upstream(next(picks))
    result = asyncio.run(world.bridge.forward(["a", "b", "c"], world.call, amend=amend))
    assert len(result.attempts) == asked
    assert amended == [("c", status)]
    assert isinstance(result, Forwarded) == (asked == 4)


def test_amending_goes_on_only_as_long_as_it_is_asked_for():
    world = World(a=[FakeAnswer(400)])
    result = asyncio.run(world.bridge.forward(["a"], world.call, amend=lambda *_: world.sent()["a"] < 2))
    assert isinstance(result, NotForwarded)
    assert world.sent() == {"a": 2}
