"""Requests that rules let wait. Each of them takes the place of one under way, so that only so many may wait at a time:
without a bound, whom a rule slows down could fill the gateway with requests that do nothing but wait.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable


class Delays:
    """Those that wait now, by account."""

    def __init__(self, most: int, most_of_account: int) -> None:
        self._most = most
        self._most_of_account = most_of_account
        self._waiting: Counter[str] = Counter()
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
        """How they wait, in seconds."""

    def __len__(self) -> int:
        return self._waiting.total()

    async def wait(self, account: str, seconds: float) -> bool:
        """Wait so long; False, and at once, where too many wait already."""
        if self._waiting.get(account, 0) >= self._most_of_account or len(self) >= self._most:
            return False
        self._waiting[account] += 1
        try:
            await self.sleep(seconds)
        finally:
            self._waiting[account] -= 1
            if not self._waiting[account]:
                del self._waiting[account]
        return True
