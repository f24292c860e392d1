"""Work on exchanges that nobody waits for: it is done at the end of the turn of the event loop, behind what is written.

What was left in one turn is done in one go, in the order in which it was left.
"""

import logging
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable

from gateway.core.turn import Turn, turn_of
from gateway.exchange import Exchange

log = logging.getLogger("gateway")


class Later:
    """Does `work` for each exchange that is left to it, once; its second argument is when it was left."""

    def __init__(self, work: Callable[[Exchange, float], None]) -> None:
        self._work = work
        self._left: list[tuple[Exchange, float]] = []
        self._loop: AbstractEventLoop | None = None
        """The one that `_turn` is of: but for tests there is one alone."""
        self._turn: Turn

    def of(self, x: Exchange, now: float) -> None:
        """Leave it for the end of the turn. Never raises; without a loop it is done at once."""
        self._left.append((x, now))
        if len(self._left) > 1:
            return
        try:
            loop = get_running_loop()
        except RuntimeError:
            self.catch_up()
            return
        if loop is not self._loop:
            self._loop, self._turn = loop, turn_of(loop)
        self._turn.later(self.catch_up)

    def catch_up(self) -> None:
        """Do what is left; also called before what it writes to is closed. What fails for one fails for no other."""
        left, self._left = self._left, []
        for x, now in left:
            try:
                self._work(x, now)
            except Exception:
                log.exception("fault in what follows a request", extra={"fields": {"id": x.id}})
