"""An upstream that lies about framing, floods, or says more than it was asked. Nobody hangs, nobody hears another.

Every reply carries tenant A's canary. After it, tenant B asks on the same transport: B must get B's own answer,
on a connection that A's never was.
"""

import asyncio
import gc
import gzip
import os
import random
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.upstreams import TRANSPORTS
from gateway.upstreams.aiohttp_transport import AiohttpAnswer
from gateway.upstreams.base import Call, UpstreamFailed
from gateway.upstreams.pool.answer import PoolAnswer
from gateway.upstreams.pool.body import Body
from gateway.upstreams.pool.reading import Reading
from gateway.upstreams.settings import Timeouts, UpstreamSettings
from tests.support import loops
from tests.support.loops import every_loop  # noqa: F401 - each test runs on each loop
from tests.support.upstream import EARLY, EVENTS, ScriptedUpstream, chunk, close, cut, ok, stall, trickle

pytestmark = pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)

A = b'{"for":"CANARY-A"}'
B = b'{"for":"CANARY-B"}'
DESCRIPTORS = Path("/proc/self/fd")
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(A)
WHOLE = OK + LENGTH + b"\r\n" + A
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SECOND = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(A), A)

REFUSED = {
    "length and chunked": OK + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(A) + b"0\r\n\r\n",
    "chunked and length": OK + b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + chunk(A) + b"0\r\n\r\n",
    "two status lines": b"HTTP/1.1 200 OK\r\n" + WHOLE,
    "interim flood": b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + WHOLE,
    "early hints flood": b"HTTP/1.1 103 Early\r\nLink: </x>\r\n\r\n" * 2000 + WHOLE,
    "switching protocols": b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n" + A,
    "null in value": OK + b"X-A: a\x00b\r\n" + LENGTH + b"\r\n" + A,
    "carriage return in value": OK + b"X-A: a\rContent-Length: 2\r\n" + LENGTH + b"\r\n" + A,
    "control in value": OK + b"X-A: a\x1b[31m\r\n" + LENGTH + b"\r\n" + A,
    "huge reason": b"HTTP/1.1 200 " + b"x" * 5000 + b"\r\n" + LENGTH + b"\r\n" + A,
    "neither length nor chunks": OK + b"\r\n" + A,
    "length twice": OK + LENGTH + LENGTH + b"\r\n" + A,
    "lengths that differ": OK + LENGTH + b"Content-Length: 2\r\n\r\n" + A,
    "length list": OK + b"Content-Length: 18, 18\r\n\r\n" + A,
    "length negative": OK + b"Content-Length: -1\r\n\r\n" + A,
    "length signed": OK + b"Content-Length: +18\r\n\r\n" + A,
    "length hex": OK + b"Content-Length: 0x12\r\n\r\n" + A,
    "length in Arabic digits": OK + "Content-Length: ١٨\r\n\r\n".encode() + A,
    "length overflow": OK + b"Content-Length: 18446744073709551634\r\n\r\n" + A,
    "length of thousands of digits": OK + b"Content-Length: " + b"0" * 5000 + b"18\r\n\r\n" + A,
    "length empty": OK + b"Content-Length: \r\n\r\n" + A,
    "coding unknown": OK + b"Transfer-Encoding: xchunked\r\n\r\n" + chunk(A) + b"0\r\n\r\n",
    "coding gzip, chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunk(A) + b"0\r\n\r\n",
    "coding twice": OK + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n" + chunk(A) + b"0\r\n\r\n",
    "coding with comma": OK + b"Transfer-Encoding: chunked,\r\n\r\n" + chunk(A) + b"0\r\n\r\n",
    "coding in 1.0": CHUNKED.replace(b"1.1", b"1.0") + chunk(A) + b"0\r\n\r\n",
    "ten thousand headers": OK + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + LENGTH + b"\r\n" + A,
    "header of a megabyte": OK + b"X-A: " + b"y" * 1_000_000 + b"\r\n" + LENGTH + b"\r\n" + A,
    "name of 100 kB": OK + b"X" * 100_000 + b": y\r\n" + LENGTH + b"\r\n" + A,
    "endless head": OK + b"X-A: y" * 200_000,
    "space before colon": OK + b"Content-Length : 18\r\n\r\n" + A,
    "line without colon": OK + b"Nonsense\r\n" + LENGTH + b"\r\n" + A,
    "name with a control": OK + b"X\x01A: y\r\n" + LENGTH + b"\r\n" + A,
    "gzip": OK
    + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(A, mtime=0))
    + gzip.compress(A),
    "encoding twice": OK + b"Content-Encoding: identity\r\n" * 2 + LENGTH + b"\r\n" + A,
    "no head at all": A,
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x12\x04" + A,
    "an HTTP/3 status line": WHOLE.replace(b"HTTP/1.1", b"HTTP/3.0"),
    "a TLS alert": b"\x15\x03\x03\x00\x02\x02\x28" + A,
    "random bytes": b"\x8f\x01\xfe" * 400 + A,
    "status of letters": WHOLE.replace(b"200", b"2OO"),
    "status 999": WHOLE.replace(b"200", b"999"),
    "status of four digits": WHOLE.replace(b"200", b"2000"),
    "half a status line": b"HTTP/1.1 2",
    "nothing": b"",
    "chunk size of letters": CHUNKED + b"zz\r\n" + A + b"\r\n0\r\n\r\n",
    "chunk size negative": CHUNKED + b"-12\r\n" + A + b"\r\n0\r\n\r\n",
    "chunk size with 0x": CHUNKED + b"0x12\r\n" + A + b"\r\n0\r\n\r\n",
    "chunk size overflow": CHUNKED + b"ffffffffffffffff1\r\n" + A + b"\r\n0\r\n\r\n",
    "chunk without end": CHUNKED + b"12\r\n" + A + b"0\r\n\r\n",
    "second chunk broken": CHUNKED + chunk(A) + b"nonsense\r\n",
    "chunks never end": CHUNKED + chunk(A),
    "length too long": OK + b"Content-Length: 1800\r\n\r\n" + A,
    "trailers never end": CHUNKED + chunk(A) + b"0\r\n" + b"X-T: y\r\n" * 50_000,
    "extension never ends": CHUNKED + b"12;" + b"x" * 2_000_000,
}

UNDECIDED = {"nothing", "half a status line", "chunks never end", "length too long", "extension never ends"}
"""Only the end of the connection, or a timer, can tell about these."""


def sockets():
    """Open ones of this process; a descriptor may be gone between the listing and the look."""
    found = 0
    for descriptor in DESCRIPTORS.iterdir():
        with suppress(FileNotFoundError):
            found += str(descriptor.readlink()).startswith("socket:")
    return found


def run(make, body, *scripts, **changes):
    """Run `body(transport, upstream)`; then no task, no socket may be left."""

    async def main():
        before = sockets()
        async with ScriptedUpstream(*scripts) as upstream:
            limits = Timeouts(connect_s=1.0, first_byte_s=1.0, between_bytes_s=1.0, total_s=5.0)
            settings = UpstreamSettings(
                "up", "generic", upstream.url, frozenset({"chat"}), **{"timeouts": limits, **changes}
            )
            transport = make(settings)
            try:
                return await body(transport, upstream)
            finally:
                upstream.release()
                await transport.close()
                await upstream.until(lambda: all(peer.ended.is_set() for peer in upstream.peers))
                others = asyncio.all_tasks() - {asyncio.current_task()} - upstream._tasks
                assert not others
                await upstream.__aexit__()
                assert sockets() == before

    return loops.run(main())


async def ask(transport, tenant=b"A", *, stream=False):
    headers = {"content-type": "application/json", "x-request-id": tenant.decode()}
    reply = await transport.send(Call("POST", "/v1/chat/completions", headers, b'{"tenant":"%s"}' % tenant, stream))
    try:
        body = await reply.read()
    except BaseException:
        reply.abort()
        raise
    reply.finish()
    return body


async def refused(transport):
    with pytest.raises(UpstreamFailed) as caught:
        await ask(transport)
    assert "CANARY" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("reply", REFUSED.values(), ids=REFUSED)
def test_a_doubtful_reply_is_refused_and_its_connection_dies(make, reply):
    async def body(transport, upstream):
        failed = await asyncio.wait_for(refused(transport), 4)
        assert not failed.timeout
        assert await ask(transport, b"B") == B
        assert len(upstream.peers) == 2

    run(make, body, [reply, close], ok(B))


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in UNDECIDED])
def test_a_doubtful_reply_is_refused_without_waiting_for_its_end(make, name):
    async def body(transport, upstream):
        failed = await refused(transport)
        assert not failed.timeout
        assert await ask(transport, b"B") == B
        assert len(upstream.peers) == 2

    run(make, body, [REFUSED[name], stall], ok(B))


@pytest.mark.parametrize("held_back", [0, 1, 2], ids=["chunk", "chunk and half its end", "chunk without end"])
def test_a_stream_that_turns_to_garbage_fails_the_waiting_reader(make, held_back):
    begun = CHUNKED + chunk(A)
    begun, rest = begun[: len(begun) - held_back], begun[len(begun) - held_back :]

    async def garbage(peer):
        await peer.upstream.released.wait()
        await peer.send(rest + b"nonsense\r\n")
        await peer.more()

    async def body(transport, upstream):
        reply = await transport.send(Call("POST", "/v1/x", {}, b"{}", stream=True))
        assert await anext(reply.chunks()) == A
        waiting = asyncio.ensure_future(anext(reply.chunks()))
        await asyncio.sleep(0)
        upstream.release()
        with pytest.raises(UpstreamFailed) as caught:
            await waiting
        reply.abort()
        return caught.value

    assert not run(make, body, [begun, garbage]).timeout


@pytest.mark.parametrize("cut", [1, 5, 17, 40, 60, 80, len(WHOLE) - 1])
def test_a_reply_that_stops_anywhere_is_a_timeout_and_its_connection_dies(make, cut):
    async def body(transport, upstream):
        failed = await refused(transport)
        assert failed.timeout
        assert await ask(transport, b"B") == B
        assert len(upstream.peers) == 2

    limits = Timeouts(connect_s=1.0, first_byte_s=0.2, between_bytes_s=0.2, total_s=5.0)
    run(make, body, [WHOLE[:cut], stall], ok(B), timeouts=limits)


@pytest.mark.parametrize("reply", [WHOLE, CHUNKED + chunk(A) + b"0\r\n\r\n"], ids=["length", "chunks"])
@pytest.mark.parametrize("extra", [SECOND, b"\r\n" + SECOND, b"x", A], ids=["response", "blank", "byte", "text"])
def test_bytes_after_the_reply_reach_nobody(make, extra, reply):
    """Whether they come in the same write or while the connection idles."""

    async def late(peer):
        await peer.upstream.released.wait()
        await peer.send(extra)

    async def together(transport, upstream):
        with suppress(UpstreamFailed):  # garbage right behind the reply may cost A its answer
            assert await ask(transport) == A
        assert await ask(transport, b"B") == B
        assert len(upstream.peers) == 2

    async def idle(transport, upstream):
        assert await ask(transport) == A
        upstream.release()
        await upstream.peers[0].ended.wait()
        assert await ask(transport, b"B") == B
        assert len(upstream.peers) == 2

    run(make, together, [reply + extra], ok(B))
    run(make, idle, [reply, late], ok(B))


@pytest.mark.parametrize("reply", [WHOLE, CHUNKED + chunk(A) + b"0\r\n\r\n"], ids=["length", "chunks"])
@pytest.mark.parametrize("extra", [b"\r\n", b"\n", b"\r"])
def test_the_pool_takes_no_empty_line_for_nothing(make, extra, reply):
    """llhttp passes over line ends between messages, and so does aiohttp's client."""
    if make is not TRANSPORTS["pool"]:
        return

    async def body(transport, upstream):
        assert await ask(transport) == A
        assert await ask(transport, b"B") == B
        assert len(upstream.peers) == 2

    run(make, body, [reply + extra], ok(B))


REFUSED_BY_THE_POOL = {
    "folded line": OK + b"X-A: a\r\n b\r\n" + LENGTH + b"\r\n" + A,
    "folded with a tab": OK + b"X-A: a\r\n\tContent-Length: 2\r\n" + LENGTH + b"\r\n" + A,
    "a lone line feed": OK + b"X-A: a\nX-B: b\r\n" + LENGTH + b"\r\n" + A,
    "a line feed before the end": OK + LENGTH + b"\n\r\n" + A,
    "space after the chunk size": CHUNKED + b"%x \r\n%s\r\n0\r\n\r\n" % (len(A), A),
    "a line feed after the chunk size": CHUNKED + b"%x\n%s\r\n0\r\n\r\n" % (len(A), A),
    "a line feed after the chunk": CHUNKED + b"%x\r\n%s\n0\r\n\r\n" % (len(A), A),
    "empty line before the status": b"\r\n" + WHOLE,
    "interim with a null": b"HTTP/1.1 103 Early\r\nLink: \0\r\n\r\n" + WHOLE,
    "a head of 100 lines of a kilobyte": OK
    + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(100))
    + LENGTH
    + b"\r\n"
    + A,
}


@pytest.mark.parametrize("reply", REFUSED_BY_THE_POOL.values(), ids=REFUSED_BY_THE_POOL)
def test_the_pool_refuses_what_is_only_almost_http(make, reply):
    """aiohttp's client reads responses leniently. Its answers are right, but two readers could differ on them."""
    if make is not TRANSPORTS["pool"]:
        return

    async def body(transport, upstream):
        failed = await refused(transport)
        assert not failed.timeout
        assert await ask(transport, b"B") == B
        assert len(upstream.peers) == 2

    run(make, body, [reply, stall], ok(B))


def test_bytes_that_wait_in_the_kernel_reach_nobody(make):
    """The next request comes before the loop has looked at the idle connection."""

    async def body(transport, upstream):
        assert await ask(transport) == A
        # Straight into the socket, and no turn of the loop before the next request.
        os.write(upstream.peers[0].writer.get_extra_info("socket").fileno(), SECOND)
        assert await ask(transport, b"B") == B
        assert len(upstream.peers) == 2

    run(make, body, [WHOLE], ok(B))


@pytest.mark.parametrize("status", [b"200", b"413"])
def test_a_reply_before_the_request_was_read_ends_the_connection(make, status):
    async def stop_reading(peer):
        peer.writer.transport.pause_reading()

    async def resume(peer):
        peer.writer.transport.resume_reading()

    async def body(transport, upstream):
        call = Call("POST", "/v1/chat/completions", {}, b"x" * 30_000_000, stream=False)
        reply = await transport.send(call)
        assert await reply.read() == A
        reply.finish()
        upstream.release()
        assert await ask(transport, b"B") == B
        assert len(upstream.peers) == 2

    early = [EARLY, stop_reading, WHOLE.replace(b"200", status), stall, resume]
    run(make, body, early, ok(B))


def test_interleaved_tenants_never_hear_each_other(make):
    """Good and hostile replies in turn; every answer that counts as one is the asker's own."""
    hostile = [REFUSED[name] for name in ("length and chunked", "length too long", "second chunk broken", "gzip")]

    async def echo(peer):
        tenant = peer.requests[-1][0].partition(b"x-request-id: ")[2].partition(b"\r\n")[0]
        await peer.send(b"".join(ok(b'{"for":"%s"}' % tenant)))

    scripts = []
    for reply in hostile * 6:
        scripts += [[echo], [WHOLE + SECOND], [reply, close]]

    async def body(transport, _upstream):
        heard = {b"A": [], b"B": []}

        async def tenant(name):
            for _ in range(len(scripts) // 2):
                try:
                    heard[name].append(await ask(transport, name))
                except UpstreamFailed:
                    heard[name].append(None)

        await asyncio.gather(tenant(b"A"), tenant(b"B"))
        return heard

    heard = run(make, body, *scripts)
    for name, answers in heard.items():
        own = b'{"for":"%s"}' % name
        # A literal reply is what the upstream chose to say to this very request; an echo must be one's own.
        assert set(answers) <= {own, A, None}
        assert own in answers
        assert None in answers


def test_a_few_interim_heads_are_legal(make):
    async def body(transport, upstream):
        assert await ask(transport) == A
        assert await ask(transport) == A
        assert len(upstream.peers) == 1

    run(make, body, [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 8 + WHOLE])


@pytest.mark.parametrize(
    "script",
    [
        [trickle(WHOLE)],
        [trickle(CHUNKED + b"".join(chunk(A[n : n + 1]) for n in range(len(A))) + b"0\r\nX-T: y\r\n\r\n")],
    ],
)
def test_byte_by_byte_is_slow_but_right(make, script):
    async def body(transport, upstream):
        assert await ask(transport) == A
        assert await ask(transport) == A
        assert len(upstream.peers) == 1

    run(make, body, script)


def test_a_reader_that_stops_bounds_the_memory(make):
    """100 MB offered, nobody reads: the upstream is paused by TCP and our buffers stay small."""

    async def flood(peer):
        while not peer.writer.is_closing():
            await peer.send(chunk(b"x" * 65536))

    async def body(transport, upstream):
        call = Call("POST", "/v1/chat/completions", {}, b"{}", stream=True)
        reply = await transport.send(call)
        chunks = reply.chunks()
        await anext(chunks)
        tracemalloc.start()
        for _ in range(200):
            await asyncio.sleep(0)
        held = len(await anext(chunks)) + tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        reply.abort()
        return held

    assert run(make, body, [EVENTS, flood]) < 2 * 1024 * 1024


def test_a_hundred_aborts_leave_nothing(make):
    """The bookkeeping of `run` is the assertion: tasks, sockets and connections are all gone."""

    async def body(transport, upstream):
        async def one(number):
            reply = await transport.send(Call("POST", "/v1/x", {}, b"{}", stream=True))
            if number % 3:
                await anext(reply.chunks())
            reply.abort()

        asked = [asyncio.ensure_future(one(number)) for number in range(100)]
        for task in asked[::7]:
            task.cancel()
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(result is None for result in results) == 100 - len(asked[::7])

    run(make, body, [EVENTS, chunk(b"data: 1\n\n"), stall])


@pytest.mark.parametrize("turns", range(8))
@pytest.mark.parametrize("where", ["connect", "queue", "head", "body"])
def test_a_call_given_up_anywhere_leaves_its_place(make, where, turns):
    """With one connection allowed, the next call only succeeds if nothing of the last one is left."""

    async def give_up(task):
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with suppress(asyncio.CancelledError):
            await task

    async def body(transport, upstream):
        if where == "queue":
            held = await transport.send(Call("POST", "/v1/x", {}, b"{}", stream=True))
            await give_up(asyncio.ensure_future(ask(transport)))
            held.abort()
        else:
            asking = asyncio.ensure_future(ask(transport))
            if where in ("head", "body"):
                await upstream.until(lambda: upstream.requests)
            await give_up(asking)
        upstream.scripts = [ok(B)]
        assert await ask(transport, b"B") == B

    start = [EVENTS, chunk(b"data: 1\n\n"), stall] if where in ("queue", "body") else [stall]
    run(make, body, start, max_connections=1)


@pytest.mark.parametrize("turns", [0, 1, 3, 20])
def test_a_handshake_given_up_leaves_nothing(make, turns):
    async def main():
        before = sockets()
        async with ScriptedUpstream([stall]) as upstream:  # speaks no TLS, and never answers
            settings = UpstreamSettings("up", "generic", upstream.url.replace("http:", "https:"), frozenset({"chat"}))
            transport = make(settings)
            asking = asyncio.ensure_future(ask(transport))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await transport.close()
            for _ in range(1000):  # the server may still be accepting
                await asyncio.sleep(0)
            await upstream.until(lambda: all(peer.ended.is_set() for peer in upstream.peers))
            assert not asyncio.all_tasks() - {asyncio.current_task()} - upstream._tasks
        assert sockets() == before

    loops.run(main())


@pytest.mark.slow
def test_thousands_of_calls_with_random_ends_leave_nothing(make):
    """Read, broken off by us, by them, or cancelled: afterwards no object of an exchange is alive."""
    dice = random.Random(7)
    scripts = [ok(B), [EVENTS, chunk(A), b"0\r\n\r\n"], [EVENTS, chunk(A), close], [EVENTS, chunk(A), cut], [close]]

    async def body(transport, upstream):
        async def one():
            try:
                reply = await transport.send(Call("POST", "/v1/x", {}, b"{}", stream=True))
            except UpstreamFailed:
                return
            try:
                async for _ in reply.chunks():
                    if not dice.randrange(4):
                        break
            except UpstreamFailed:
                pass
            finally:
                if dice.randrange(2):
                    reply.finish()
                reply.abort()

        for _ in range(80):
            upstream.scripts = [dice.choice(scripts) for _ in range(5)]
            upstream._served = 0
            calls = [asyncio.ensure_future(one()) for _ in range(50)]
            for _ in range(dice.randrange(4)):
                await asyncio.sleep(0)
            for call in dice.sample(calls, 10):
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        await transport.close()
        del calls
        for _ in range(10):
            await asyncio.sleep(0)
        gc.collect()
        kinds = (Reading, Body, PoolAnswer, AiohttpAnswer)
        return [thing for thing in gc.get_objects() if isinstance(thing, kinds)]

    assert run(make, body, ok(B), max_connections=30) == []
