"""Work that is left for the end of a turn: when it is done, in which order, and that none of it is lost."""

import asyncio
import gc
import logging

from gateway.core.turn import turn_of


def in_a_loop(work):
    async def run():
        return await work()

    return asyncio.run(run())


def test_it_is_done_when_the_turn_is_over_and_writes_come_first():
    async def work():
        turn, done = turn_of(asyncio.get_running_loop()), []
        turn.later(lambda: done.append("record 1"))
        turn.write(lambda: done.append("answer 1"))
        turn.later(lambda: done.append("record 2"))
        turn.write(lambda: done.append("answer 2"))
        assert done == []
        await asyncio.sleep(0)
        return done

    assert in_a_loop(work) == ["answer 1", "answer 2", "record 1", "record 2"]


def test_each_turn_has_its_own_end():
    async def work():
        turn, done = turn_of(asyncio.get_running_loop()), []
        for number in range(3):
            turn.write(lambda number=number: done.append(number))
            await asyncio.sleep(0)
            assert done == list(range(number + 1))

    in_a_loop(work)


def test_what_the_work_itself_leaves_is_done_too_its_writes_before_other_work():
    async def work():
        turn, done = turn_of(asyncio.get_running_loop()), []

        def first():
            done.append("first")
            turn.later(lambda: done.append("last"))
            turn.write(lambda: done.append("written"))

        turn.later(first)
        turn.end()
        assert done == ["first", "written", "last"]
        await asyncio.sleep(0)
        assert done == ["first", "written", "last"]

    in_a_loop(work)


def test_a_fault_is_logged_and_costs_nobody_else_anything(caplog):
    async def work():
        turn, done = turn_of(asyncio.get_running_loop()), []
        turn.write(lambda: 1 // 0)
        turn.write(lambda: done.append("answer"))
        turn.later(lambda: 1 // 0)
        turn.later(lambda: done.append("record"))
        await asyncio.sleep(0)
        return done

    with caplog.at_level(logging.ERROR, "gateway"):
        assert in_a_loop(work) == ["answer", "record"]
    assert [entry.message for entry in caplog.records] == ["fault at the end of a turn"] * 2


def test_there_is_one_for_each_loop_and_it_goes_with_the_loop():
    async def both():
        return turn_of(asyncio.get_running_loop()), turn_of(asyncio.get_running_loop())

    first, again = asyncio.run(both())
    other, _ = asyncio.run(both())
    assert first is again is not other
    gc.collect()
    first.write(lambda: None)  # nobody's turn any more: nothing to call it from
    assert not [loop for loop in (first._loop(), other._loop()) if loop is not None]


def test_an_early_end_leaves_nothing_for_the_late_one():
    async def work():
        turn, done = turn_of(asyncio.get_running_loop()), []
        turn.write(lambda: done.append("answer"))
        turn.end()
        assert done == ["answer"]
        turn.write(lambda: done.append("another"))
        await asyncio.sleep(0)
        return done

    assert in_a_loop(work) == ["answer", "another"]
