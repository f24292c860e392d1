"""Limits on what is new in SQLite, closed and opened again at any moment, beside the same in memory: no difference.

No clock goes back here: what a limit remembers is then written at its next use, and until then a restart lets it count
for a window from the restart.
"""

import asyncio
import random
from pathlib import Path

import pytest

from gateway.core.clock import ManualClock
from gateway.core.units import Unit, prompt_amount
from gateway.engine.distinct import SUB_WINDOWS, sub_window_ms
from gateway.engine.spec import DistinctSpec
from gateway.stores.memory import MemoryStore
from gateway.stores.sqlite import SqliteStore

WINDOW_S = SUB_WINDOWS * sub_window_ms(3600) / 1000
LIMITS = (
    DistinctSpec("prompts", Unit.DISTINCT_PROMPTS, 4, 3600),
    DistinctSpec("output", Unit.UNIQUE_OUTPUT_TOKENS, 300, 3600),
    DistinctSpec("prompts", Unit.DISTINCT_PROMPTS, 2, 3600, shadow=True),
    DistinctSpec("output", Unit.UNIQUE_OUTPUT_TOKENS, 90, 3600, shadow=True),
)
TTLS_MS = (1000, 600_000, 3 * 3_600_000)


def asks(pick):
    prompt = prompt_amount(pick.randint(1, 7), pick.randint(0, 60))
    return {Unit.DISTINCT_PROMPTS: prompt, Unit.UNIQUE_OUTPUT_TOKENS: prompt}


class Beside:
    def __init__(self, path: Path, seed: int) -> None:
        self.pick, self.path, self.clock = random.Random(seed), path, ManualClock()
        self.memory, self.sqlite = MemoryStore(self.clock), SqliteStore(path, self.clock)
        # What is in audit mode first is enforced later: promotions happen.
        self.limits = LIMITS[2:] if self.pick.random() < 0.5 else LIMITS
        self.names: list[str] = []

    async def restart(self):
        await self.sqlite.close()
        self.sqlite = SqliteStore(self.path, self.clock)
        await self.sqlite.open()

    async def step(self):
        pick, what = self.pick, self.pick.random()
        if what < 0.4:
            name, amounts, ttl = f"r{len(self.names)}", asks(pick), pick.choice(TTLS_MS)
            limits = pick.sample(self.limits, pick.randint(1, len(self.limits)))
            found = [await store.reserve(name, limits, amounts, {}, ttl) for store in (self.memory, self.sqlite)]
            assert found[0] == found[1]
            self.names.append(name)
        elif what < 0.6 and self.names:
            name, amounts = pick.choice(self.names), asks(pick)
            for store in (self.memory, self.sqlite):
                store.settle(name, amounts)
        elif what < 0.75:
            self.clock.step(pick.choice([1, 40, 116, 117, 1800, 3600, WINDOW_S, 9 * WINDOW_S]))
        elif what < 0.78:
            self.limits = LIMITS
        else:
            await self.restart()
        # What has left is dropped some time after, and that could come back or be promoted again until then.
        for store in (self.memory, self.sqlite):
            store.renew([], 1)

    async def walk(self, steps):
        await self.memory.open()
        await self.sqlite.open()
        try:
            for _ in range(steps):
                await self.step()
                assert await self.memory.peek(self.limits) == await self.sqlite.peek(self.limits)
                held = [sorted(await store.held(), key=str) for store in (self.memory, self.sqlite)]
                assert held[0] == held[1]
        finally:
            await self.sqlite.close()


@pytest.mark.parametrize("seed", range(25))
def test_a_restart_changes_nothing(tmp_path, seed):
    asyncio.run(Beside(tmp_path / "usage.db", seed).walk(120))
