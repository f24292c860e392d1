"""Each guard of the engine taken out in turn: the walk beside the model or a unit test must notice."""

from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.support.reference_mutants import Mutated, engine_of, listed, unit_checks
from tests.support.reference_walk import walk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
WALKS, STEPS = 25, 120

FILE = Path(__file__).parents[1] / "golden" / "engine" / "mutants.txt"
MUTANTS = listed(FILE)
WHATEVER = (Exception, pytest.fail.Exception)


settings.register_profile(
    "notice",
    phases=[Phase.generate],
    max_examples=50,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _no_shrinking():
    """What an example looks like at its smallest is of no interest here."""
    before = settings.get_current_profile_name()
    settings.load_profile("notice")
    yield
    settings.load_profile(before)


def noticed(mutant):
    """By what, or None."""
    with engine_of(mutant):
        try:
            plain, searching = unit_checks()
            walks = [partial(walk, seed, STEPS) for seed in range(WALKS)]
            for check in (*plain, *walks, *searching):
                check()
        except WHATEVER as found:
            return found
    return None


def test_the_engine_as_it_is_passes():
    assert noticed(Mutated()) is None


def test_the_list_is_whole():
    assert len(MUTANTS) == FILE.read_text().count("## ") > 100


@pytest.mark.parametrize("name", MUTANTS)
def test_a_missing_guard_is_noticed(name):
    found = noticed(Mutated(*MUTANTS[name]))
    assert found is not None
    assert "where the list says" not in str(found), found
