"""Reading on after the caller left, where the upstream bills the whole answer anyway."""

import asyncio

import pytest

from gateway.accounting.outcome import Outcome
from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.server import drains
from gateway.server.drains import Drains
from tests.support import transcripts
from tests.support.walking import FakeAnswer, Walk

STREAM = transcripts.chat(["one", "two", "three"], with_usage=True)
HEAD, REST = STREAM[:300], STREAM[300:]


class Gated(FakeAnswer):
    """Gives its chunks when the test says so."""

    def __init__(self, *chunks):
        super().__init__(*chunks, content_type="text/event-stream")
        self.gate = asyncio.Event()

    async def chunks(self):
        await self.gate.wait()
        async for chunk in super().chunks():
            yield chunk


@pytest.fixture
def walk(tmp_path):
    settings = {"on_client_abort": "drain", "drain_max_s": 5, "drain_max_bytes": 5000}
    return Walk(tmp_path, upstream_settings=settings)


async def left(walk, answer, **more):
    """An exchange whose caller has left after the first bytes."""
    x = await walk.forwarded(answer, stream=True, max_tokens=40, **more)
    x.meter = x.dialect.meter(strip_usage=True)
    x.meter.feed(HEAD)
    return x


def test_a_drain_reads_the_usage_and_settles_with_it(walk):
    async def scenario():
        runtime = walk.runtime
        taken = Drains(runtime)
        answer = Gated(REST)
        x = await left(walk, answer)
        assert taken.take(x)
        assert x.draining
        await asyncio.sleep(0)
        assert len(runtime.live) == 1, "its reservation is renewed while it drains"
        assert runtime.live.reserved_ids() == [x.id]
        assert x.outcome is None
        answer.gate.set()
        await asyncio.gather(*taken._tasks)
        assert (x.outcome, len(runtime.live), answer.ends) == (Outcome.CLIENT_GONE, 0, ["finish"])
        assert (x.settlement.usage.output_tokens, x.settlement.usage.input_tokens) == (3, 20)
        assert not x.settlement.usage.estimated
        assert len(walk.store.named("settle")) == 1
        assert not taken._tasks

    asyncio.run(scenario())


def test_a_drain_is_bounded_in_bytes(walk):
    async def scenario():
        taken = Drains(walk.runtime)
        answer = Gated(*([transcripts.line(transcripts.chat_chunk({"content": "word"}))] * 1000))
        answer.gate.set()
        x = await left(walk, answer)
        assert taken.take(x)
        await asyncio.gather(*taken._tasks)
        assert answer.ends == ["abort"]
        assert 5 < x.meter.delta_events < 100
        assert x.settlement.usage.estimated

    asyncio.run(scenario())


def test_the_end_of_the_process_ends_drains_and_settles_them(walk):
    async def scenario():
        taken = Drains(walk.runtime)
        one, other = await left(walk, Gated(REST)), await left(walk, Gated(REST))
        assert taken.take(one)
        assert taken.take(other)
        await asyncio.sleep(0)
        await taken.close()
        assert [x.outcome for x in (one, other)] == [Outcome.CLIENT_GONE] * 2
        assert one.forwarded.answer.ends == ["abort"]
        assert len(walk.store.named("settle")) == 2
        assert len(walk.runtime.live) == 0

    asyncio.run(scenario())


def test_a_drain_that_never_ran_settles_all_the_same(walk):
    async def scenario():
        taken = Drains(walk.runtime)
        x = await left(walk, Gated(REST))
        assert taken.take(x)
        await taken.close()  # before the task had its first turn
        assert x.outcome is Outcome.CLIENT_GONE
        assert x.forwarded.answer.ends == ["abort"]
        assert len(walk.store.named("settle")) == 1

    asyncio.run(scenario())


def test_what_is_not_worth_a_drain(walk, monkeypatch, tmp_path):
    async def scenario():
        taken = Drains(walk.runtime)
        whole, finished, stopped = [await left(walk, Gated(REST)) for _ in range(3)]
        whole.meter = None
        finished.meter.feed(REST)
        assert finished.meter.finished
        stopped.stop = Refusal(reasons.DRAINING, "bye")
        cancel = await left(Walk(tmp_path / "other"), Gated(REST))
        assert [taken.take(x) for x in (whole, finished, stopped, cancel)] == [False] * 4
        monkeypatch.setattr(drains, "MAX_DRAINS", 1)
        first, second = await left(walk, Gated(REST)), await left(walk, Gated(REST))
        assert [taken.take(first), taken.take(second)] == [True, False]
        assert not second.draining
        await asyncio.sleep(0)
        await taken.close()

    asyncio.run(scenario())
