"""Streams without a task in between: the same bytes and endings as through the pump, and bounded like it."""

import asyncio

import pytest

from gateway.accounting.outcome import Outcome
from gateway.upstreams.base import Call
from gateway.upstreams.drain import drain
from gateway.upstreams.pool.body import HIGH
from tests.support import loops, transcripts
from tests.support.loops import every_loop  # noqa: F401 - each test runs on each loop
from tests.support.piped import WAYS, piped, relayed
from tests.support.relaying import GUARDS
from tests.support.upstream import EVENTS, chunk, close, cut, stall, trickle

WORDS = [f" word{number}" for number in range(30)]
STREAM = transcripts.chat(WORDS, with_usage=True)
STRIPPED = transcripts.chat(WORDS, with_usage=False)
END = b"0\r\n\r\n"
ERROR = b'data: {"error":{"message":"CUDA at 10.1.2.3 failed","code":500}}\n\n'
HALF = STREAM[: STREAM.index(b"word9") + 3]


def pieces(data, size):
    return b"".join(chunk(data[at : at + size]) for at in range(0, len(data), size))


def run(way, *scripts, **how):
    """(outcome, the caller's bytes, the scene) of one stream."""

    async def main():
        async with piped(way, *scripts, **how) as scene:
            outcome, body = await relayed(scene)
            assert scene.wire._turned is None, "nobody is told of turns any more"
            return outcome, body, scene

    return loops.run(main())


SCRIPTS = {
    "whole": [EVENTS + pieces(STREAM, 100_000) + END],
    "by events": [EVENTS, trickle(pieces(STREAM, 217), 230), END],
    "by bytes": [EVENTS, trickle(pieces(STREAM, 50), 3), END],
    "an ending that was not announced": [EVENTS + chunk(STREAM[:-1]) + END],
    "cut in an event": [EVENTS + chunk(HALF), cut],
    "closed in an event": [EVENTS + chunk(HALF), close],
    "ended in an event": [EVENTS + chunk(HALF) + END],
    "ended without its ending": [EVENTS + chunk(STREAM.removesuffix(b"data: [DONE]\n\n")) + END],
    "broken chunks": [EVENTS + chunk(HALF) + b"zz\r\n", stall],
    "an error event": [EVENTS + chunk(HALF + b'"}}]}\n\n'), chunk(ERROR + STREAM) + END],
    "an error event at once": [EVENTS + chunk(ERROR) + END],
    "an endless event": [EVENTS, chunk(b"data: " + b"x" * 600_000), chunk(b"y" * 600_000), stall],
    "bytes behind the end": [EVENTS + chunk(STREAM) + END + b"HTTP/1.1 200 OK\r\n\r\n"],
    "nothing": [EVENTS + END],
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("captures", [False, True])
def test_every_ending_is_that_of_the_pump(script, captures):
    seen = []
    for way in WAYS:
        outcome, body, scene = run(way, script, strip=True, captures=captures)
        x, meter = scene.x, scene.x.meter
        assert x.write_began_at == 0.0
        said = x.refusal and (x.refusal.reason, x.refusal.message)
        noted = meter.usage, meter.delta_events, meter.text_bytes, b"".join(x.captured), bool(x.first_byte_at)
        seen.append((outcome, body, said, noted))
    assert seen[0] == seen[1]


def test_the_bytes_are_the_upstreams_without_what_the_caller_did_not_ask_for():
    for script in ("whole", "by events", "by bytes"):
        assert run("direct", SCRIPTS[script], strip=True)[:2] == (Outcome.COMPLETE, STRIPPED)


@pytest.mark.parametrize("guard", GUARDS)
def test_rules_on_the_answer_see_it_before_the_caller(guard):
    outcome, body, _ = run("direct", SCRIPTS["by events"], guard=guard)
    assert outcome is Outcome.COMPLETE
    assert body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("way", WAYS)
def test_a_fault_of_ours_is_said_and_ends_the_upstream(way):
    async def main():
        async with piped(way, SCRIPTS["by events"]) as scene:
            feed = scene.x.meter.feed
            scene.relay._meter = Faulty(feed)
            outcome, body = await relayed(scene)
            await scene.upstream.peers[0].ended.wait()
            return outcome, body

    outcome, body = loops.run(main())
    assert outcome is Outcome.INTERNAL_ERROR
    assert b"secret" not in body
    assert b"internal_error" in body


class Faulty:
    failed = False

    def __init__(self, feed):
        self._feed = feed
        self._left = 3

    def feed(self, data):
        self._left -= 1
        if not self._left:
            raise LookupError("secret")
        return self._feed(data)


@pytest.mark.parametrize("way", WAYS)
def test_a_finished_stream_gives_its_connection_back(way):
    async def main():
        async with piped(way, SCRIPTS["by events"]) as scene:
            await relayed(scene)
            again = await scene.transport.send(Call("POST", "/v1/x", {}, b"{}", stream=True))
            again.abort()
            return len(scene.upstream.peers)

    assert loops.run(main()) == 1


# timeouts


@pytest.mark.parametrize("way", WAYS)
def test_an_upstream_that_pauses_too_long_is_given_up(way):
    outcome, body, scene = run(way, [EVENTS + chunk(HALF), stall], timeouts={"between_bytes_s": 0.1})
    assert outcome is Outcome.TIMED_OUT
    assert b"upstream_timeout" in body
    assert scene.x.refusal.reason.code == "upstream_timeout"


@pytest.mark.parametrize("way", WAYS)
def test_a_caller_that_reads_slowly_is_no_pause_of_the_upstream(way):
    flood = pieces(STRIPPED * 200, 4096)

    async def main():
        async with piped(way, [EVENTS, flood + END], timeouts={"between_bytes_s": 0.1}) as scene:
            running = asyncio.ensure_future(scene.relay.run())
            while not scene.wire.full:
                await asyncio.sleep(0)
            loop = asyncio.get_running_loop()
            stuck = loop.time()
            while loop.time() < stuck + 0.3:
                await asyncio.sleep(0)
            assert not running.done()
            reading = asyncio.ensure_future(scene.caller.read_all())
            outcome = await running
            scene.wire.transport.close()
            return outcome, await reading

    outcome, body = loops.run(main())
    assert body == STRIPPED * 200
    assert outcome is Outcome.COMPLETE


@pytest.mark.parametrize("way", WAYS)
def test_the_total_time_ends_also_a_stream_whose_caller_does_not_read(way):
    flood = pieces(STRIPPED * 500, 4096)

    async def main():
        async with piped(way, [EVENTS, flood, stall], timeouts={"total_s": 0.2}) as scene:
            running = asyncio.ensure_future(scene.relay.run())
            while not scene.answer._connection.dead:
                await asyncio.sleep(0)
            assert not running.done(), "it is said when the caller takes what was written before"
            reading = asyncio.ensure_future(scene.caller.read_all())
            outcome = await running
            scene.wire.transport.close()
            return outcome, await reading

    outcome, body = loops.run(main())
    assert outcome is Outcome.TIMED_OUT
    assert b"upstream_timeout" in body


# callers that do not read, and that leave


def test_a_caller_that_has_read_is_not_counted_as_one_that_does_not():
    async def main():
        async with piped("direct", [EVENTS, pieces(STRIPPED * 200, 4096), stall]) as scene:
            running = asyncio.ensure_future(scene.relay.run())
            while not scene.x.write_began_at:
                await asyncio.sleep(0)
            while len(scene.caller.body) < len(STRIPPED) * 190 or scene.wire.full:
                await scene.caller.read()
            assert scene.x.write_began_at == 0.0
            assert not running.done()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    loops.run(main())


@pytest.mark.parametrize("way", WAYS)
def test_memory_is_bounded_where_a_caller_does_not_read(way):
    event = transcripts.line(transcripts.chat_chunk({"content": "x" * 4000}))
    sent = 0

    async def flood(peer):
        nonlocal sent
        for _ in range(20_000):
            await peer.send(chunk(event))
            sent += len(event)

    async def main():
        async with piped(way, [EVENTS, flood]) as scene:
            running = asyncio.ensure_future(scene.relay.run())
            before = -1
            while sent != before:  # nobody takes any more, neither we nor the kernel
                before = sent
                for _ in range(1000):
                    await asyncio.sleep(0)
            assert scene.wire.full
            assert scene.x.write_began_at > 0.0
            held = scene.wire.transport.get_write_buffer_size() + scene.answer._body._size
            began = scene.x.write_began_at
            await scene.caller.read()
            while not scene.wire.full or scene.x.write_began_at in (0.0, began):
                await scene.caller.read()  # it goes on, and the time is counted anew
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            assert scene.x.write_began_at == 0.0
            return held

    assert loops.run(main()) < 16_384 + HIGH + 2 * 262_144 + 2 * len(event)


@pytest.mark.parametrize("full", [False, True])
def test_whoever_leaves_leaves_the_rest_to_a_drain(full):
    """Every byte of the upstream's is metered once, before the caller left or after it."""
    many = transcripts.chat(WORDS * 400, with_usage=True)

    async def main():
        release = asyncio.Event()

        async def rest(peer):
            await release.wait()
            await peer.send(pieces(many[50_000:], 3000) + END)

        async with piped("direct", [EVENTS + pieces(many[:50_000], 777), rest]) as scene:
            running = asyncio.ensure_future(scene.relay.run())
            if full:
                while not scene.wire.full:
                    await asyncio.sleep(0)
            else:
                while len(scene.caller.body) < 40_000:
                    await scene.caller.read()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert not scene.wire.joined
            release.set()
            whole = await drain(scene.answer, scene.x.meter.feed, max_s=30.0, max_bytes=1 << 24)
            return whole, scene.x.meter.finished, scene.x.meter.text_bytes

    assert loops.run(main()) == (True, True, len("".join(WORDS * 400)))


@pytest.mark.parametrize("way", WAYS)
def test_a_cancellation_of_our_own_goes_on_to_the_handler(way):
    async def main():
        async with piped(way, [EVENTS + chunk(HALF), stall]) as scene:
            scene.x.stop = object()
            running = asyncio.ensure_future(scene.relay.run())
            await scene.caller.read()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await scene.wire.write(b"last words")
            return (await scene.caller.read())[-10:]

    assert loops.run(main()) == b"last words"


# money


class Purse:
    """Pays for so many bytes of text, `more` at a time, where somebody waits for it."""

    def __init__(self, meter, more, most):
        self.meter = meter
        self.more = more
        self.most = most
        self.bought = 0
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    def paid(self, _x):
        return self.meter().text_bytes <= self.bought

    async def pay_for(self, x):
        self.asked += 1
        await self.gate.wait()
        await asyncio.sleep(0)
        while not self.paid(x):
            if self.bought + self.more > self.most:
                return False
            self.bought += self.more
        return True


def bought(way, most, script, **how):
    async def main():
        purse = Purse(lambda: scene.x.meter, 50, most)
        async with piped(way, script, scales=purse, **how) as scene:
            outcome, body = await relayed(scene)
            return outcome, body, purse.bought, scene.x.meter.text_bytes

    return loops.run(main())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("most", [0, 60, 100])
@pytest.mark.parametrize("script", ["whole", "by events", "by bytes", "an ending that was not announced"])
def test_a_stream_that_pays_as_it_goes_ends_where_its_money_does(way, most, script):
    outcome, body, paid, counted = bought(way, most, SCRIPTS[script])
    assert outcome is Outcome.BUDGET_ENDED
    assert body.endswith(b"data: [DONE]\n\n")
    assert b'"finish_reason":"length"' in body
    sent = body[: body.rindex(b"data: {")]
    assert STREAM.startswith(sent)
    assert paid == most // 50 * 50 < counted


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("by events", Outcome.COMPLETE),
        ("an error event", Outcome.UPSTREAM_CUT),
        ("an endless event", Outcome.UPSTREAM_CUT),
        ("cut in an event", Outcome.UPSTREAM_CUT),
        ("ended without its ending", Outcome.UPSTREAM_CUT),
    ],
)
def test_a_stream_that_is_paid_for_ends_like_any_other(way, script, outcome):
    paying = bought(way, 10_000, SCRIPTS[script])
    assert paying[:2] == run(way, SCRIPTS[script])[:2]
    assert paying[0] is outcome


@pytest.mark.parametrize("way", WAYS)
def test_a_large_piece_is_paid_for_a_little_at_a_time(way):
    many = transcripts.chat(WORDS * 100, with_usage=True)
    outcome, _, paid, counted = bought(way, 1000, [EVENTS + chunk(many) + END])
    assert (outcome, paid) == (Outcome.BUDGET_ENDED, 1000)
    assert counted < 1500, "far less than the text of the piece"


@pytest.mark.parametrize("way", WAYS)
def test_the_upstream_waits_while_a_top_up_is_under_way(way):
    async def main():
        purse = Purse(lambda: scene.x.meter, 10_000, 100_000)
        async with piped(way, [EVENTS, chunk(HALF), stall, chunk(STREAM[len(HALF) :]) + END], scales=purse) as scene:
            purse.gate.clear()
            running = asyncio.ensure_future(relayed(scene))
            while not purse.asked:
                await asyncio.sleep(0)
            counted = scene.x.meter.text_bytes
            scene.upstream.release()
            for _ in range(100):
                await asyncio.sleep(0)
                if scene.wire.joined:
                    scene.wire._turned()  # that the caller has room again changes nothing
            assert (scene.x.meter.text_bytes, scene.caller.body) == (counted, b"")
            purse.gate.set()
            return await running

    assert loops.run(main()) == (Outcome.COMPLETE, STREAM)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("begun", [False, True])
def test_whoever_leaves_while_a_top_up_is_under_way_pays_for_all_that_came(way, begun):
    many = transcripts.chat(WORDS * 100, with_usage=True)

    async def main():
        purse = Purse(lambda: scene.x.meter, 50, 100_000)
        async with piped(way, [EVENTS, stall, chunk(many) + END], scales=purse) as scene:
            purse.gate.clear()
            running = asyncio.ensure_future(scene.relay.run())
            await asyncio.sleep(0)
            scene.upstream.release()
            while not (purse.asked if begun or way == "pumped" else scene.relay._unpaid):
                await asyncio.sleep(0)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await drain(scene.answer, scene.x.meter.feed, max_s=30.0, max_bytes=1 << 24)
            return scene.x.meter.finished, scene.x.meter.text_bytes

    assert loops.run(main()) == (True, len("".join(WORDS * 100)))
