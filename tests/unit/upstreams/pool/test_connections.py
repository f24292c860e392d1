"""Who gets which connection, and that every place is counted once, whatever becomes of it."""

import asyncio
import socket

import pytest

from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.pool.connections import Connections
from tests.support import loops
from tests.support.loops import every_loop  # noqa: F401 - each test runs on each loop


class Opener:
    """Opens connections to ourselves; waits for the gate where one is set."""

    def __init__(self):
        self.others = []
        self.gate = None
        self.error = None

    async def __call__(self, make):
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        here, there = socket.socketpair()
        here.setblocking(False)
        self.others.append(there)
        _, connection = await asyncio.get_running_loop().create_connection(make, sock=here)
        return connection

    @property
    def opened(self):
        return len(self.others)


def pooled(body, *, limit=2, idle_s=60.0):
    """`body(connections, opener)`; afterwards no place may be taken."""

    async def main():
        opener = Opener()
        connections = Connections(asyncio.get_running_loop(), opener, limit=limit, idle_s=idle_s)
        try:
            await body(connections, opener)
        finally:
            await connections.close()
            for other in opener.others:
                other.close()
        assert (len(connections._all), connections._opening, len(connections._idle)) == (0, 0, 0)
        assert not connections._waiters
        assert not asyncio.all_tasks() - {asyncio.current_task()}

    loops.run(main())


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


def take(connections):
    return connections.take(asyncio.get_running_loop().time())


def test_the_one_that_idled_shortest_comes_first():
    async def body(connections, opener):
        first, second = await connections.get(1), await connections.get(1)
        connections.give_back(first)
        connections.give_back(second)
        assert take(connections) is second
        assert take(connections) is first
        assert take(connections) is None
        assert opener.opened == 2

    pooled(body)


def test_waiters_are_served_in_their_order():
    async def body(connections, opener):
        held = await connections.get(1)
        waiting = [asyncio.ensure_future(connections.get(5)) for _ in range(3)]
        await turns()
        connections.give_back(held)
        assert await waiting[0] is held
        held.abort()  # its place becomes free for a new one
        newer = await waiting[1]
        assert newer is not held
        connections.give_back(newer)
        assert await waiting[2] is newer
        assert opener.opened == 2

    pooled(body, limit=1)


@pytest.mark.parametrize("given", ["connection", "place"])
@pytest.mark.parametrize("before", [False, True], ids=["after it was given", "before"])
def test_a_waiter_that_leaves_takes_nothing_along(given, before):
    async def body(connections, _opener):
        held = await connections.get(1)
        leaving = asyncio.ensure_future(connections.get(5))
        await turns()
        staying = asyncio.ensure_future(connections.get(5))
        await turns()
        if before:
            leaving.cancel()
        if given == "connection":
            connections.give_back(held)
        else:
            held.abort()
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        assert leaving.cancelled()
        got = await staying
        assert (got is held) is (given == "connection")

    pooled(body, limit=1)


def test_a_connection_that_dies_on_the_way_to_its_waiter_is_replaced():
    async def body(connections, opener):
        held = await connections.get(1)
        waiting = asyncio.ensure_future(connections.get(5))
        await turns()
        connections.give_back(held)
        opener.others[0].send(b"unasked")
        got = await waiting
        assert got is not held
        assert held.dead
        assert opener.opened == 2

    pooled(body, limit=1)


def test_a_failed_opening_gives_its_place_to_the_next():
    async def body(connections, opener):
        opener.gate = asyncio.Event()
        opener.error = UpstreamFailed("connect", "no", sent=False)
        first, second = (asyncio.ensure_future(connections.get(5)) for _ in range(2))
        await turns()
        opener.gate.set()
        with pytest.raises(UpstreamFailed):
            await first
        with pytest.raises(UpstreamFailed):
            await second

    pooled(body, limit=1)


def test_leaving_while_a_connection_opens_frees_the_place():
    async def body(connections, opener):
        opener.gate = asyncio.Event()
        leaving = asyncio.ensure_future(connections.get(5))
        await turns()
        staying = asyncio.ensure_future(connections.get(5))
        await turns()
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        opener.gate.set()
        assert not (await staying).dead

    pooled(body, limit=1)


def test_no_place_in_time_is_a_timeout():
    async def body(connections, _opener):
        await connections.get(1)
        with pytest.raises(UpstreamFailed) as caught:
            await connections.get(0.01)
        assert (caught.value.phase, caught.value.timeout, caught.value.sent) == ("connect", True, False)

    pooled(body, limit=1)


def test_idle_ones_end_after_their_time_and_not_before():
    async def body(connections, opener):
        loop = asyncio.get_running_loop()
        connection = await connections.get(1)
        connections.give_back(connection)
        assert connections._sweep is not None
        opener.others[0].settimeout(5)
        assert await loop.run_in_executor(None, opener.others[0].recv, 1) == b""
        assert connection.dead
        assert take(connections) is None
        assert connections._sweep is None

    pooled(body, idle_s=0.02)


def test_one_that_idled_too_long_is_not_taken_even_before_it_is_swept():
    async def body(connections, _opener):
        connection = await connections.get(1)
        connections.give_back(connection)
        connections._idle[connection] -= 60.0
        assert take(connections) is None
        assert connection.dead

    pooled(body)


def test_one_that_is_dead_when_it_is_opened_is_a_failure_before_anything_was_sent():
    async def main():
        async def stillborn(make):
            connection = await opener(make)
            connection.abort()
            return connection

        opener = Opener()
        connections = Connections(asyncio.get_running_loop(), stillborn, limit=1, idle_s=60.0)
        for _ in range(3):  # its place becomes free each time
            with pytest.raises(UpstreamFailed) as caught:
                await connections.get(1)
            assert (caught.value.phase, caught.value.sent, caught.value.timeout) == ("connect", False, False)
        await connections.close()
        for other in opener.others:
            other.close()

    loops.run(main())


def test_none_is_kept_where_none_may_idle():
    async def body(connections, _opener):
        connection = await connections.get(1)
        connections.give_back(connection)
        assert connection.dead

    pooled(body, idle_s=0)


def test_the_closing_tells_those_who_wait_or_open():
    async def body(connections, opener):
        held = await connections.get(1)
        opener.gate = asyncio.Event()
        opening, waiting = (asyncio.ensure_future(connections.get(5)) for _ in range(2))
        await turns()
        await connections.close()
        opener.gate.set()
        for told in (opening, waiting):
            with pytest.raises(UpstreamFailed) as caught:
                await told
            assert (caught.value.phase, caught.value.sent) == ("connect", False)
        assert held.dead

    pooled(body)
