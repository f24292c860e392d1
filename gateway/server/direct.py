"""A stream from the upstream's connection to its caller's in the callback in which each piece came: no task in between.

The handler's task waits for one thing only: the end, or what cannot be done without waiting.
"""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.accounting.outcome import Outcome
from gateway.exchange import Exchange
from gateway.server.inbound import Pipe
from gateway.upstreams.base import Pours, UpstreamFailed

Rest = Callable[[], Awaitable[Outcome | None]]
"""What is left to do of a piece, in the handler's task. An outcome ends the stream; None lets it go on."""


class Direct:
    """Joins an answer to a pipe. The upstream is paused while the caller takes too little, and while the task works."""

    __slots__ = ("_answer", "_fault", "_now", "_over", "_pipe", "_rest", "_waiter", "_x")

    def __init__(self, answer: Pours, pipe: Pipe, x: Exchange, now: Callable[[], float]) -> None:
        self._answer = answer
        self._pipe = pipe
        self._x = x
        self._now = now
        self._rest: Rest | None = None
        self._fault: Exception | None = None
        self._over = False
        self._waiter: asyncio.Future[None] | None = None

    async def run(self, take: Callable[[bytes], None]) -> Outcome | None:
        """Until the upstream's end (None) or an outcome. Raises UpstreamFailed and what `fail` was told.

        `take` pushes each piece into the pipe, and tells `hold` or `fail` where it cannot. It must not raise.
        """
        self._pipe.on_turn(self._turned)
        try:
            self._turned()
            self._answer.pour(take, self._ended)
            while True:
                if not self._over and self._rest is None and self._fault is None:
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
                if self._fault is not None:
                    raise self._fault
                if self._rest is None:
                    return None
                outcome = await self._rest()
                if outcome is not None:
                    return outcome
                self._rest = None
                self._turned()
        finally:
            self._pipe.on_turn(None)
            self._answer.collect()
            self._x.write_began_at = 0.0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # what `take` calls

    def hold(self, rest: Rest) -> None:
        """Take nothing more before `rest` is done."""
        self._rest = rest
        self._answer.pause()
        self._wake()

    def fail(self, fault: Exception) -> None:
        """Take nothing more; `run` raises it."""
        self._fault = fault
        self._answer.pause()
        self._wake()

    # what the answer calls

    def _ended(self, failure: UpstreamFailed | None) -> None:
        self._fault, self._over = failure, True
        self._wake()

    # what the pipe calls

    def _turned(self) -> None:
        if self._pipe.full:
            self._x.write_began_at = self._now()
            self._answer.pause()
        else:
            self._x.write_began_at = 0.0
            if self._rest is None and self._fault is None:
                self._answer.resume()
