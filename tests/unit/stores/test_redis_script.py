"""The script itself, in a real Redis: what it promises beyond being the Python ledger's twin."""

from itertools import count

import pytest

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
