"""Work beside requests: the interpreter is as before when it is over, whatever came of it; old things are freed."""

import asyncio
import gc
import sys
import threading
import weakref

import pytest

from gateway.beside import beside, let_go


def state():
    return sys.getswitchinterval(), gc.isenabled()


def test_it_runs_in_a_thread_that_gives_way_while_the_collector_rests():
    before = state()
    assert before[1]

    def work():
        return state(), threading.current_thread() is threading.main_thread()

    (interval, collecting), here = asyncio.run(beside(work))
    assert (interval < before[0], collecting, here) == (True, False, False)
    assert state() == before


def test_a_failure_is_the_callers_and_leaves_nothing_behind():
    before = state()
    with pytest.raises(ZeroDivisionError):
        asyncio.run(beside(lambda: 1 // 0))
    assert state() == before


def test_what_nobody_holds_is_freed_and_others_have_their_turn_in_between():
    class Large:
        pass

    async def scenario():
        pieces = [Large() for _ in range(45)]
        kept, gone = pieces[3], weakref.ref(pieces[44])
        left = []

        async def other():
            while pieces:
                left.append(len(pieces))
                await asyncio.sleep(0)

        await asyncio.gather(let_go(pieces), other())
        assert pieces == []
        assert gone() is None
        assert isinstance(kept, Large)
        assert len(set(left)) >= 3

    asyncio.run(scenario())
