"""Exchanges under way: who is renewed, who is stopped and told why."""

import asyncio

import pytest

from gateway.accounting.outcome import Outcome
from gateway.core import reasons
from gateway.live import Live
from tests.support.walking import Walk


@pytest.fixture
def walk(tmp_path):
    return Walk(tmp_path)


async def under_way(live, *exchanges):
    """A task for each, waiting for ever; they have entered when this returns."""

    async def serve(x):
        live.enter(x)
        try:
            await asyncio.Event().wait()
        finally:
            live.leave(x)

    tasks = [asyncio.create_task(serve(x)) for x in exchanges]
    await asyncio.sleep(0)
    return tasks


def test_reservations_are_renewed_while_they_are_open(walk):
    async def scenario():
        live = Live()
        held, ended, none = walk.ruled(), walk.ruled(), walk.ruled()
        for x in (held, ended):
            assert await walk.pipeline.reserve(x) is None
        ended.outcome = Outcome.COMPLETE
        tasks = await under_way(live, held, ended, none)
        assert live.reserved_ids() == [held.id]
        assert len(live) == 3
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(live) == 0
        live.leave(held)  # once more does no harm

    asyncio.run(scenario())


def test_only_who_does_not_read_is_stopped(walk):
    async def scenario():
        live = Live()
        waiting, slow, patient = walk.enter(), walk.enter(), walk.enter()
        slow.write_began_at, patient.write_began_at = 10.0, 95.0
        tasks = await under_way(live, waiting, slow, patient)
        assert live.stop_slow_readers(100.0, 60.0) == 1
        assert live.stop_slow_readers(100.0, 60.0) == 0, "told once"
        assert slow.stop.reason is reasons.REQUEST_TIMEOUT
        assert (waiting.stop, patient.stop) == (None, None)
        await asyncio.wait([tasks[1]])
        assert [task.done() for task in tasks] == [False, True, False]
        assert live.stop_all() == 2
        assert waiting.stop.reason is patient.stop.reason is reasons.DRAINING
        assert slow.stop.reason is reasons.REQUEST_TIMEOUT
        await asyncio.wait(tasks)
        assert len(live) == 0

    asyncio.run(scenario())
