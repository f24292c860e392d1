"""What is left for the end of a turn of the event loop: first what is to be written, then what nobody waits for.

Under load many requests are worked on in one turn. Their answers leave back to back behind it, and their records are
made after that, in one go: whoever reads on the other side is woken once, not for each, and the same code and data
serve many requests while they are in the processor's caches. A quiet gateway has one request in a turn, which leaves as
soon as it would have.
"""

import asyncio
import logging
import weakref
from collections.abc import Callable

log = logging.getLogger("gateway")

Work = Callable[[], None]


class Turn:
    """The turns of one event loop. Used from its thread only; ask `turn_of` for it, so that there is one for each."""

    __slots__ = ("_called", "_later", "_loop", "_writes")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)  # its key in a dictionary that must not keep it
        self._writes: list[Work] = []
        self._later: list[Work] = []
        self._called = False

    def write(self, work: Work) -> None:
        """Do `work` at the end of this turn, before anything that was left for `later`."""
        self._writes.append(work)
        if not self._called:
            self._call()

    def later(self, work: Work) -> None:
        """Do `work` at the end of this turn, when all is written."""
        self._later.append(work)
        if not self._called:
            self._call()

    def _call(self) -> None:
        loop = self._loop()
        if loop is not None:
            self._called = True
            loop.call_soon(self.end)

    def end(self) -> None:
        """Do all of it, in order; also what is left meanwhile. What fails is logged, and costs nothing else."""
        self._called = False
        while self._writes or self._later:
            works, self._writes = self._writes, []
            if not works:
                works, self._later = self._later, []
            for work in works:
                try:
                    work()
                except Exception:
                    log.exception("fault at the end of a turn")


_TURNS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Turn] = weakref.WeakKeyDictionary()


def turn_of(loop: asyncio.AbstractEventLoop) -> Turn:
    """The one of that loop. To be kept: looking it up costs more than using it."""
    turn = _TURNS.get(loop)
    if turn is None:
        turn = _TURNS[loop] = Turn(loop)
    return turn
