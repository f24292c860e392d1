"""One connection's timer, and a large request that leaves in pieces."""

import asyncio

import pytest

from gateway.upstreams.pool.alarms import Alarms
from gateway.upstreams.pool.connection import Connection
from tests.unit.upstreams.test_watch import Loop


class Line(asyncio.Transport):
    """A transport that keeps what is written, full after `room` writes."""

    def __init__(self, room=1000):
        super().__init__()
        self.written = []
        self.room = room
        self.protocol = None
        self.closed = False

    def write(self, data):
        self.written.append(bytes(data))
        self.room -= 1
        if self.room == 0:
            self.protocol.pause_writing()

    def get_write_buffer_size(self):
        return 0

    def is_closing(self):
        return self.closed

    def abort(self):
        self.closed = True


class Exchange:
    def __init__(self):
        self.at = 0.0
        self.expired = []
        self.ended = 0

    def received(self, data):
        pass

    def lost(self):
        self.ended += 1

    def due(self, now):
        return self.at

    def expire(self, now):
        self.expired.append(now)


class Turns(Loop):
    """`test_watch`'s loop with turns."""

    def __init__(self):
        super().__init__()
        self.soon = []
        self.armed = 0

    def call_soon(self, callback):
        self.soon.append(callback)

    def call_at(self, when, callback):
        self.armed += 1
        return super().call_at(when, callback)

    def turn(self):
        soon, self.soon = self.soon, []
        for callback in soon:
            callback()


@pytest.fixture
def loop():
    return Turns()


def connected(loop, line=None):
    gone = []
    connection = Connection(loop, Alarms(loop), gone.append)
    line = line or Line()
    line.protocol = connection
    connection.connection_made(line)
    return connection, line, gone


def test_a_thousand_exchanges_arm_one_timer(loop):
    connection, _, _ = connected(loop)
    for _ in range(1000):
        exchange = Exchange()
        exchange.at = loop.time() + 120.0
        connection.begin(exchange, b"head", b"", exchange.at)
        loop.turn()
        loop.advance(0.1)
        assert connection.rest()
    assert loop.armed == 1
    loop.advance(500.0)
    assert loop.armed == 1


def test_the_timer_looks_again_until_the_exchange_is_due(loop):
    connection, _, _ = connected(loop)
    exchange = Exchange()
    exchange.at = loop.time() + 10.0
    connection.begin(exchange, b"head", b"", exchange.at)
    exchange.at += 5.0
    loop.advance(14.9)
    assert exchange.expired == []
    loop.advance(0.2)
    assert len(exchange.expired) == 1


def test_a_nearer_time_is_not_missed(loop):
    connection, _, _ = connected(loop)
    exchange = Exchange()
    exchange.at = loop.time() + 100.0
    connection.begin(exchange, b"head", b"", exchange.at)
    exchange.at = loop.time() + 1.0
    connection.alarm(exchange.at)
    loop.advance(1.1)
    assert len(exchange.expired) == 1


def test_a_small_request_is_one_write(loop):
    connection, line, _ = connected(loop)
    connection.begin(Exchange(), b"head", b"body", 1e9)
    assert line.written == []
    loop.turn()
    assert line.written == [b"headbody"]


def test_what_is_answered_before_it_was_sent_is_not_used_again(loop):
    connection, _, _ = connected(loop)
    connection.begin(Exchange(), b"head", b"body", 1e9)
    assert not connection.rest()
    loop.turn()
    assert connection.rest()


def test_nothing_is_sent_for_an_exchange_that_was_given_up_in_the_same_turn(loop):
    connection, line, gone = connected(loop)
    connection.begin(Exchange(), b"head", b"body", 1e9)
    connection.abort()
    loop.turn()
    assert line.written == []
    assert gone == [connection]


def test_a_large_request_waits_for_turns_and_for_room(loop):
    line = Line(room=3)
    connection, _, _ = connected(loop, line)
    body = bytes(range(256)) * 5000
    connection.begin(Exchange(), b"head", body, 1e9)
    assert len(line.written) == 2
    loop.turn()
    loop.turn()
    assert len(line.written) == 3  # full now
    assert not connection.rest()
    connection.resume_writing()
    for _ in range(10):
        loop.turn()
    assert b"".join(line.written) == b"head" + body
    assert max(map(len, line.written)) < 300_000
    assert connection.rest()


def test_after_an_abort_nothing_is_written_and_nobody_told(loop):
    connection, line, gone = connected(loop)
    exchange = Exchange()
    connection.begin(exchange, b"head", b"x" * 1_000_000, 1e9)
    connection.abort()
    written = len(line.written)
    loop.turn()
    connection.resume_writing()
    connection.connection_lost(None)
    loop.advance(2e9)
    assert len(line.written) == written
    assert (exchange.ended, exchange.expired, gone) == (0, [], [connection])
    assert line.closed


def test_bytes_that_nobody_asked_for_end_an_idle_connection(loop):
    connection, line, gone = connected(loop)
    connection.data_received(b"")
    assert not line.closed
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\n")
    assert line.closed
    assert gone == [connection]


def test_one_without_a_socket_is_not_used(loop):
    connection, _, _ = connected(loop)
    assert not connection.dead
    assert not connection.usable()
