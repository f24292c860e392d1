"""The load of a crowd: nothing is counted that did not come, and nothing that came is missed."""

import contextlib
import resource
import select
import socket
import threading
import time
from dataclasses import replace

import pytest

from bench.compare.crowd import crowd, enough_files
from bench.compare.dripping import Upstream
from bench.compare.lineup import DIRECT, Lineup
from bench.compare.listening import Heard, Stream
from bench.compare.plan import QUICK
from bench.mock_upstream import HEAD, MARK, delta, ending
from bench.plan import BenchFailed
from bench.process import cores, pinned
from bench.stage import Target

STREAMS = 6
PLAN = replace(QUICK, crowd_streams=STREAMS, crowd_pace_ms=50, crowd_ramp_s=0.4, crowd_s=0.1)
CHUNK = delta(usage=False) % 1


def carried(port=None, plan=PLAN):
    with Upstream() as upstream:
        at = upstream.port if port is None else port
        return crowd(Target(DIRECT, at, at), plan, upstream)


@contextlib.contextmanager
def relay(upstream, most, breaks):
    """A proxy that passes `most` bytes of an answer in pieces of its own size, and then breaks off or falls silent."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    threads = []

    def serve(near):
        far = socket.create_connection(("127.0.0.1", upstream.port))
        left = most
        with near, far, contextlib.suppress(OSError):
            far.sendall(near.recv(65536))
            while left > 0 and (data := far.recv(min(97, left))):
                near.sendall(data)
                left -= len(data)
            if not breaks:
                near.recv(1)

    def accept():
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(near,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(10)
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)


def through_relay(most, *, breaks=True):
    upstream = Upstream()
    with relay(upstream, most, breaks) as port, upstream:  # its end ends what the relay reads from
        return crowd(Target(DIRECT, port, port), PLAN, upstream)


def test_every_chunk_of_a_crowd_is_counted():
    found = carried()
    assert (found.streams, found.lost) == (STREAMS, 0)
    assert found.came == found.expected > 0
    assert 0 < found.p50_ms <= found.p99_ms


def test_chunks_that_a_proxy_cuts_anywhere_are_counted_once():
    found = through_relay(1 << 30)
    assert found.came == found.expected


def test_chunks_that_never_come_are_lost():
    found = through_relay(len(HEAD) + 24 * len(CHUNK))
    assert found.came == 24 * STREAMS < found.expected
    assert found.lost == found.expected - found.came


def test_a_crowd_that_falls_silent_is_a_failure():
    with pytest.raises(BenchFailed, match="no chunk came"):
        through_relay(len(HEAD) + 2 * len(CHUNK), breaks=False)


def test_a_target_that_nobody_listens_at_is_said():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(BenchFailed, match=r"a stream failed: .*refused"):
        carried(port)


@pytest.fixture
def heard():
    """One stream whose answer the test writes; what it heard, the writer, and a turn."""
    with socket.create_server(("127.0.0.1", 0)) as listener, select.epoll() as epoll:
        seen, buffer = Heard(), bytearray(65536)
        stream = Stream(listener.getsockname()[1], b"ask", 3, seen, buffer, sampled=True)
        epoll.register(stream.fd, select.EPOLLOUT)
        near, _ = listener.accept()

        def turn(data=b""):
            near.sendall(data)
            for _ in epoll.poll(5):
                stream.ready(epoll)

        with near:
            turn()
            yield seen, turn
        stream.close(epoll)


def test_a_stream_is_whole_with_all_chunks_and_the_end(heard):
    seen, turn = heard
    turn(HEAD + CHUNK * 3 + ending(3, usage=False)[:-3])
    assert (seen.begun, seen.chunks, seen.ended) == (1, 3, 0)
    turn(ending(3, usage=False)[-3:])
    assert (seen.ended, seen.broken) == (1, 0)
    assert len(seen.delay_ns) == 3


def test_a_head_may_come_in_pieces_and_a_mark_in_it_is_no_chunk(heard):
    seen, turn = heard
    odd = HEAD[:-2] + b"x: " + MARK + b"\r\n\r\n"
    turn(odd[:30])
    assert (seen.begun, seen.chunks) == (0, 0)
    turn(odd[30:] + CHUNK)
    assert (seen.begun, seen.chunks) == (1, 1)


def test_an_answer_that_is_no_stream_is_quoted(heard):
    seen, turn = heard
    turn(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n")
    assert (seen.begun, seen.broken) == (0, 1)
    assert seen.why.startswith("HTTP/1.1 429")


def test_a_delta_has_the_mark_once_and_everything_else_never():
    assert [text.count(MARK) for text in (CHUNK, delta(usage=True) % 1, HEAD, ending(3, usage=True))] == [1, 1, 0, 0]


def test_too_few_open_files_are_said_before_anything_begins():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with pytest.raises(BenchFailed, match=r"open files, and the hard limit is"):
        enough_files(hard)


def asked(upstream, pace_ms):
    """A connection whose stream has begun."""
    sock = socket.create_connection(("127.0.0.1", upstream.port))
    body = b'{"max_tokens": 1000000, "seed": %d}' % pace_ms
    sock.sendall(b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    sock.setblocking(False)
    while True:
        upstream.listen()
        with contextlib.suppress(BlockingIOError):
            assert sock.recv(65536).count(MARK) == 1
            return sock


def test_the_upstream_writes_no_more_than_it_may_in_a_turn():
    with Upstream() as upstream, asked(upstream, 1):
        until = upstream._due[1_000_000][0].due_ns + 10_000_000
        while time.monotonic_ns() < until:  # it is behind by ten chunks
            pass
        assert upstream.drip(3) == 3


def test_who_joins_an_upstream_that_is_behind_makes_nobody_later():
    with Upstream() as upstream, asked(upstream, 1):
        queue = upstream._due[1_000_000]
        until = queue[0].due_ns + 10_000_000
        while time.monotonic_ns() < until:
            pass
        with asked(upstream, 1):
            for _ in range(4):
                assert [one.due_ns for one in queue] == sorted(one.due_ns for one in queue)
                assert upstream.drip(1) == 1


def test_only_targets_that_start_inside_have_the_other_upstream(tmp_path):
    line = Lineup(tmp_path, "wrk", "nginx", Target(DIRECT, 1, 2), tmp_path, 1, 1)
    with line.streaming_from(9):
        assert (line.direct.answers_port, line.direct.streams_port) == (1, 9)
    assert line.direct.streams_port == 2


def test_who_is_pinned_still_starts_targets_on_the_other_core():
    before = cores()
    with pinned(before[1]):
        assert cores() == before
