"""Every way of looking again multiplies, and nothing corrected is below what it was."""

import math

import pytest

from gateway.watermarks.correction import Tried


def test_everything_multiplies():
    tried = Tried(100_000, clusters=3, provider=1, epochs=12, schemes=3, windows=20, lists=4, runs=2)
    assert tried.count == 100_004 * 12 * 3 * 20 * 4 * 2


@pytest.mark.parametrize("name", ["accounts", "clusters", "provider", "epochs", "schemes", "windows", "lists", "runs"])
def test_each_count_matters_and_none_may_be_negative(name):
    base = {"accounts": 10}
    more = Tried(**(base | {name: 11}))
    assert more.count > Tried(10).count
    least = 0 if name in {"clusters", "provider"} else 1
    with pytest.raises(ValueError, match=name):
        Tried(**(base | {name: least - 1}))


def test_the_corrected_p_is_p_times_the_count_rounded_up():
    tried = Tried(1000)
    assert tried.corrected(math.log(1e-9)) == pytest.approx(math.log(1e-6), abs=1e-11)
    assert tried.corrected(math.log(1e-9)) > math.log(1e-9) + math.log(1000)
    assert tried.corrected(math.log(1e-2)) == 0.0
    assert tried.corrected(0.0) == 0.0


def test_the_least_z_of_the_design_tables():
    """1e-6 over 100,000 accounts is 1e-11 for each: 7.12 by the bound."""
    assert Tried(100_000).least_z(1e-6) == pytest.approx(7.117, abs=0.001)
    assert Tried(1).least_z(math.exp(-8)) == pytest.approx(4.0)
