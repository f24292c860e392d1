"""A process that spends from a budget until it is killed: `python -m tests.support.spender PATH ROUND`.

Prints every admission and settlement after the store has answered: `r ID AMOUNT`, `s ID AMOUNT`; `full` when denied.
"""

import asyncio
import random
import sys
from pathlib import Path

from gateway.core.clock import SystemClock
from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, Period
from gateway.stores.sqlite import SqliteStore

BUDGET = 200_000
MONEY = BudgetSpec("acme|usd", Unit.USD, BUDGET, Period.MONTH)


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def spend(path, run):
    store = SqliteStore(Path(path), SystemClock(), interval_s=0.01, close_after_s=0.03, sync_s=0.1)
    await store.open()
    say("open")
    picks = random.Random(run)
    while True:
        for i in range(20):
            name = f"{run}-{picks.getrandbits(60):x}-{i}"
            amount = picks.randint(1, 30)
            if not (await store.reserve(name, (MONEY,), {Unit.USD: amount}, {}, 60_000)).granted:
                say("full")
                return
            say(f"r {name} {amount}")
            if picks.random() < 0.8:
                used = picks.randint(0, amount)
                store.settle(name, {Unit.USD: used})
                say(f"s {name} {used}")
        # Sometimes long enough for the row to be closed at its exact value, so that both ways are met.
        await asyncio.sleep(picks.choice([0.001, 0.001, 0.05]))


if __name__ == "__main__":
    asyncio.run(spend(sys.argv[1], int(sys.argv[2])))
