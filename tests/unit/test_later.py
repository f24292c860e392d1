"""What follows a request: when, in which order, and that none is lost with another's fault."""

import asyncio
import logging
from types import SimpleNamespace

from gateway.accounting.outcome import Outcome
from gateway.later import Later
from tests.support.walking import FakeAnswer, Walk

ANSWER = b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}'


def exchanges(*ids):
    return [SimpleNamespace(id=one) for one in ids]


def test_all_that_ended_in_a_turn_follow_at_its_end_with_their_own_times():
    done = []

    async def scenario():
        later = Later(lambda x, now: done.append((x.id, now)))
        for number, x in enumerate(exchanges("a", "b", "c")):
            later.of(x, float(number))
        assert done == []
        await asyncio.sleep(0)

    asyncio.run(scenario())
    assert done == [("a", 0.0), ("b", 1.0), ("c", 2.0)]


def test_a_turn_that_is_the_loops_last_has_an_end_too():
    done = []
    later = Later(lambda x, _: done.append(x.id))

    async def scenario(x):
        later.of(x, 0.0)

    for x in exchanges("a", "b"):
        asyncio.run(scenario(x))
    assert done == ["a", "b"]


def test_one_fault_is_logged_with_its_request_and_is_nobody_elses(caplog):
    done = []

    def work(x, _):
        if x.id == "b":
            raise ValueError("broken")
        done.append(x.id)

    later = Later(work)

    async def scenario():
        for x in exchanges("a", "b", "c"):
            later.of(x, 0.0)
        later.catch_up()
        assert done == ["a", "c"]
        await asyncio.sleep(0)

    with caplog.at_level(logging.ERROR, "gateway"):
        asyncio.run(scenario())
    assert done == ["a", "c"]
    assert [entry.fields for entry in caplog.records] == [{"id": "b"}]


def test_without_a_loop_it_follows_at_once():
    done = []
    Later(lambda x, _: done.append(x.id)).of(*exchanges("a"), 0.0)
    assert done == ["a"]


def test_what_is_settled_at_once_is_recorded_when_the_turn_ends(tmp_path):
    walk = Walk(tmp_path)

    async def scenario():
        x = await walk.forwarded(FakeAnswer(ANSWER), max_tokens=5)
        x.answer = ANSWER
        walk.pipeline.finish(x, Outcome.COMPLETE)
        assert x.settlement.usage.total_tokens == 5
        assert walk.records() == []
        walk.clock.advance(1)
        await asyncio.sleep(0)
        (record,) = walk.records()
        assert record.outcome == "complete"
        assert record.duration_s == 0  # until it ended, not until it was written down

    asyncio.run(scenario())


def test_a_process_that_ends_writes_it_down_before_it_closes_anything(tmp_path):
    walk = Walk(tmp_path)
    recorded = []

    async def close():
        recorded.extend(record.outcome for record in walk.records())

    async def scenario():
        x = await walk.forwarded(FakeAnswer(ANSWER), max_tokens=5)
        walk.pipeline.finish(x, Outcome.SHUTDOWN)
        walk.runtime.provenance = SimpleNamespace(close=close)
        await walk.runtime.close()

    asyncio.run(scenario())
    assert recorded == ["shutdown"]
