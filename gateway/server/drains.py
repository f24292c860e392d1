"""Reading on for callers who left, where an upstream bills the whole answer anyway (`on_client_abort: drain`)."""

import asyncio

from gateway.accounting.outcome import Outcome
from gateway.exchange import Exchange
from gateway.runtime import Runtime
from gateway.upstreams.drain import drain

MAX_DRAINS = 256
"""More callers than this leaving at once are cut off: a drain holds a connection nobody waits for."""


class Drains:
    """The background tasks that finish abandoned streams. They outlive their handlers, not the process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, x: Exchange) -> bool:
        """Whether a drain now owns the exchange: its answer, its settlement and its place among the live ones."""
        assert x.forwarded is not None
        wanted = x.forwarded.settings.on_client_abort == "drain"
        if not wanted or x.meter is None or x.meter.finished or x.stop is not None or len(self._tasks) >= MAX_DRAINS:
            return False
        x.draining = True
        task = asyncio.create_task(self._drain(x))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _drain(self, x: Exchange) -> None:
        assert x.forwarded is not None
        assert x.meter is not None
        settings = x.forwarded.settings
        live = self._runtime.live
        live.enter(x)
        try:
            await drain(
                x.forwarded.answer, x.meter.feed, max_s=settings.drain_max_s, max_bytes=settings.drain_max_bytes
            )
        finally:
            live.leave(x)
            self._runtime.pipeline.finish(x, Outcome.CLIENT_GONE)

    async def close(self) -> None:
        """End them all; each settles with what it has seen."""
        await asyncio.sleep(0)  # a task that is cancelled before its first turn would never come to its ending
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
