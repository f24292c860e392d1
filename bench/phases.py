"""Time by phase inside one thread: functions are wrapped, and what a nested phase takes is not its parent's.

One account is open at any time. A wrapped function opens its own and, when it returns or suspends, the one before it
again; the time between two switches belongs to the account that was open. So nothing is counted twice and nothing is
lost: all accounts together are the time since the start. What the wrappers themselves cost: bench/tolls.py.

The clock is the wall's: the thread's own time on its core would be the right one, but takes ten times as long to read,
which changes what is measured. Between two switches lie microseconds; where there is a millisecond or more
(`INTERRUPTED_NS`), others had the core or the interpreter, and nobody is charged for it. What the loop sleeps cannot be
told from what it works: `outside_of` gets that from the core.

One thread only may call wrapped functions.
"""

import inspect
import sys
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from functools import wraps
from statistics import median
from time import perf_counter_ns
from typing import Any

OUTSIDE = 0
"""The account that is open while no wrapped function runs: the event loop, and what nobody named."""
CALL, STEP = 0, 1
"""Two kinds of wrappers with a price each: around a call, and around a step of a coroutine."""
PROBE = "probe"
"""The account of the empty function."""
NEVER = sys.maxsize
INTERRUPTED_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    """All accounts at one moment, or what came between two. Numbers of `within` and `around` are by kind."""

    spent: tuple[int, ...]
    """Nanoseconds."""
    starts: tuple[int, ...]
    """Calls, however often a coroutine was resumed."""
    within: tuple[tuple[int, ...], tuple[int, ...]]
    """How often the account was opened."""
    around: tuple[tuple[int, ...], tuple[int, ...]]
    """How often another one was opened while this one was open."""

    def since(self, before: "Reading") -> "Reading":
        return Reading(
            _less(self.spent, before.spent),
            _less(self.starts, before.starts),
            (_less(self.within[0], before.within[0]), _less(self.within[1], before.within[1])),
            (_less(self.around[0], before.around[0]), _less(self.around[1], before.around[1])),
        )


class Book:
    """The accounts of one thread."""

    __slots__ = (
        "around", "current", "every", "last", "left", "names", "nothing", "now", "probed", "spent", "starts", "within",
    )  # fmt: skip

    def __init__(self, now: Callable[[], int] = perf_counter_ns, probe_every: int = NEVER) -> None:
        self.now = now
        self.every = self.left = probe_every
        """Calls between two of the empty function; at least one."""
        self.names: list[str] = ["outside"]
        self.spent: list[int] = [0]
        self.starts: list[int] = [0]
        self.within: tuple[list[int], list[int]] = ([0], [0])
        self.around: tuple[list[int], list[int]] = ([0], [0])
        self.current = OUTSIDE
        self.last = now()
        self.probed: list[int] = []
        """What the account of the empty function showed, call by call."""
        self.nothing = self.wrap(PROBE, nothing)

    def account(self, name: str) -> int:
        """Its number; opened with its first use."""
        if name not in self.names:
            self.names.append(name)
            for counts in (self.spent, self.starts, *self.within, *self.around):
                counts.append(0)
        return self.names.index(name)

    def wrap(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function with an account. The coroutines of a coroutine function are timed step by step."""
        number = self.account(phase)
        starts = self.starts
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            def begin(*given: Any, **named: Any) -> "_Steps":
                starts[number] += 1
                return _Steps(self, number, function(*given, **named))

            return begin
        spent, within, around, now = self.spent, self.within[CALL], self.around[CALL], self.now

        @wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            if self.left:
                self.left -= 1
            else:
                self.left = self.every
                self._probe()
            before = self.current
            at = now()
            passed = at - self.last
            if passed < INTERRUPTED_NS:
                spent[before] += passed
            self.last = at
            self.current = number
            try:
                return function(*given, **named)
            finally:
                at = now()
                passed = at - self.last
                if passed < INTERRUPTED_NS:
                    spent[number] += passed
                self.last = at
                self.current = before
                starts[number] += 1
                within[number] += 1
                around[before] += 1

        return call

    def _probe(self) -> None:
        before = self.spent[1]
        self.nothing()
        self.probed.append(self.spent[1] - before)

    def shown_ns(self) -> float:
        """What the account of the empty function usually showed since this was asked last; 0 if it was never called."""
        probed, self.probed = self.probed, []
        return float(median(probed)) if probed else 0.0

    def reading(self) -> Reading:
        """What is on the accounts, up to now. Taking it costs no account anything."""
        passed = self.now() - self.last
        if passed < INTERRUPTED_NS:
            self.spent[self.current] += passed
        within, around = self.within, self.around
        taken = Reading(
            tuple(self.spent),
            tuple(self.starts),
            (tuple(within[CALL]), tuple(within[STEP])),
            (tuple(around[CALL]), tuple(around[STEP])),
        )
        self.last = self.now()
        return taken


class _Steps(Coroutine[Any, Any, Any]):
    """A coroutine whose every step is on an account."""

    __slots__ = ("_book", "_coroutine", "_number")

    def __init__(self, book: Book, number: int, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._book = book
        self._number = number
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        return self  # type: ignore[return-value]  # it has all that `await` asks for

    def __iter__(self) -> "_Steps":
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        book, number = self._book, self._number
        before = book.current
        at = book.now()
        passed = at - book.last
        if passed < INTERRUPTED_NS:
            book.spent[before] += passed
        book.last = at
        book.current = number
        try:
            return self._coroutine.send(value)
        finally:
            at = book.now()
            passed = at - book.last
            if passed < INTERRUPTED_NS:
                book.spent[number] += passed
            book.last = at
            book.current = before
            book.within[STEP][number] += 1
            book.around[STEP][before] += 1

    def throw(self, *raised: Any) -> Any:
        """Cancellations and failures of what was awaited: rare, and on the account that is open."""
        return self._coroutine.throw(*raised)

    def close(self) -> None:
        self._coroutine.close()


def nothing() -> None:
    """The empty function."""


def _less(now: Sequence[int], before: Sequence[int]) -> tuple[int, ...]:
    known = (*before, *[0] * (len(now) - len(before)))
    return tuple(n - b for n, b in zip(now, known, strict=True))
