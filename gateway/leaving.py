"""What a reload replaced and some exchange still uses: let go of when the last of them is over."""

import asyncio
from collections.abc import Iterable

from gateway.beside import let_go
from gateway.exchange import Exchange, Snapshot
from gateway.upstreams.bridge import Bridge

_LOOK_S = 1.0


class Leaving:
    """Replaced bridges and snapshots."""

    def __init__(self) -> None:
        self._closing: dict[asyncio.Task[None], Bridge] = {}
        self._freeing: set[asyncio.Task[None]] = set()

    def bridge(self, bridge: Bridge) -> None:
        """Close it when the exchanges on it are over."""

        async def close_when_idle() -> None:
            while any(status.outstanding for status in bridge.snapshot()):  # noqa: ASYNC110 - rare, and no hurry
                await asyncio.sleep(_LOOK_S)
            await bridge.close()

        task = asyncio.create_task(close_when_idle())
        self._closing[task] = bridge
        task.add_done_callback(self._closing.pop)

    def snapshot(self, snapshot: Snapshot, live: Iterable[Exchange]) -> None:
        """Free its policies piece by piece, once no exchange is under them: at once it would hold all up."""

        async def when_unused(old: list[Snapshot]) -> None:
            while any(x.snapshot is old[0] for x in live):  # noqa: ASYNC110 - rare, and no hurry
                await asyncio.sleep(_LOOK_S)
            pieces = [*old[0].policies.pieces(), *old[0].documents.policies]
            old.clear()
            await let_go(pieces)

        task = asyncio.create_task(when_unused([snapshot]))
        self._freeing.add(task)
        task.add_done_callback(self._freeing.discard)

    async def close(self) -> None:
        """At the end of the process nobody waits for anything any more."""
        bridges = [*self._closing.values()]
        waiting = (*self._closing, *self._freeing)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for bridge in bridges:
            await bridge.close()
