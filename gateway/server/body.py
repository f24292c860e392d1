"""Reading a request body under a deadline, a size limit and a budget of memory shared by all callers."""

import asyncio
from collections import defaultdict
from typing import Self

from gateway.core import reasons
from gateway.core.refusal import Refusal
from gateway.server.guards import too_large
from gateway.server.inbound import Body, BodyBroken


class BodyBudget:
    """Bytes of request bodies in memory: a cap for all and one per account, so nobody fills it for the others."""

    def __init__(self, total: int, per_account: int) -> None:
        self.total = total
        self.per_account = per_account
        self.used = 0
        self._by_account: dict[str, int] = defaultdict(int)

    def take(self, account: str, size: int) -> bool:
        if self.used + size > self.total or self._by_account.get(account, 0) + size > self.per_account:
            return False
        self.used += size
        self._by_account[account] += size
        return True

    def give_back(self, account: str, size: int) -> None:
        self.used -= size
        left = self._by_account[account] - size
        if left:
            self._by_account[account] = left
        else:
            del self._by_account[account]


class Lease:
    """What one request holds of the budget; grows as the body arrives, and ends with the block."""

    __slots__ = ("_account", "_budget", "size")

    def __init__(self, budget: BodyBudget, account: str) -> None:
        self._budget = budget
        self._account = account
        self.size = 0

    def grow_to(self, size: int) -> bool:
        if size <= self.size:
            return True
        if not self._budget.take(self._account, size - self.size):
            return False
        self.size = size
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever happened in the block."""
        self.release()

    def release(self) -> None:
        if self.size:
            self._budget.give_back(self._account, self.size)
            self.size = 0


async def read_body(body: Body, held: Lease, *, max_bytes: int, grace_s: float, min_rate: int) -> bytes | Refusal:
    """The whole body, or why not.

    After `grace_s` seconds the body must have come at `min_rate` bytes per second on average, or it is too slow:
    the deadline moves with what has arrived, never with what was announced.
    """
    if not held.grow_to(body.announced or 0):
        return _no_room()
    if body.awaited:
        await body.go_ahead()
    if body.announced is not None and body.arrived:
        return await body.more()  # it is all here: no timer needed
    began = asyncio.get_running_loop().time()
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(grace_s) as deadline:
            while chunk := await body.more():
                size += len(chunk)
                if size > max_bytes:
                    return too_large(max_bytes)
                if not held.grow_to(size):
                    return _no_room()
                chunks.append(chunk)
                deadline.reschedule(began + grace_s + size / min_rate)
    except TimeoutError:
        return Refusal(reasons.REQUEST_TIMEOUT, f"the body came slower than {min_rate} bytes per second")
    except BodyBroken:
        return Refusal(reasons.INVALID_REQUEST, "the body's framing is broken")
    return b"".join(chunks)


def _no_room() -> Refusal:
    return Refusal(
        reasons.OVERLOADED, "too many request bytes are in flight, for this account or for all", retry_after_ms=1000
    )
