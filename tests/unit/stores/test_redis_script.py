"""The script itself, in a real Redis: what it promises beyond being the Python ledger's twin."""

from itertools import count

import pytest

from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, Period
from gateway.stores.base import Mismatch
from gateway.stores.redis.script import text
from tests.support.redis_ledger import RedisLedger
from tests.support.redis_scenarios import SCENARIOS
from tests.support.redis_server import redis_server
from tests.support.redis_walk import walk

pytestmark = pytest.mark.redis
HOMES = count()


@pytest.fixture(scope="module")
def server():
    with redis_server() as one:
        yield one


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_scenario(server, scenario):
    scenario(RedisLedger(server, f"h{next(HOMES)}"))


@pytest.mark.parametrize("seed", range(20))
def test_a_random_walk_finds_no_difference_to_the_python_ledger(server, seed):
    walk(RedisLedger(server, f"h{next(HOMES)}"), seed, 150)


def test_old_entries_of_the_ledger_are_summed_up_and_explain_as_much(server):
    """With room for five entries, summed up three at a time."""
    few = text().replace(b"- 10000", b"- 5").replace(b"10000 + surplus - 500", b"5 + surplus - 3")
    few = few.replace(b"surplus < 500", b"surplus < 3").replace(b"'COUNT', 500", b"'COUNT', 3")
    assert b"500" not in few.partition(b"History.compact")[2].partition(b"function")[0]
    ledger = RedisLedger(server, f"h{next(HOMES)}", few)
    money = BudgetSpec("usd", Unit.USD, 10_000, Period.DAY)
    now = 1_800_000_000_000
    for number in range(40):
        ledger.reserve(f"r{number}", [money], {Unit.USD: 50}, {}, 1000, now)
        ledger.settle(f"r{number}", {Unit.USD: number + 1}, now)
        ledger.renew([], 1000, now)
        report = ledger.verify()
        assert report.mismatches == ()
        assert report.entries == (number + 1 if number < 7 else report.entries)
        assert report.entries <= 8


@pytest.mark.parametrize(
    ("key", "spoil", "explained"),
    [("l", "DEL", 100), ("r", "DEL", 30), ("c", "HSET", 135)],
)
def test_a_counter_without_its_history_is_named(server, key, spoil, explained):
    ledger = RedisLedger(server, f"h{next(HOMES)}")
    money = BudgetSpec("usd", Unit.USD, 10_000, Period.DAY)
    now = 1_800_000_000_000
    for name in ("ended", "open"):
        ledger.reserve(name, [money], {Unit.USD: 100}, {}, 10**9, now)
    ledger.settle("ended", {Unit.USD: 30}, now)
    words = ["usd\0002027-01-15", "5"] if spoil == "HSET" else []
    server.say(spoil, f"gw1:{{{ledger.home}}}:{key}", *words)
    assert ledger.verify().mismatches == (Mismatch("usd", "2027-01-15", 130, explained),)
