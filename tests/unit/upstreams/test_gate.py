"""The bridge and the gate before its attempts: who is passed over, what is given back, what the caller hears."""

import asyncio
import random

import pytest

from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.upstreams.forwarded import Forwarded, NotForwarded
from gateway.upstreams.gate import Left
from tests.support.bridging import BROKEN, DEAD, SLOW, STALE, FakeAnswer, World, outcomes


def busy(wait_ms):
    return Refusal(reasons.UPSTREAM_BUSY, "busy", retry_after_ms=wait_ms)


NEVER = Refusal(reasons.REQUEST_EXCEEDS_LIMIT, "too large")


class FakeGate:
    """No room at the upstreams named in `closed`, each with its refusal. Counts what is inside."""

    def __init__(self, **closed):
        self.closed = closed
        self.log = []
        self.inside = 0

    async def enter(self, upstream):
        await asyncio.sleep(0)  # as a remote store
        if upstream in self.closed:
            self.log.append(("closed", upstream))
            return self.closed[upstream]
        self.inside += 1
        self.log.append(("enter", upstream))
        return None

    def leave(self, left):
        self.inside -= 1
        self.log.append(("leave", left))


def test_an_upstream_without_room_is_passed_over_and_is_no_attempt():
    world, gate = World(a=[FakeAnswer()], b=[FakeAnswer()]), FakeGate(a=busy(500))
    results = [world.run(gate=gate) for _ in range(6)]
    assert [outcomes(result) for result in results] == [["answered"]] * 6
    assert world.sent() == {"a": 0, "b": 6}
    passed = world.seen.of("upstream.passed_over", "upstream")
    assert set(passed) == {"a"}
    assert set(world.seen.of("upstream.passed_over", "reason")) == {"upstream_busy"}
    assert gate.inside == world.outstanding() == 6, "an answered attempt stays inside until its exchange is settled"
    assert not [entry for entry in gate.log if entry[0] == "leave"]


def test_without_room_anywhere_the_shortest_wait_is_told_and_nothing_is_sent():
    world, gate = World(a=[FakeAnswer()], b=[FakeAnswer()]), FakeGate(a=busy(2500), b=busy(700))
    result = world.run(gate=gate)
    assert isinstance(result, NotForwarded)
    assert (result.refusal.reason, result.refusal.retry_after_ms) == (reasons.UPSTREAM_BUSY, 700)
    assert (result.attempts, world.sent(), world.outstanding()) == ((), {"a": 0, "b": 0}, 0)
    assert sorted(gate.log) == [("closed", "a"), ("closed", "b")]


def test_an_upstream_passed_over_is_asked_only_once():
    world, gate = World(a=[DEAD], b=[DEAD], c=[FakeAnswer()]), FakeGate(c=busy(9))
    world.run(gate=gate)
    assert gate.log.count(("closed", "c")) == 1


def test_passing_over_does_not_use_up_attempts():
    closed = {name: busy(5) for name in "abcde"}
    world = World(**{name: [FakeAnswer()] for name in "abcdef"})
    result = world.run(gate=FakeGate(**closed))
    assert isinstance(result, Forwarded)
    assert result.upstream == "f"


@pytest.mark.parametrize(
    ("script", "left"),
    [
        (DEAD, Left.UNTOUCHED),
        (SLOW, Left.UNKNOWN),
        (BROKEN, Left.UNKNOWN),
        (FakeAnswer(429), Left.REFUSED),
        (FakeAnswer(400), Left.REFUSED),
        (FakeAnswer(500), Left.REFUSED),
        (FakeAnswer(401), Left.REFUSED),
        (FakeAnswer(200, content_type="text/html"), Left.UNKNOWN),
    ],
)
def test_an_attempt_without_an_answer_says_how_it_left_the_upstream(script, left):
    gate = FakeGate()
    World(a=[script]).run(gate=gate)
    assert gate.log == [("enter", "a"), ("leave", left)]


def test_a_dead_idle_connection_is_left_and_entered_again():
    gate = FakeGate()
    result = World(a=[STALE, FakeAnswer()]).run(gate=gate)
    assert isinstance(result, Forwarded)
    assert gate.log == [("enter", "a"), ("leave", Left.UNTOUCHED), ("enter", "a")]


def test_a_retry_on_the_same_upstream_may_find_it_full():
    class OnceOnly(FakeGate):
        async def enter(self, upstream):
            full = busy(30) if ("enter", upstream) in self.log else None
            return full or await super().enter(upstream)

    gate, world = OnceOnly(), World(a=[STALE, FakeAnswer()])
    result = world.run(gate=gate)
    assert (result.refusal.reason, result.refusal.retry_after_ms) == (reasons.UPSTREAM_BUSY, 30)
    assert (gate.inside, world.outstanding(), world.sent()) == (0, 0, {"a": 1})


@pytest.mark.parametrize(
    ("first", "closed", "reason", "wait_ms"),
    [
        (DEAD, busy(40), reasons.UPSTREAM_BUSY, 40),
        (FakeAnswer(429, retry_after="5"), busy(40), reasons.UPSTREAM_BUSY, 40),
        (FakeAnswer(429, retry_after="5"), busy(9000), reasons.UPSTREAM_BUSY, 5000),
        (DEAD, NEVER, reasons.UPSTREAM_UNAVAILABLE, None),
        (FakeAnswer(400), busy(40), reasons.UPSTREAM_REJECTED, None),
    ],
)
def test_of_an_attempt_and_an_upstream_passed_over_the_one_that_ends_sooner_is_told(first, closed, reason, wait_ms):
    world = World(a=[first], b=[FakeAnswer()])
    world.bridge._turn = 1  # so that `a` comes first
    refusal = world.run(gate=FakeGate(b=closed)).refusal
    assert (refusal.reason, refusal.retry_after_ms) == (reason, wait_ms)


def test_an_upstream_that_waits_by_itself_is_told_of_too():
    world = World(a=[FakeAnswer()], b=[FakeAnswer()])
    world.bridge.upstream("a").breaker.pause(0.0, 7.0)
    assert world.run(gate=FakeGate(b=busy(60_000))).refusal.retry_after_ms == 7000
    assert world.run(gate=FakeGate(b=NEVER)).refusal.retry_after_ms == 7000
    assert world.run(gate=FakeGate(b=busy(20))).refusal.retry_after_ms == 20


def test_a_request_that_fits_nowhere_is_told_so():
    world = World(a=[FakeAnswer()], b=[FakeAnswer()])
    refusal = world.run(gate=FakeGate(a=NEVER, b=NEVER)).refusal
    assert (refusal.reason, refusal.retry_after_ms) == (reasons.REQUEST_EXCEEDS_LIMIT, None)


def test_a_probe_that_finds_no_room_leaves_the_probe_to_others():
    world = World(a=[DEAD, DEAD, DEAD, FakeAnswer()])
    for _ in range(3):
        world.run()
    world.clock.advance(1.0)
    assert isinstance(world.run(gate=FakeGate(a=busy(5))), NotForwarded)
    assert isinstance(world.run(gate=FakeGate()), Forwarded)


@pytest.mark.parametrize("where", ["enter", "send"])
def test_a_caller_who_leaves_gives_everything_back(where):
    async def main():
        world, gate = World(a=[asyncio.Event()]), FakeGate()
        task = asyncio.ensure_future(world.forward(gate=gate))
        while (where == "send" and not world.sent()["a"]) or not world.outstanding():
            await asyncio.sleep(0)
        if where == "enter":
            assert gate.log == []
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return world, gate

    world, gate = asyncio.run(main())
    assert gate.log == ([] if where == "enter" else [("enter", "a"), ("leave", Left.UNKNOWN)])
    assert (gate.inside, world.outstanding()) == (0, 0)


def test_a_call_that_cannot_be_made_leaves_the_upstream_untouched():
    world, gate = World(a=[FakeAnswer()]), FakeGate()

    def broken(_upstream):
        raise ValueError

    world.call = broken
    with pytest.raises(ValueError):
        world.run(gate=gate)
    assert gate.log == [("enter", "a"), ("leave", Left.UNTOUCHED)]
    assert world.outstanding() == 0


@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_who_is_inside_is_who_has_an_answer(seed):
    rng = random.Random(seed)

    async def main():
        items = [FakeAnswer(), DEAD, STALE, SLOW, BROKEN, FakeAnswer(503), FakeAnswer(429), FakeAnswer(400)]
        world = World(**{name: [rng.choice(items) for _ in range(200)] for name in "abc"})
        gates = []

        async def one():
            closed = {name: rng.choice([NEVER, busy(5)]) for name in "abc" if rng.random() < 0.3}
            gate = FakeGate(**closed)
            gates.append(gate)
            result = await world.forward(gate=gate)
            if isinstance(result, Forwarded):
                assert gate.inside == 1
                gate.leave(Left.UNKNOWN)
                result.release(ok=rng.choice([True, False, None]))
            world.clock.advance(rng.random())

        tasks = [asyncio.ensure_future(one()) for _ in range(80)]
        await asyncio.sleep(0)
        for task in rng.sample(tasks, 20):
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)
        return world, gates

    world, gates = asyncio.run(main())
    assert [gate.inside for gate in gates] == [0] * len(gates)
    assert world.outstanding() == 0
    assert len(world.seen.of("upstream.attempt", "outcome")) == sum(world.sent().values())
