"""Clients that take their time: each is ended after its deadline, and nobody else notices.

The timers are short here, so that what takes a minute in operation takes a second. Every wait below is for something
that the gateway does by itself; a hang fails by the client's own time-out.
"""

import concurrent.futures
import resource
import threading
import time
from pathlib import Path

import pytest

from tests.support.rawhttp import CHAT, MESSAGES, Closed, Raw, RawAnswer, chat_body, error_of, request
from tests.support.recording import recording
from tests.support.running import running
from tests.support.upstream import EVENTS, chunk, ok

HEAD_S, BODY_S, KEEPALIVE_S, SLOW_READER_S = 0.6, 0.6, 2.4, 0.8
MARGIN_S = 1.5
"""How late a deadline may be noticed on a busy machine; less than what tells one deadline from another."""
RATE = 10_000
SETTINGS = {
    "timers": {
        "head_s": HEAD_S,
        "body_s": BODY_S,
        "body_min_rate": RATE,
        "keepalive_s": KEEPALIVE_S,
        "slow_reader_s": SLOW_READER_S,
        "drain_s": 1,
    },
    "limits": {"body_bytes": 1 << 20},
}
POLICY = """\
version: 1
id: tight
title: One at a time
status: stable
mode: enforce
owner: tests
description: One slot and a daily budget of output tokens, so that what is not given back is missed.
match: all
limits:
  slots: {unit: concurrent, per: account, amount: 1}
budgets:
  output: {unit: output_tokens, per: account, amount: 1000000000, period: day}
"""
PIECE = b'data: {"choices":[{"index":0,"delta":{"content":"' + b"x" * 8000 + b'"}}]}\n\n'
FLOOD_BYTES = 64 << 20


class Flood:
    """An upstream's endless stream: what it got rid of, and whether it was hung up on."""

    def __init__(self):
        self.sent = 0
        self.cut = threading.Event()

    async def __call__(self, peer):
        while self.sent < FLOOD_BYTES and not peer.writer.is_closing():
            await peer.send(chunk(PIECE))
            self.sent += len(PIECE)
        if self.sent < FLOOD_BYTES:
            self.cut.set()


@pytest.fixture(scope="module")
def upstream():
    with recording() as one:
        yield one


@pytest.fixture(scope="module")
def gateway(upstream, tmp_path_factory):
    with running(tmp_path_factory.mktemp("gateway"), upstream=upstream.url + "/v1", settings=SETTINGS) as one:
        yield one


@pytest.fixture
def connect(gateway):
    return lambda: Raw(gateway.gateway.data_port)


def good(gateway):
    """A good request by somebody else, and how long it took."""
    began = time.monotonic()
    with Raw(gateway.gateway.data_port) as raw:
        raw.send(request(CHAT, chat_body(), key=gateway.keys["globex"]))
        assert raw.answer().status == 200
    return time.monotonic() - began


def trickle(raw: Raw, data: bytes, pause_s: float, size: int = 1) -> RawAnswer | None:
    """Send `data` slowly until the peer answers or hangs up; the answer, or None."""
    stop = threading.Event()

    def send():
        for start in range(0, len(data), size):
            if stop.wait(pause_s) or not raw.send(data[start : start + size]):
                return

    sender = threading.Thread(target=send)
    sender.start()
    try:
        return raw.answer()
    except Closed:
        return None
    finally:
        stop.set()
        sender.join()


@pytest.mark.parametrize("pause_s", [0.02, 0.2])
def test_a_head_that_trickles_is_408_at_its_deadline(gateway, upstream, connect, pause_s):
    before = upstream.count()
    whole = request(CHAT, chat_body(), key=gateway.keys["acme"], headers=(b"X-Slow: " + b"z" * 4000,))
    began = time.monotonic()
    with connect() as raw:
        answer = trickle(raw, whole, pause_s)
        assert (answer.status, error_of(answer)["code"]) == (408, "request_timeout")
        assert raw.closed()
    assert HEAD_S * 0.9 < time.monotonic() - began < HEAD_S + MARGIN_S
    assert upstream.count() == before


def test_a_second_head_that_trickles_is_too(gateway, connect):
    with connect() as raw:
        whole = request(CHAT, chat_body(), key=gateway.keys["acme"])
        raw.send(whole)
        assert raw.answer().status == 200
        began = time.monotonic()
        assert trickle(raw, whole, 0.03).status == 408
    assert time.monotonic() - began < HEAD_S + MARGIN_S


def test_a_connection_that_says_nothing_is_closed(connect):
    began = time.monotonic()
    with connect() as raw:
        assert raw.closed()
    assert time.monotonic() - began < HEAD_S + MARGIN_S


def test_a_connection_that_stays_idle_after_an_answer_is_closed(gateway, connect):
    with connect() as raw:
        raw.send(request(CHAT, chat_body(), key=gateway.keys["acme"]))
        assert raw.answer().status == 200
        began = time.monotonic()
        assert raw.closed()
    assert KEEPALIVE_S * 0.9 < time.monotonic() - began < KEEPALIVE_S + MARGIN_S


@pytest.mark.parametrize(("path", "dialect"), [(CHAT, "openai"), (MESSAGES, "anthropic")])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_below_the_minimum_rate_is_408(gateway, upstream, connect, path, dialect, framing):
    before = upstream.count()
    body = chat_body("x" * 200_000)
    head = request(path, key=gateway.keys["acme"], length=False, headers=(b"Content-Type: application/json",))[:-2]
    if framing == "length":
        head += b"Content-Length: %d\r\n\r\n" % len(body)
        data = body
    else:
        head += b"Transfer-Encoding: chunked\r\n\r\n"
        data = b"".join(b"1\r\n%c\r\n" % byte for byte in body[:2000])
    began = time.monotonic()
    with connect() as raw:
        raw.send(head)
        answer = trickle(raw, data, 0.02, size=6)
    assert answer is not None
    assert (answer.status, error_of(answer, dialect)["code"]) == (408, "request_timeout")
    assert BODY_S * 0.9 < time.monotonic() - began < BODY_S + MARGIN_S
    assert upstream.count() == before


def test_a_body_that_stops_half_way_is_408(gateway, upstream, connect):
    before = upstream.count()
    whole = request(CHAT, chat_body("x" * 1000), key=gateway.keys["acme"])
    with connect() as raw:
        raw.send(whole[:-500])
        answer = raw.answer()
        assert (answer.status, error_of(answer)["code"]) == (408, "request_timeout")
        raw.half_close()
        assert raw.closed()
    assert upstream.count() == before


def test_a_body_above_the_minimum_rate_has_all_the_time_it_needs(gateway, connect):
    """Longer than the grace, faster than the rate."""
    body = chat_body("x" * 60_000)
    whole = request(CHAT, body, key=gateway.keys["acme"])
    began = time.monotonic()
    with connect() as raw:
        sent = threading.Thread(
            target=lambda: [(time.sleep(0.05), raw.send(whole[i : i + 2000])) for i in range(0, len(whole), 2000)]
        )
        sent.start()
        assert raw.answer().status == 200
        sent.join()
    assert time.monotonic() - began > BODY_S * 2


def test_a_hundred_slow_heads_and_bodies_leave_no_memory_held(gateway, upstream, connect):
    before = upstream.count()
    head = request(CHAT, key=gateway.keys["acme"], length=False, headers=(b"Content-Type: application/json",))[:-2]
    raws = []
    try:
        for index in range(100):
            raws.append(connect())
            raws[-1].send(head[:50] if index % 2 else head + b"Content-Length: 90000\r\n\r\n{")
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            found = list(pool.map(_status, raws))
    finally:
        for raw in raws:
            raw.__exit__()
    assert found == [408] * 100
    gateway.settled()
    assert gateway.gateway._data_plane._budget.used == 0
    assert upstream.count() == before


def _status(raw):
    try:
        return raw.answer().status
    except Closed:
        return None


def test_two_hundred_idle_sockets_disturb_nobody(gateway, connect):
    alone = min(good(gateway) for _ in range(5))
    raws = []
    try:
        for index in range(200):
            raws.append(connect())
            if index % 2:
                raws[-1].send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-A: ")
        crowded = min(good(gateway) for _ in range(5))
        assert [_status(raw) for raw in raws] == [408 if index % 2 else None for index in range(200)]
    finally:
        for raw in raws:
            raw.__exit__()
    assert crowded < alone * 5 + 0.1


def wait_for(condition):
    """Poll something that has no event to wait for."""
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def resident_kib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 10


@pytest.fixture(scope="module")
def flooded(tmp_path_factory):
    """A gateway in front of an upstream that floods, with one slot per account."""
    flood = Flood()
    with (
        recording([EVENTS, flood], ok(b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}')) as upstream,
        running(
            tmp_path_factory.mktemp("flooded"),
            upstream=upstream.url + "/v1",
            settings=SETTINGS,
            policies={"tight": POLICY},
        ) as gateway,
    ):
        yield gateway, flood


def test_a_caller_that_never_reads_a_large_stream_is_cut_off(flooded):
    gateway, flood = flooded
    acme = gateway.keys["acme"]
    most = [resident_kib()]
    with Raw(gateway.gateway.data_port, receive_buffer=4096) as raw:
        raw.send(request(CHAT, chat_body(stream=True), key=acme))
        wait_for(lambda: flood.sent)
        with Raw(gateway.gateway.data_port) as second:
            second.send(request(CHAT, chat_body(), key=acme))
            assert error_of(second.answer())["code"] == "concurrency_limit_exceeded"
        wait_for(lambda: most.append(resident_kib()) or flood.cut.is_set())
        gateway.settled()
        wait_for(lambda: not _held(gateway))
        wait_for(lambda: _connections(gateway) == 0)
    assert flood.sent < FLOOD_BYTES / 4, "nobody read it, so nobody should have fetched it"
    assert max(most) - most[0] < 16 << 10
    record = next(one for one in gateway.records() if one.stream)
    assert record.reason == "request_timeout"
    assert record.usage.output_tokens > 0
    assert record.usage.estimated
    with Raw(gateway.gateway.data_port) as raw:
        raw.send(request(CHAT, chat_body(), key=acme))
        assert raw.answer().status == 200, "the slot was not given back"


def _held(gateway):
    return gateway.call(gateway.runtime.store.held())


def _connections(gateway):
    return gateway.gateway.connections


def test_a_caller_that_never_reads_a_large_answer_is_cut_off(tmp_path):
    """The exchange is over, but the answer would stay in memory for as long as the caller likes."""
    whole = ok(b'{"x":"' + b"y" * (16 << 20) + b'"}')
    with recording(whole) as upstream, running(tmp_path, upstream=upstream.url + "/v1", settings=SETTINGS) as gateway:
        with Raw(gateway.gateway.data_port, receive_buffer=4096) as raw:
            raw.send(request(CHAT, chat_body(), key=gateway.keys["acme"]))
            wait_for(lambda: upstream.count() == 1)
            gateway.settled()
            assert _connections(gateway) == 1
            wait_for(lambda: _connections(gateway) == 0)
        with Raw(gateway.gateway.data_port) as raw:
            raw.send(request(CHAT, chat_body(), key=gateway.keys["acme"]))
            assert len(raw.answer().body) > 16 << 20
