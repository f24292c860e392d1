"""What every Transport must do, on real sockets against literal bytes."""

import asyncio
import json

import pytest

from gateway.upstreams import TRANSPORTS
from gateway.upstreams.base import Call, UpstreamFailed
from gateway.upstreams.settings import Timeouts, UpstreamSettings
from tests.support import loops
from tests.support.loops import every_loop  # noqa: F401 - each test runs on each loop
from tests.support.upstream import EARLY, EVENTS, ScriptedUpstream, answer, chunk, close, cut, ok, stall, wait

pytestmark = pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)


def call(body=b'{"model":"m"}', *, stream=False, path="/v1/chat/completions", **headers):
    return Call(
        "POST", path, {"content-type": "application/json", "authorization": "Bearer sk-up", **headers}, body, stream
    )


def settings(url, **changes):
    timeouts = changes.pop("timeouts", {})
    return UpstreamSettings("up", "generic", url, frozenset({"chat"}), timeouts=Timeouts(**timeouts), **changes)


def run(make, scripts, body, **changes):
    """`body(transport, upstream)` in a loop of its own; nothing may be left when it returns."""

    async def main():
        async with ScriptedUpstream(*scripts) as upstream:
            transport = make(settings(upstream.url, **changes))
            try:
                return await body(transport, upstream)
            finally:
                await transport.close()
                upstream.release()
                await upstream.until(lambda: all(peer.ended.is_set() for peer in upstream.peers))

    return loops.run(main())


async def fetch(transport, request=None):
    reply = await transport.send(request or call())
    body = await reply.read()
    reply.finish()
    return reply.status, body


def failure(make, scripts, request=None, **changes):
    """The failure that a script ends in, whether at the head or in the body."""

    async def attempt(transport):
        reply = await transport.send(request or call())
        try:
            return await reply.read()
        finally:
            reply.abort()

    async def body(transport, _upstream):
        with pytest.raises(UpstreamFailed) as caught:
            await attempt(transport)
        return caught.value

    return run(make, scripts, body, **changes)


def test_sends_exactly_the_call_and_nothing_of_its_own(make):
    async def body(transport, upstream):
        assert await fetch(transport, call(b"[1]", accept="application/json")) == (200, b'{"a":1}')
        return upstream

    upstream = run(make, [ok(b'{"a":1}')], body)
    ((head, sent),) = upstream.requests
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /v1/chat/completions HTTP/1.1"
    names = sorted(line.partition(b":")[0].lower() for line in lines[1:-2])
    expected = [b"accept", b"accept-encoding", b"authorization", b"content-length", b"content-type", b"host"]
    assert names == expected
    assert b"accept-encoding: identity" in head.lower()
    assert sent == b"[1]"


@pytest.mark.parametrize(
    ("suffix", "path"), [("", b"/v1/x"), ("/v1", b"/v1/x"), ("/v1/", b"/v1/x"), ("/openai/v1", b"/openai/v1/x")]
)
def test_base_urls_with_and_without_version(make, suffix, path):
    async def main():
        async with ScriptedUpstream(ok()) as upstream:
            transport = make(settings(upstream.url + suffix))
            await fetch(transport, call(path="/v1/x"))
            await transport.close()
            return upstream.requests[0][0].split(b" ")[1]

    assert loops.run(main()) == path


def test_a_finished_connection_is_reused(make):
    async def body(transport, upstream):
        for _ in range(3):
            assert await fetch(transport) == (200, b"{}")
        return len(upstream.peers)

    assert run(make, [ok()], body) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 404, 429, 500, 503])
def test_other_statuses_are_answers_and_end_the_connection(make, status):
    async def body(transport, upstream):
        first = await fetch(transport)
        second = await fetch(transport)
        return first, second, len(upstream.peers)

    scripts = [answer(status, b'{"e":1}', head=b"Location: http://127.0.0.1:1/\r\n"), ok()]
    assert run(make, scripts, body) == ((status, b'{"e":1}'), (200, b"{}"), 2)


@pytest.mark.parametrize(
    "change",
    [(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), (b"HTTP/1.1", b"HTTP/1.0")],
    ids=["close", "1.0"],
)
def test_a_connection_that_the_upstream_will_not_keep_is_not_reused(make, change):
    async def body(transport, upstream):
        first = await fetch(transport)
        return first, await fetch(transport), len(upstream.peers)

    whole = b"".join(ok(b"1")).replace(*change, 1)
    assert run(make, [[whole], ok(b"2")], body) == ((200, b"1"), (200, b"2"), 2)


def test_cookies_do_not_come_back(make):
    async def body(transport, upstream):
        await fetch(transport)
        await fetch(transport)
        return upstream.requests[1][0]

    head = run(make, [ok(head=b"Set-Cookie: tenant=a; Path=/\r\n")], body)
    assert b"cookie" not in head.lower()


def test_a_proxy_of_the_environment_is_ignored(make, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    assert run(make, [ok()], lambda transport, _: fetch(transport)) == (200, b"{}")


def test_the_first_chunk_is_delivered_while_the_rest_is_not_there(make):
    async def body(transport, upstream):
        reply = await transport.send(call(stream=True))
        chunks = reply.chunks()
        first = await anext(chunks)
        upstream.release()
        rest = b"".join([part async for part in chunks])
        reply.finish()
        return first, rest

    script = [EVENTS, chunk(b"data: 1\n\n"), stall, chunk(b"data: 2\n\n"), b"0\r\n\r\n"]
    assert run(make, [script], body) == (b"data: 1\n\n", b"data: 2\n\n")


def test_an_interrupted_reader_loses_nothing(make):
    async def body(transport, upstream):
        reply = await transport.send(call(stream=True))
        got = [await anext(reply.chunks())]
        reading = asyncio.ensure_future(anext(reply.chunks()))
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        upstream.release()
        got += [part async for part in reply.chunks()]
        reply.finish()
        return b"".join(got)

    script = [EVENTS, chunk(b"one "), stall, chunk(b"two"), b"0\r\n\r\n"]
    assert run(make, [script], body) == b"one two"


def test_abort_closes_at_once_and_never_reuses(make):
    async def body(transport, upstream):
        reply = await transport.send(call(stream=True))
        await anext(reply.chunks())
        reply.abort()
        await upstream.peers[0].more()  # wakes only when the connection ends
        upstream.release()
        return await fetch(transport), len(upstream.peers)

    script = [EVENTS, chunk(b"data: 1\n\n"), stall]
    assert run(make, [script, ok()], body) == ((200, b"{}"), 2)


def test_finish_with_unread_bytes_is_an_abort(make):
    async def body(transport, upstream):
        reply = await transport.send(call())
        reply.finish()
        reply.finish()
        reply.abort()
        return await fetch(transport), len(upstream.peers)

    assert run(make, [ok(b"{}" * 10)], body)[1] == 2


def test_cancelling_before_the_head_closes_the_connection(make):
    async def body(transport, upstream):
        sending = asyncio.ensure_future(transport.send(call()))
        await upstream.until(lambda: upstream.requests)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await upstream.peers[0].more()
        return len(upstream.peers)

    assert run(make, [[stall]], body) == 1


@pytest.mark.parametrize("size", [0, 1, 100_000, 700_000, 3_000_000])
def test_bodies_of_every_size_arrive_whole(make, size):
    async def body(transport, upstream):
        await fetch(transport, call(b"x" * size))
        await fetch(transport, call(b"y" * size))
        return upstream.requests, len(upstream.peers)

    requests, connections = run(make, [ok()], body)
    assert [sent for _, sent in requests] == [b"x" * size, b"y" * size]
    assert all(f"content-length: {size}".encode() in head.lower() for head, _ in requests)
    assert connections == 1


def test_no_listener_is_a_connect_failure_before_anything_was_sent(make):
    async def main():
        async with ScriptedUpstream(ok()) as upstream:
            url = upstream.url
        transport = make(settings(url))
        with pytest.raises(UpstreamFailed) as caught:
            await transport.send(call())
        await transport.close()
        return caught.value

    failed = loops.run(main())
    assert (failed.phase, failed.sent, failed.timeout) == ("connect", False, False)
    assert "127.0.0.1" not in str(failed)
    assert failed.__cause__ is None


def test_tls_against_an_untrusted_server_is_a_connect_failure(make):
    async def main():
        async with ScriptedUpstream(ok()) as upstream:  # speaks no TLS at all
            transport = make(settings(upstream.url.replace("http:", "https:"), timeouts={"connect_s": 1.0}))
            with pytest.raises(UpstreamFailed) as caught:
                await transport.send(call())
            await transport.close()
            return caught.value, upstream.requests

    failed, requests = loops.run(main())
    assert (failed.phase, failed.sent) == ("connect", False)
    assert requests == []


def test_no_head_in_time_is_a_first_byte_timeout(make):
    failed = failure(make, [[stall]], timeouts={"first_byte_s": 0.05})
    assert (failed.phase, failed.timeout, failed.sent) == ("first_byte", True, True)


def test_an_upstream_that_never_reads_does_not_hang_us(make):
    async def read_no_more(peer):
        peer.writer.transport.pause_reading()
        await stall(peer)
        peer.writer.transport.resume_reading()

    failed = failure(make, [[EARLY, read_no_more]], call(b"x" * 20_000_000), timeouts={"first_byte_s": 0.1})
    assert (failed.phase, failed.timeout) == ("first_byte", True)


def test_a_pause_in_the_body_is_a_timeout(make):
    script = [EVENTS, chunk(b"data: 1\n\n"), stall]
    failed = failure(make, [script], call(stream=True), timeouts={"between_bytes_s": 0.05})
    assert (failed.phase, failed.timeout) == ("body", True)
    assert "between-bytes timeout" in str(failed)


def test_an_endless_trickle_meets_the_total_timeout(make):
    async def drip(peer):
        while not peer.writer.is_closing():
            await peer.send(chunk(b": x\n\n"))
            await asyncio.sleep(0)

    failed = failure(make, [[EVENTS, drip]], call(stream=True), timeouts={"between_bytes_s": 5.0, "total_s": 0.3})
    assert (failed.phase, failed.timeout) == ("body", True)
    assert "total timeout" in str(failed)


def test_a_response_over_its_bound_is_refused(make):
    failed = failure(make, [ok(b"x" * 5000)], max_response_bytes=4096)
    assert (failed.phase, failed.timeout) == ("body", False)
    assert (
        run(make, [ok(b"x" * 4096)], lambda transport, _: fetch(transport), max_response_bytes=4096)[1] == b"x" * 4096
    )


def test_streams_have_a_bound_of_their_own(make):
    script = [EVENTS, *[chunk(b"x" * 1000)] * 5, b"0\r\n\r\n"]
    failed = failure(make, [script], call(stream=True), max_stream_bytes=4096, max_response_bytes=1)
    assert failed.phase == "body"


def test_a_stream_that_was_asked_for_and_comes_in_one_piece_has_the_smaller_bound(make):
    failed = failure(make, [ok(b"x" * 5000)], call(stream=True), max_response_bytes=4096)
    assert failed.phase == "body"


def test_a_cut_body_is_never_a_short_answer(make):
    for script in ([EVENTS, chunk(b"data: 1\n\n"), close], [EVENTS, chunk(b"data: 1\n\n"), cut]):
        failed = failure(make, [script], call(stream=True))
        assert (failed.phase, failed.timeout, failed.sent) == ("body", False, True)


def test_an_idle_connection_that_died_is_replaced_without_a_word(make):
    async def body(transport, upstream):
        await fetch(transport)
        await upstream.peers[0].ended.wait()
        return await fetch(transport), len(upstream.peers)

    assert run(make, [[*ok(), close], ok()], body) == ((200, b"{}"), 2)


def test_a_reused_connection_that_dies_without_a_byte_is_stale(make):
    async def body(transport, upstream):
        await fetch(transport)
        with pytest.raises(UpstreamFailed) as caught:
            await fetch(transport)
        return caught.value

    for end in (close, cut):
        failed = run(make, [ok(), [end]], body)
        assert (failed.phase, failed.sent, failed.stale) == ("first_byte", True, True)


def test_death_after_a_byte_or_on_a_fresh_connection_is_not_stale(make):
    async def second(transport, _upstream):
        await fetch(transport)
        with pytest.raises(UpstreamFailed) as caught:
            await fetch(transport)
        return caught.value

    assert not run(make, [ok(), [b"HTTP/1.1 2", close]], second).stale
    assert not failure(make, [[close]]).stale


def test_a_post_is_sent_once_whatever_happens(make):
    async def body(transport, upstream):
        await fetch(transport)
        with pytest.raises(UpstreamFailed):
            await fetch(transport)
        return len(upstream.requests)

    assert run(make, [ok(), [close], ok()], body) == 2


def test_no_more_connections_than_allowed(make):
    async def body(transport, upstream):
        held = [await transport.send(call()) for _ in range(2)]
        with pytest.raises(UpstreamFailed) as caught:
            await transport.send(call())
        for reply in held:
            await reply.read()
            reply.finish()
        return caught.value, len(upstream.peers)

    failed, connections = run(make, [ok()], body, max_connections=2, timeouts={"connect_s": 0.3})
    assert (failed.phase, failed.sent, connections) == ("connect", False, 2)


def test_header_names_are_lower_case(make):
    async def body(transport, _upstream):
        reply = await transport.send(call())
        reply.abort()
        return dict(reply.headers)

    headers = run(make, [ok(head=b"X-Request-ID: abc\r\n")], body)
    assert headers["x-request-id"] == "abc"
    assert json.dumps(headers)


def test_two_calls_run_side_by_side(make):
    async def main():
        gate = asyncio.Event()
        async with ScriptedUpstream([wait(gate), *ok(b"1")], ok(b"2")) as upstream:
            transport = make(settings(upstream.url))
            slow = asyncio.ensure_future(fetch(transport))
            await upstream.until(lambda: upstream.requests)
            fast = await fetch(transport)
            gate.set()
            result = await slow, fast
            await transport.close()
            return result

    assert loops.run(main()) == ((200, b"1"), (200, b"2"))
