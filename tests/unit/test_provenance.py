"""What is built from `watermark:`, its beginning and its end."""

import asyncio

import pytest

from gateway.config import SecretMissing
from gateway.core.clock import ManualClock
from gateway.observe.metrics import Metrics
from gateway.provenance import provenance_of
from tests.support.marked_walk import closing_walks, marked_walk


@pytest.fixture
def walks():
    with closing_walks() as make:
        yield make


def test_without_settings_there_is_nothing():
    provenance = provenance_of(None, Metrics("1", ["chat"]), ManualClock())
    assert provenance.marks.book is None
    assert (provenance.scribe, provenance.prober, provenance.receipts) == (None, None, None)

    async def go():
        await provenance.start(lambda: None, lambda: None, ManualClock())
        await provenance.close()
        return len(asyncio.all_tasks())

    assert asyncio.run(go()) == 1


def test_it_starts_marks_at_once_and_leaves_no_task_behind(tmp_path):
    walk = marked_walk(tmp_path)
    walk.transport.answers = [RuntimeError("not asked here")]
    provenance = walk.runtime.provenance
    provenance.marks.book._ready.clear()

    async def go():
        await provenance.start(lambda: walk.pipeline.bridge, lambda: walk.runtime.snapshot.catalogue, walk.clock)
        running = len(asyncio.all_tasks())
        assert provenance.marks.book.at("toy", walk.clock.now_ms()).epoch == "now"
        await provenance.close()
        return running, len(asyncio.all_tasks())

    running, left = asyncio.run(go())
    assert running > 3
    assert left == 1


def test_two_processes_of_one_name_do_not_write_to_one_log(walks, tmp_path):
    walks(tmp_path / "one", directory=str(tmp_path / "marks"))
    with pytest.raises(SecretMissing, match="another process writes to it"):
        marked_walk(tmp_path / "two", directory=str(tmp_path / "marks"))
    walks(tmp_path / "three", directory=str(tmp_path / "marks"), instance="another")
