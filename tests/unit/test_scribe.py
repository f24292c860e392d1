"""What is written down of answers, and what is not; and that memory is given back whatever becomes of them."""

import asyncio
import json
import threading
from dataclasses import replace

import pytest

from gateway.accounting.outcome import Outcome
from gateway.core.reasons import POLICY_DENIED
from gateway.core.refusal import Refusal
from gateway.registry.keeper import Keeper
from gateway.registry.retire import retire
from gateway.scribe import Files, Scribe
from gateway.server.sent import MOST_KEPT, Sent
from gateway.watermarks.account_log import AccountLog
from gateway.watermarks.epochs import Epoch
from tests.support.marked_walk import closing_walks
from tests.support.walking import FakeAnswer

REGISTRY = "{scheme: none, registry: true}"
DAY = 86_400_000
NOW = 1_800_000_000_000
EPOCHS = tuple(Epoch(f"e{at}", NOW + at * 10 * DAY, NOW + (at + 1) * 10 * DAY) for at in range(4))
ROOM = 1 << 20
TEXT = " ".join(f"word{chr(97 + at % 26)}{chr(97 + at // 26)}" for at in range(200))
ANSWER = json.dumps({"choices": [{"index": 0, "message": {"content": TEXT}}]}).encode()


class Desk:
    """A scribe of the test's own behind a pipeline."""

    def __init__(self, walk, folder, root_of=lambda _: b"r" * 32):
        self.walk, self.registry = walk, folder / "registry"
        self.accounts = AccountLog(folder / "log", "one", walk.clock.now_ms)
        self.keeper = Keeper(self.registry, "one", root_of)
        self.scribe = Scribe(walk.runtime.metrics, Files(self.keeper, self.accounts), EPOCHS, ROOM)
        walk.pipeline.scribe = self.scribe

    @property
    def room(self):
        return self.scribe._room[0]

    def answers(self, result):
        name = f'gateway_registry_answers_total{{result="{result}"}} '
        lines = self.walk.runtime.metrics.render().decode().splitlines()
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    async def served(self, status=200, outcome=Outcome.COMPLETE, answer=ANSWER, **more):
        """An exchange from its request to its ending."""
        x = await self.walk.forwarded(FakeAnswer(answer), **more)
        x.answer, x.status = answer, status
        self.walk.finish(x, outcome)
        return x


@pytest.fixture
def walk(tmp_path):
    with closing_walks() as make:
        yield make(tmp_path / "walk", block=REGISTRY)


def test_an_answer_that_went_out_is_kept_and_its_memory_given_back(walk, tmp_path):
    async def go():
        desk = Desk(walk, tmp_path)
        await desk.served()
        assert desk.room < ROOM
        await desk.scribe.close()
        return desk

    desk = asyncio.run(go())
    assert (desk.answers("kept"), desk.room) == (1, ROOM)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (403, Outcome.POLICY_ENDED),
        (500, Outcome.INTERNAL_ERROR),
        (502, Outcome.UPSTREAM_CUT),
        (503, Outcome.SHUTDOWN),
        (0, Outcome.CLIENT_GONE),
    ],
)
def test_an_answer_that_did_not_go_out_is_not_kept_as_served(walk, tmp_path, status, outcome):
    async def go():
        desk = Desk(walk, tmp_path)
        x = await desk.served(status, outcome)
        assert x.holding is None
        assert desk.room == ROOM
        await desk.scribe.close()
        return desk

    desk = asyncio.run(go())
    assert not any(map(desk.answers, ("kept", "dropped", "failed")))
    assert not desk.registry.exists()


def test_a_request_that_never_came_to_an_answer_gives_its_memory_back(walk, tmp_path):
    async def go():
        desk = Desk(walk, tmp_path)
        x = walk.ruled()
        desk.scribe.glance(x)
        assert desk.room < ROOM, "the prompt takes memory"
        x.refusal = Refusal(POLICY_DENIED, "no")
        walk.finish(x, Outcome.REFUSED)
        assert desk.room == ROOM
        await desk.scribe.close()

    asyncio.run(go())


@pytest.mark.parametrize(("letter", "bytes_each"), [("a", 1), ("é", 1), ("ж", 2), ("😀", 4)])
def test_a_prompt_is_counted_at_what_it_takes(walk, tmp_path, letter, bytes_each):
    async def go():
        desk = Desk(walk, tmp_path)
        x = walk.ruled(messages=[{"role": "user", "content": letter * 50_000}])
        desk.scribe.glance(x)
        held = ROOM - desk.room
        walk.finish(x, Outcome.CLIENT_GONE)
        await desk.scribe.close()
        return held

    assert 0 <= asyncio.run(go()) - bytes_each * 50_000 < 200


def test_a_stream_for_which_there_is_no_room_is_left_out_whole(walk, tmp_path):
    """However its bytes come: what went before is not kept either, and its memory is there for others at once."""

    async def go():
        desk = Desk(walk, tmp_path)
        x = await walk.forwarded(FakeAnswer(b"", content_type="text/event-stream"), stream=True)
        x.meter = x.dialect.meter(strip_usage=False)
        sent = Sent(x, None)
        sent.keep(b"a" * 100)
        sent.keep(b"b" * 2 * MOST_KEPT)  # more than is kept of one answer, and more than there is room for
        sent.keep(b"c")
        assert (x.captured_cut, x.captured, desk.room) == (True, [], ROOM)
        x.status = 200
        walk.finish(x, Outcome.COMPLETE)
        assert (desk.room, desk.answers("dropped")) == (ROOM, 1)
        await desk.scribe.close()

    asyncio.run(go())


def test_audit_mode_keeps_no_bytes(tmp_path):
    with closing_walks() as make:
        walk = make(tmp_path / "walk", mode="audit")
        assert not any(walk.ruled().captures for _ in range(200))
    with closing_walks() as make:
        walk = make(tmp_path / "other")
        assert 1 <= sum(walk.ruled().captures for _ in range(400)) <= 80, "one in sixteen is looked at"


def test_answers_of_three_epochs_at_once_are_all_kept(walk, tmp_path):
    """As after a leap of the clock: two files are open at most."""

    async def go():
        desk = Desk(walk, tmp_path)
        for days in (1, 11, 21, 2):
            x = await walk.forwarded(FakeAnswer(ANSWER))
            x.answer, x.status, x.started_ms = ANSWER, 200, NOW + days * DAY
            walk.finish(x, Outcome.COMPLETE)
        await desk.scribe.close()
        return desk

    desk = asyncio.run(go())
    assert (desk.answers("kept"), desk.room) == (4, ROOM)
    assert sorted(path.name for path in (desk.registry / "one").iterdir()) == ["e0", "e1", "e2"]


def test_an_epoch_that_is_over_can_be_shredded_while_the_gateway_runs(walk, tmp_path):
    async def go():
        desk = Desk(walk, tmp_path)
        work = asyncio.create_task(desk.scribe.run())
        await desk.served()
        async with asyncio.timeout(10):
            while not desk.answers("kept"):
                await asyncio.sleep(0.01)
        held = retire(desk.registry, EPOCHS[0].until_ms + DAY, DAY)
        await desk.scribe.retire(EPOCHS[0].until_ms)
        gone = retire(desk.registry, EPOCHS[0].until_ms + DAY, DAY)
        await desk.scribe.close()
        await work
        return held, gone

    held, gone = asyncio.run(go())
    assert held[0] == []
    assert "a running gateway writes to it" in held[1][0]
    assert gone == (["one/e0"], [])


def test_a_disk_that_hangs_holds_the_end_of_the_process_up_for_a_bounded_time(walk, tmp_path, caplog):
    hanging, free = threading.Event(), threading.Event()

    def hangs(_):
        hanging.set()
        free.wait(20)
        return b"r" * 32

    async def go():
        desk = Desk(walk, tmp_path, hangs)
        work = asyncio.create_task(desk.scribe.run())
        await desk.served()
        assert await asyncio.to_thread(hanging.wait, 10)
        await asyncio.wait_for(desk.scribe.close(0.05), 5)
        free.set()
        await work
        desk.keeper.close()
        desk.accounts.close()

    asyncio.run(go())
    assert "the disk of the fingerprints hangs" in caplog.text


def test_a_fault_of_one_answer_is_not_the_next_ones(walk, tmp_path):
    calls = []

    def breaks_once(epoch):
        calls.append(epoch)
        if len(calls) == 1:
            raise RuntimeError("what nobody thought of")
        return b"r" * 32

    async def go():
        desk = Desk(walk, tmp_path, breaks_once)
        await desk.served()
        await desk.served()
        await desk.scribe.close()
        return desk

    desk = asyncio.run(go())
    assert (desk.answers("failed"), desk.answers("kept"), desk.room) == (1, 1, ROOM)


def test_whose_mark_went_out_is_noted_once_even_where_the_caller_left(tmp_path):
    with closing_walks() as make:
        walk = make(tmp_path / "walk")

        async def go():
            desk = Desk(walk, tmp_path)
            for _ in range(3):
                x = await walk.forwarded(FakeAnswer(ANSWER))
                walk.finish(x, Outcome.CLIENT_GONE)
            skipped = await walk.forwarded(FakeAnswer(ANSWER), tools=[{"type": "function", "function": {"name": "f"}}])
            walk.finish(skipped, Outcome.COMPLETE)
            other = await walk.forwarded(FakeAnswer(ANSWER))
            other.principal = replace(other.principal, account=replace(other.principal.account, id="ada"))
            walk.finish(other, Outcome.COMPLETE)
            await desk.scribe.close()
            return desk.accounts.path.read_text()

        lines = [json.loads(line) for line in asyncio.run(go()).splitlines()]
        assert [line["account"] for line in lines] == ["acme", "ada"]
