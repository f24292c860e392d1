"""The exchanges under way: what keeps their reservations alive, notices callers that do not read, and ends them."""

import asyncio
from collections.abc import Callable, Iterator

from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.exchange import Exchange


class Live:
    """Exchanges by the task that serves each. Everything periodic about them is one pass over this."""

    def __init__(self) -> None:
        self._tasks: dict[Exchange, asyncio.Task[object] | None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._tasks)

    def enter(self, x: Exchange) -> None:
        # Asking which loop runs is a system call.
        task = asyncio.current_task(self._loop) if self._loop is not None else None
        if task is None:
            self._loop = asyncio.get_running_loop()
            task = asyncio.current_task(self._loop)
        self._tasks[x] = task

    def leave(self, x: Exchange) -> None:
        self._tasks.pop(x, None)

    def reserved_ids(self) -> list[str]:
        """Reservations to renew."""
        open_ones = [x for x in self._tasks if x.reservation is not None and x.outcome is None]
        return [*(x.id for x in open_ones), *(x.upstream_hold for x in open_ones if x.upstream_hold)]

    def stop_slow_readers(self, now: float, patience_s: float) -> int:
        """End exchanges whose caller has accepted nothing for `patience_s` seconds."""
        refusal = Refusal(reasons.REQUEST_TIMEOUT, "the answer was not read")
        return self._stop(lambda x: 0.0 < x.write_began_at < now - patience_s, refusal)

    def stop_all(self) -> int:
        """The grace period is over."""
        return self._stop(
            lambda _: True, Refusal(reasons.DRAINING, "the gateway is shutting down", retry_after_ms=1000)
        )

    def _stop(self, chosen: Callable[[Exchange], bool], refusal: Refusal) -> int:
        count = 0
        for x, task in list(self._tasks.items()):
            if task is not None and x.stop is None and chosen(x):
                x.stop = refusal
                task.cancel()
                count += 1
        return count
