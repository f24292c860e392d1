"""Only so many requests wait at a time, of all accounts and of one."""

import asyncio

import pytest

from gateway.delays import Delays


class Held(Delays):
    """They wait until `go` is set."""

    def __init__(self, most, most_of_account):
        super().__init__(most, most_of_account)
        self.go = asyncio.Event()
        self.sleep = self._until_go

    async def _until_go(self, _seconds):
        await self.go.wait()


def play(most, most_of_account, *accounts):
    """Who waits and who does not, of callers that come one after the other; how many waited at once."""

    async def scenario():
        delays = Held(most, most_of_account)
        tasks = []
        for account in accounts:
            tasks.append(asyncio.create_task(delays.wait(account, 1)))
            await asyncio.sleep(0)
        at_once = len(delays)
        delays.go.set()
        waited = await asyncio.gather(*tasks)
        assert (len(delays), dict(delays._waiting)) == (0, {}), "nothing is remembered of who went"
        return waited, at_once

    return asyncio.run(scenario())


@pytest.mark.parametrize(("bounds", "accounts", "waited"), [
    ((9, 2), "aaa", [True, True, False]), ((9, 2), "aabab", [True, True, True, False, True]),
    ((2, 2), "aab", [True, True, False]), ((1, 1), "ab", [True, False]),
])  # fmt: skip
def test_so_many_wait_and_no_more(bounds, accounts, waited):
    assert play(*bounds, *accounts) == (waited, sum(waited))


def test_who_leaves_makes_room():
    async def scenario():
        delays = Held(1, 1)
        first = asyncio.create_task(delays.wait("a", 1))
        await asyncio.sleep(0)
        assert not await delays.wait("a", 1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        delays.go.set()
        assert len(delays) == 0
        assert await delays.wait("a", 1)

    asyncio.run(scenario())


def test_the_time_is_handed_on():
    async def scenario():
        delays, waits = Delays(1, 1), []

        async def sleep(seconds):
            waits.append(seconds)

        delays.sleep = sleep
        assert await delays.wait("a", 7)
        assert waits == [7]

    asyncio.run(scenario())
