"""Each guard of the script taken out in turn: some check of ours must notice."""

import re
from itertools import count
from pathlib import Path

import pytest

from gateway.stores.redis.answers import Misread
from gateway.stores.redis.resp import Refused
from gateway.stores.redis.script import source, text, with_numbers
from tests.support.redis_ledger import RedisLedger
from tests.support.redis_scenarios import SCENARIOS
from tests.support.redis_server import redis_server
from tests.support.redis_walk import walk

pytestmark = [pytest.mark.redis, pytest.mark.slow]
HOMES = count()
WALKS, STEPS = 60, 150

FILE = Path(__file__).parents[1] / "golden" / "redis" / "mutants.txt"
MUTANTS = {
    name: (old, new)
    for name, old, new in re.findall(
        r"^## ([^\n]+)\n<<<<\n(.*?)\n====\n(.*?)\n>>>>$", FILE.read_text(), re.MULTILINE | re.DOTALL
    )
}


@pytest.fixture(scope="module")
def server():
    with redis_server() as one:
        yield one


def noticed(server, script):
    try:
        for scenario in SCENARIOS:
            scenario(RedisLedger(server, f"h{next(HOMES)}", script))
        for seed in range(WALKS):
            walk(RedisLedger(server, f"h{next(HOMES)}", script), seed, STEPS)
    except (AssertionError, KeyError, Misread, Refused, TypeError, ValueError, pytest.fail.Exception):
        return True
    return False


def test_the_script_as_it_is_passes(server):
    assert not noticed(server, text())


def test_the_list_is_whole():
    assert len(MUTANTS) == FILE.read_text().count("## ") > 80


@pytest.mark.parametrize("name", MUTANTS)
def test_a_missing_guard_is_noticed(server, name):
    old, new = MUTANTS[name]
    assert source().count(old) == 1, "the guard is where this list says"
    assert noticed(server, with_numbers(source().replace(old, new)).encode())
