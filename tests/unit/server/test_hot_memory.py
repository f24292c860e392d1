"""What one connection of the hot lane holds in memory, whatever its caller does."""

import asyncio

from gateway.server.hot_connection import MOST_HELD
from gateway.server.hot_request import MOST_UNREAD
from gateway.server.inbound import Reply
from tests.support.hot_wire import ANSWER, LAST, Gated, only, run, stuff, until
from tests.support.lane_wire import Written, lanes, plain, rest, turns, wire

ONE_READ = 1 << 18
"""Bytes: the most that a loop hands over at once."""


def test_what_comes_behind_a_request_is_held_up_to_a_bound_and_then_not_read():
    async def scenario():
        flood = plain(b"x" * 1000) * 4000
        serve = Gated()
        async with lanes(serve) as (lane, _), wire(lane) as end:
            sent = await stuff(end, flood)
            assert sent < len(flood) / 2
            assert MOST_HELD < len(only(lane)._behind) <= MOST_HELD + ONE_READ
            assert serve.begun == 1
            serve.open.set()
            reading = asyncio.create_task(rest(end))
            await asyncio.get_running_loop().sock_sendall(end, flood[sent:] + LAST)
            assert (await reading).count(ANSWER) == 4001
            assert serve.begun == 4001

    run(scenario)


def test_the_flood_may_come_behind_the_body_it_is_in_one_piece_with():
    """Then it is held at once, without a further read."""

    async def scenario():
        serve = Gated()
        async with lanes(serve) as (lane, _), wire(lane) as end:
            head, _, body = plain(b"x" * 10).partition(b"\r\n\r\n")
            await stuff(end, head + b"\r\n\r\n")
            sent = await stuff(end, body + plain() * 100_000)
            assert sent < 2_000_000
            assert len(only(lane)._behind) <= MOST_HELD + ONE_READ

    run(scenario)


def test_a_body_that_nobody_reads_is_held_up_to_a_bound_and_arrives_whole_later():
    async def scenario():
        written = Written()
        serve = Gated(written)
        body = bytes(range(256)) * 32_768  # 8 MiB
        data = plain(body) + LAST
        async with lanes(serve) as (lane, _), wire(lane) as end:
            sent = await stuff(end, data)
            assert sent < len(data) / 2
            held = only(lane)._request.body
            assert MOST_UNREAD < sum(map(len, held._pieces)) <= MOST_UNREAD + ONE_READ
            serve.open.set()
            sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(end, data[sent:]))
            assert (await rest(end)).count(ANSWER) == 2
            await sending
            assert [len(one) for _, _, one in written.requests] == [len(body), 0]
            assert written.requests[0][2] == body

    run(scenario)


def test_a_caller_that_reads_no_answers_gets_no_more_of_them():
    async def scenario():
        big = Reply(200, [("content-type", "text/plain")], b"y" * 65_536)
        served = 0

        async def serve(inbound):
            nonlocal served
            served += 1
            await inbound.body.more()
            return big

        data = plain() * 500 + LAST
        async with lanes(serve) as (lane, _), wire(lane) as end:
            await stuff(end, data)
            await turns(50)
            assert served < 100
            connection = only(lane)
            assert connection.full
            assert connection._transport.get_write_buffer_size() < 4 * len(big.body)
            assert (await rest(end)).count(ANSWER) == 501

    run(scenario)


def test_a_request_that_comes_while_earlier_answers_wait_is_served_when_they_are_read():
    async def scenario():
        served = 0

        async def serve(inbound):
            nonlocal served
            served += 1
            await inbound.body.more()
            return Reply(200, [("content-type", "text/plain")], b"y" * 3_000_000)

        async with lanes(serve) as (lane, _), wire(lane) as end:
            await stuff(end, plain())
            connection = only(lane)
            await until(lambda: connection.full)
            await stuff(end, plain())
            await stuff(end, LAST)
            await turns(10)
            assert served == 1
            assert (await rest(end)).count(ANSWER) == served == 3

    run(scenario)
