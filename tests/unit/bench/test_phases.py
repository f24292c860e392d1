"""The accounts of time by phase: nesting, suspension, and what the wrappers cost."""

import asyncio
import itertools

import pytest

from bench.phases import CALL, INTERRUPTED_NS, OUTSIDE, PROBE, STEP, Book
from bench.tolls import Toll, Tolls, calibrate, corrected, outside_of, toll_of

FREE = Tolls(Toll(0, 0), Toll(0, 0), 1)


class Clock:
    """Stands still unless somebody works."""

    def __init__(self):
        self.ns = 1000

    def __call__(self):
        return self.ns

    def work(self, ns):
        self.ns += ns


class Ticking(Clock):
    """Each look at it takes a nanosecond, so that every wrapper has its price."""

    def __call__(self):
        self.ns += 1
        return self.ns


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def book(clock):
    return Book(clock)


def by_name(book, values):
    return {name: value for name, value in zip(book.names, values, strict=True) if name != PROBE}


def spent(book):
    return by_name(book, book.reading().spent)


def test_a_nested_phase_is_not_its_parents(book, clock):
    inner = book.wrap("inner", lambda: clock.work(5))

    def outer():
        clock.work(10)
        inner()
        clock.work(20)
        inner()

    clock.work(3)
    book.wrap("outer", outer)()
    clock.work(4)
    assert spent(book) == {"outside": 7, "inner": 10, "outer": 30}


def test_two_functions_may_share_an_account_and_call_each_other(book, clock):
    below = book.wrap("one", lambda: clock.work(2))

    def above():
        clock.work(1)
        below()

    book.wrap("one", above)()
    assert spent(book) == {"outside": 0, "one": 3}
    reading = book.reading()
    assert by_name(book, reading.starts) == by_name(book, reading.within[CALL]) == {"outside": 0, "one": 2}
    assert by_name(book, reading.around[CALL]) == {"outside": 1, "one": 1}


def test_a_function_that_raises_gives_the_account_back(book, clock):
    def fails():
        clock.work(6)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        book.wrap("fails", fails)()
    clock.work(1)
    assert spent(book) == {"outside": 1, "fails": 6}


def test_results_arguments_and_names_pass_through(book):
    def named(one, *, two):
        """Its words."""
        return one, two

    wrapped = book.wrap("named", named)
    assert wrapped(1, two=2) == (1, 2)
    assert (wrapped.__name__, wrapped.__doc__) == ("named", "Its words.")


def test_a_coroutine_is_not_charged_for_what_runs_while_it_waits(book, clock):
    async def inner(waits):
        clock.work(5)
        got = await waits
        clock.work(7)
        return got

    inner = book.wrap("inner", inner)

    async def outer(waits):
        clock.work(100)
        got = await inner(waits)
        clock.work(200)
        return got

    outer = book.wrap("outer", outer)

    async def main():
        waits = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(outer(waits))
        await asyncio.sleep(0)
        clock.work(1000)
        waits.set_result("it")
        return await task

    assert asyncio.run(main()) == "it"
    assert spent(book) == {"outside": 1000, "inner": 12, "outer": 300}
    reading = book.reading()
    assert by_name(book, reading.starts) == {"outside": 0, "inner": 1, "outer": 1}
    assert by_name(book, reading.within[STEP]) == {"outside": 0, "inner": 2, "outer": 2}
    assert by_name(book, reading.around[STEP]) == {"outside": 2, "inner": 0, "outer": 2}
    assert not any(reading.within[CALL])


def test_a_cancelled_coroutine_leaves_no_account_open(book, clock):
    async def waits():
        clock.work(1)
        try:
            await asyncio.Event().wait()
        finally:
            clock.work(2)

    waits = book.wrap("waits", waits)

    async def main():
        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert book.current == OUTSIDE
    assert sum(spent(book).values()) == 3


def test_a_coroutine_that_is_never_awaited_can_be_closed(book):
    async def nothing():
        raise AssertionError("it never begins")

    book.wrap("nothing", nothing)().close()


def test_what_came_between_two_readings(book, clock):
    one = book.wrap("one", lambda: clock.work(3))
    one()
    before = book.reading()
    two = book.wrap("two", lambda: clock.work(8))
    one()
    two()
    clock.work(9)
    between = book.reading().since(before)
    assert by_name(book, between.spent) == {"outside": 9, "one": 3, "two": 8}
    assert by_name(book, between.starts) == {"outside": 0, "one": 1, "two": 1}
    assert by_name(book, between.around[CALL]) == {"outside": 2, "one": 0, "two": 0}


def test_the_wrappers_price_is_taken_off_both_sides():
    clock = Ticking()
    book = Book(clock)
    inner = book.wrap("inner", lambda: clock.work(50))

    def outer():
        clock.work(100)
        inner()
        inner()

    book.wrap("outer", outer)()
    # A look at the clock is the only price: one inside, at the end of the phase, and one outside, at its beginning.
    shown = book.reading()
    assert spent(book) | {"outside": 0} == {"outside": 0, "inner": 102, "outer": 103}
    found = by_name(book, corrected(shown, Tolls(Toll(1, 1), Toll(0, 0), 1)))
    assert (found["inner"], found["outer"]) == (100, 100)


def test_a_step_has_another_price_than_a_call(book, clock):
    async def steps():
        clock.work(40)

    wrapped = book.wrap("steps", steps)
    with pytest.raises(StopIteration):
        wrapped().send(None)
    assert by_name(book, corrected(book.reading(), Tolls(Toll(30, 30), Toll(4, 4), 1)))["steps"] == 36


def test_no_phase_costs_less_than_nothing(book, clock):
    book.wrap("cheap", lambda: clock.work(1))()
    assert not any(corrected(book.reading(), Tolls(Toll(5, 5), Toll(0, 0), 1)))


def test_what_the_loop_had_is_what_the_core_gave_and_no_phase_has(book, clock):
    work = book.wrap("work", lambda: clock.work(400))
    work()
    work()
    clock.work(10_000)  # asleep
    reading = book.reading()
    assert outside_of(reading, FREE, 1000) == 200
    assert outside_of(reading, Tolls(Toll(7, 10), Toll(0, 0), 1), 1000) == 180  # `inside` is in the phases already


def test_nobody_is_charged_for_an_interruption(book, clock):
    def interrupted():
        clock.work(7)
        book.wrap("below", lambda: clock.work(3))()
        clock.work(INTERRUPTED_NS)

    book.wrap("work", interrupted)()
    clock.work(INTERRUPTED_NS + 5)
    assert spent(book) == {"outside": 0, "below": 3, "work": 7}


def test_nor_is_a_coroutine(book, clock):
    async def interrupted():
        clock.work(INTERRUPTED_NS)

    with pytest.raises(StopIteration):
        book.wrap("work", interrupted)().send(None)
    assert spent(book) == {"outside": 0, "work": 0}


def test_a_toll_is_what_remains_when_the_function_is_taken_away():
    assert toll_of(shown_ns=90, wrapped_ns=250, bare_ns=40) == Toll(50, 160)
    assert toll_of(shown_ns=30, wrapped_ns=35, bare_ns=40) == Toll(0, 0)


def test_every_few_calls_an_empty_function_shows_what_timing_costs_there(clock):
    book = Book(clock, probe_every=3)
    work = book.wrap("work", lambda: clock.work(1))
    for _ in range(12):
        work()
    reading = book.reading()
    number = book.account(PROBE)
    assert reading.starts[number] == 3
    assert reading.around[CALL][OUTSIDE] == 12 + 3
    assert spent(book) == {"outside": 0, "work": 12}


def test_no_probe_unless_it_was_asked_for(book):
    work = book.wrap("work", lambda: None)
    for _ in range(1000):
        work()
    assert book.reading().starts[book.account(PROBE)] == 0


def test_the_probe_shows_what_is_usual():
    book = Book(Ticking(), probe_every=1)
    assert book.shown_ns() == 0
    work = book.wrap("work", lambda: None)
    for _ in range(9):
        work()
    assert len(book.probed) > 3
    book.probed[0] = 4_000_000  # somebody else had the core
    assert book.shown_ns() == 1
    assert book.shown_ns() == 0


def test_tolls_are_scaled_by_what_the_probe_shows():
    there = Tolls(Toll(100, 50), Toll(200, 10), 150).there(300)
    assert there == Tolls(Toll(200, 100), Toll(400, 20), 300)


def test_tolls_are_measured_for_both_kinds():
    tolls = calibrate(rounds=3, calls=50)
    assert tolls.shown_ns > 0
    assert all(toll.inside >= 0 and toll.outside >= 0 for toll in (tolls.call, tolls.step))


def test_all_accounts_together_are_the_time_that_passed(book, clock):
    began = clock.ns
    pieces = itertools.count(1)
    deep = book.wrap("deep", lambda: clock.work(next(pieces)))
    for depth in range(6):
        deep = book.wrap(f"phase {depth % 4}", lambda below=deep: (clock.work(next(pieces)), below(), below()))
        clock.work(next(pieces))
        deep()
    assert sum(book.reading().spent) == clock.ns - began
