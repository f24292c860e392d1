"""What timing itself costs, and what is left of the accounts of bench/phases.py without it.

A wrapper costs time, a part of it inside the account that it opens and a part outside: both are measured on an empty
function. In the midst of real work, with colder caches, they cost two or three times what they do in a loop of their
own: so every few calls an empty function is timed right there, and the tolls are scaled by what that shows.
"""

import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

from bench.phases import CALL, OUTSIDE, STEP, Book, Reading, nothing


@dataclass(frozen=True, slots=True)
class Toll:
    """Nanoseconds that being wrapped costs: on the function's own account, and on the one around it."""

    inside: float
    outside: float

    def times(self, factor: float) -> "Toll":
        return Toll(self.inside * factor, self.outside * factor)


@dataclass(frozen=True, slots=True)
class Tolls:
    """By kind; `shown_ns` is what the account of an empty function showed when they were measured."""

    call: Toll
    step: Toll
    shown_ns: float

    def there(self, shown_ns: float) -> "Tolls":
        """Where the account of an empty function shows something else."""
        factor = shown_ns / self.shown_ns
        return Tolls(self.call.times(factor), self.step.times(factor), shown_ns)


def corrected(reading: Reading, tolls: Tolls) -> list[float]:
    """Nanoseconds of each account without what the wrappers cost; never below zero."""
    found = []
    for number, spent in enumerate(reading.spent):
        toll = sum(
            reading.within[kind][number] * each.inside + reading.around[kind][number] * each.outside
            for kind, each in ((CALL, tolls.call), (STEP, tolls.step))
        )
        found.append(max(0.0, spent - toll))
    return found


def outside_of(reading: Reading, tolls: Tolls, on_core_ns: float) -> float:
    """Nanoseconds on the core that no phase has, nor its wrappers: the loop's own. The clock cannot tell, since the
    loop also sleeps; what the thread used of its core can.
    """
    phases = sum(reading.spent[OUTSIDE + 1 :])
    toll = sum(reading.around[kind][OUTSIDE] * each.outside for kind, each in ((CALL, tolls.call), (STEP, tolls.step)))
    return on_core_ns - phases - toll


def toll_of(shown_ns: float, wrapped_ns: float, bare_ns: float) -> Toll:
    """From calls of an empty function: `shown_ns` is what its account shows for each, `wrapped_ns` what each took in
    all, `bare_ns` what one takes that is not wrapped and is no toll.
    """
    inside = max(0.0, shown_ns - bare_ns)
    return Toll(inside, max(0.0, wrapped_ns - bare_ns - inside))


def calibrate(rounds: int = 30, calls: int = 1000) -> Tolls:
    """The tolls on this machine, from the cheapest of several rounds."""
    call, shown = _toll(nothing, rounds, calls)
    step, _ = _toll(_nothing_async, rounds, calls)
    return Tolls(call, step, shown)


def _toll(function: Callable[[], Any], rounds: int, calls: int) -> tuple[Toll, float]:
    book = Book()
    wrapped = book.wrap("nothing", function)
    number = book.account("nothing")
    drive = _driven if inspect.iscoroutinefunction(function) else _called
    bare, full, shown = [], [], []
    for _ in range(rounds):
        bare.append(drive(function, calls))
        before = book.reading()
        full.append(drive(wrapped, calls))
        shown.append(book.reading().since(before).spent[number] / calls)
    return toll_of(min(shown), min(full), min(bare)), min(shown)


async def _nothing_async() -> None:
    pass


def _called(function: Callable[[], Any], calls: int) -> float:
    began = perf_counter_ns()
    for _ in range(calls):
        function()
    return (perf_counter_ns() - began) / calls


def _driven(function: Callable[[], Any], calls: int) -> float:
    async def all_of_them() -> None:
        for _ in range(calls):
            await function()

    began = perf_counter_ns()
    with suppress(StopIteration):
        all_of_them().send(None)
    return (perf_counter_ns() - began) / calls
