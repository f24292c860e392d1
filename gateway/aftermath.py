"""What becomes of finished exchanges when nobody waits for it any more: see `Pipeline.finish`.

It is done behind the answers of the same turn of the event loop, for all exchanges that ended in it, in the order in
which they did.
"""

import asyncio
import logging
from collections.abc import Callable

from gateway.core.turn import Turn, turn_of
from gateway.exchange import Exchange

log = logging.getLogger("gateway")


class Aftermath:
    """Does `work` for each exchange once; its second argument is when the exchange ended, on the monotonic clock."""

    def __init__(self, work: Callable[[Exchange, float], None]) -> None:
        self._work = work
        self._ended: list[tuple[Exchange, float]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        """The one that `_turn` is of: but for tests there is one alone."""
        self._turn: Turn

    def of(self, x: Exchange, now: float) -> None:
        """Leave it for the end of the turn. Never raises; without a loop it is done at once."""
        self._ended.append((x, now))
        if len(self._ended) > 1:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.catch_up()
            return
        if loop is not self._loop:
            self._loop, self._turn = loop, turn_of(loop)
        self._turn.later(self.catch_up)

    def catch_up(self) -> None:
        """Do what is left; also called before what it writes to is closed. What fails for one fails for no other."""
        ended, self._ended = self._ended, []
        for x, now in ended:
            try:
                self._work(x, now)
            except Exception:
                log.exception("fault in what follows a request", extra={"fields": {"id": x.id}})
