"""Decoys: ranks by hand, intervals, and scores that do not look like chance."""

from random import Random

import pytest

from gateway.watermarks.decoys import Decoys


def chance(count=1000, units=400, seed=0, factor=1):
    rng = Random(seed)
    return [factor * (2 * rng.getrandbits(units).bit_count() - units) for _ in range(count)]


def test_ranks_count_ties_against_the_accused():
    decoys = Decoys([5, 3, 3, 1] + [0] * 996, 1)
    assert [decoys.as_high(total) for total in (6, 5, 4, 3, 2, 1, 0, -1)] == [0, 1, 1, 3, 3, 4, 1000, 1000]
    assert decoys.rank_p(6) == 1 / 1001
    assert decoys.rank_p(3) == 4 / 1001
    assert decoys.rank_p(-1) == 1.0
    assert decoys.best == 5
    assert len(decoys) == 1000


def test_the_share_comes_with_an_interval():
    decoys = Decoys(chance(10_000), 400)
    low, high = decoys.share(1000)
    assert low == 0.0
    assert high == pytest.approx(3.69e-4, rel=0.01)
    low, high = decoys.share(40)  # two deviations: 2.6 % reach them
    assert low < 0.0255 < high < low + 0.01


def test_chance_agrees():
    assert Decoys(chance(), 400).agree
    assert Decoys(chance(), 400).spread == pytest.approx(1.0, abs=0.07)


@pytest.mark.parametrize("factor", [2, 0])
def test_what_varies_too_much_or_too_little_does_not(factor):
    assert not Decoys(chance(factor=factor), 400).agree


def test_a_shift_of_all_decoys_is_seen():
    assert not Decoys([score + 20 for score in chance()], 400).agree


def test_the_empty_text_has_nothing_to_disagree_about():
    assert Decoys([0] * 1000, 0).agree


def test_a_handful_is_refused():
    with pytest.raises(ValueError, match="1000 decoys"):
        Decoys(chance(999), 400)
