"""kill -9 at random moments: what was acknowledged stays spent, and the budget holds across all lives."""

import asyncio
import random
import subprocess
import sys
import time

import pytest

from gateway.core.clock import SystemClock
from gateway.stores.sqlite import SqliteStore
from tests.support.spender import BUDGET, MONEY


def one_life(path, run, seconds):
    """Run a spender for a while, kill it, and return its acknowledged (reserved, settled) amounts by id."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.spender", str(path), str(run)], stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout.readline() == "open\n"
        time.sleep(seconds)  # the moment of death is the input of this test
        child.kill()
        lines = child.stdout.read().splitlines()
    reserved, settled = {}, {}
    for line in lines:
        words = line.split(" ")
        if len(words) == 3 and words[0] in "rs" and words[2].isdecimal():
            (reserved if words[0] == "r" else settled)[words[1]] = int(words[2])
    return reserved, settled


def used_in(path):
    async def look():
        store = SqliteStore(path, SystemClock())
        await store.open()
        assert (await store.verify()).mismatches == ()
        left = (await store.peek((MONEY,)))[0].remaining
        await store.close()
        return BUDGET - left

    return asyncio.run(look())


def lives(path, rounds, seed):
    picks = random.Random(seed)
    acknowledged = overcharge = 0
    before = 0
    for run in range(rounds):
        reserved, settled = one_life(path, run, picks.uniform(0.02, 0.2))
        mine = sum(settled.get(name, amount) for name, amount in reserved.items())
        after = used_in(path)
        assert after - before >= mine, "an acknowledged spend was lost"
        assert after <= BUDGET
        acknowledged += mine
        overcharge += after - before - mine
        before = after
    assert acknowledged > 0
    assert acknowledged <= BUDGET
    return acknowledged, overcharge


def test_nothing_acknowledged_is_lost_and_the_budget_holds(tmp_path):
    acknowledged, overcharge = lives(tmp_path / "usage.db", rounds=8, seed=1)
    # Never under-charged must not mean: everything is charged. A block is a few requests.
    assert overcharge < acknowledged + 8 * 5000


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(2, 6))
def test_the_same_over_many_lives(tmp_path, seed):
    acknowledged, _ = lives(tmp_path / "usage.db", rounds=40, seed=seed)
    assert acknowledged > BUDGET // 20
