"""What Redis is told without anyone waiting: settlements, renewals, cancellations.

They leave in the turn of the loop in which they were made. What cannot be delivered is kept, in memory and (the
settlements) in a file, and tried again with growing pauses until Redis has it. Both are bounded: what finds no room is
lost, which its event says, and its reservation ends by expiry: budgets keep what was reserved, so money is never
under-charged beyond what a request used above its reservation.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from gateway.stores.base import StoreUnavailable
from gateway.stores.redis.asking import Asking
from gateway.stores.redis.link import Full
from gateway.stores.redis.resp import Refused, Reply
from gateway.stores.redis.undelivered import Settlement, Undelivered

MAX_KEPT: Final = 20_000
AT_ONCE: Final = 64
PAUSES_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(slots=True)
class Parcel:
    """One call and, if it must not get lost, what it stands for."""

    slot: int
    payload: bytes
    settlement: Settlement | None = None


class Outbox:
    """`delivered` hears each reply; `failed` hears, once per trouble, that something had to be kept or was lost."""

    def __init__(
        self,
        asking: Asking,
        file: Undelivered,
        delivered: Callable[[Reply], None],
        failed: Callable[[str], None],
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        self._asking = asking
        self._file = file
        self._delivered = delivered
        self._failed = failed
        self._pauses_s = pauses_s
        self._kept: deque[Parcel] = deque()
        self._flying: set[asyncio.Future[Reply]] = set()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def behind(self) -> bool:
        """Whether something waits to be delivered again."""
        return self._worker is not None

    def post(self, parcel: Parcel) -> None:
        """Never raises, never waits."""
        endpoint = self._asking.servers.known(parcel.slot)
        link = None if endpoint is None else endpoint.alive
        if link is None:
            self.keep(parcel)
            return
        try:
            future = link.send(parcel.payload)
        except Full:
            self.keep(parcel)
            return
        self._flying.add(future)
        future.add_done_callback(partial(self._landed, parcel))

    def _landed(self, parcel: Parcel, future: "asyncio.Future[Reply]") -> None:
        self._flying.discard(future)
        if future.cancelled() or future.exception() is not None or isinstance(future.result(), Refused):
            self.keep(parcel)
        else:
            self._delivered(future.result())

    def keep(self, parcel: Parcel, *, in_file: bool = False) -> None:
        """Deliver later. `in_file` says that the file has it already."""
        if parcel.settlement is not None and not in_file:
            in_file = self._file.add([parcel.settlement])
        if len(self._kept) >= MAX_KEPT or self._closed:
            if parcel.settlement is not None and not in_file:
                self._failed("settlements are lost: there is no room to keep more until Redis answers")
            return
        self._kept.append(parcel)
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        failures = 0
        while self._kept:
            batch = [self._kept.popleft() for _ in range(min(AT_ONCE, len(self._kept)))]
            undone = [parcel for parcel, done in zip(batch, await self._deliver(batch), strict=True) if not done]
            if undone:
                self._kept.extendleft(reversed(undone))
                self._failed("settlements wait for Redis to answer")
                await asyncio.sleep(self._pauses_s[min(failures, len(self._pauses_s) - 1)])
                failures += 1
            else:
                failures = 0
        self._worker = None
        self._file.clear()

    async def _deliver(self, batch: list[Parcel]) -> list[bool]:
        answers = await asyncio.gather(
            *[self._asking.ask(parcel.slot, parcel.payload) for parcel in batch], return_exceptions=True
        )
        done: list[bool] = []
        for parcel, answer in zip(batch, answers, strict=True):
            if isinstance(answer, StoreUnavailable):
                # A renewal that failed twice is of no use any more: the next one is on its way.
                done.append(parcel.settlement is None)
            elif isinstance(answer, BaseException):
                self._failed(f"a settlement cannot be told: {type(answer).__name__}")
                done.append(True)
            else:
                self._delivered(answer)
                done.append(True)
        return done

    async def close(self, patience_s: float) -> None:
        """Wait for what is on its way, then let go; the file keeps the settlements that could not be delivered."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_s
        while (left := deadline - loop.time()) > 0:
            busy: set[asyncio.Future[Any]] = {*self._flying, *([self._worker] if self._worker else [])}
            if not busy:
                break
            await asyncio.wait(busy, timeout=left)
        self._closed = True
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])
