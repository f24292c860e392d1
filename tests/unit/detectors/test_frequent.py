"""Space-Saving beside an exact count."""

import sys
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detectors import frequent
from gateway.detectors.frequent import COUNTERS, HALVE, Frequent

items = st.lists(st.one_of(st.integers(0, 5), st.integers(0, 2**32 - 1), st.integers(1000, 1100)), max_size=400)


def _added(stream):
    counters = Frequent()
    for item in stream:
        counters.add(item)
    return counters


@given(items)
def test_the_bounds_of_the_paper_hold(stream):
    counters, exact = _added(stream), Counter(stream)
    assert sum(counters._counts) == len(stream), "every item is counted once"
    for item in {*exact, 7_777_777}:
        assert counters.surely(item) <= exact[item] <= counters.at_most(item)
    for item, number in exact.items():
        if number > len(stream) / COUNTERS:
            assert item in counters._items, "what is frequent has a counter"


def _skewed(length, seed):
    """A few favourites among many, more than there are counters: places change hands all the time."""
    random = Random(seed)
    return [int(random.paretovariate(0.4)) % 500 for _ in range(length)]


@pytest.mark.parametrize("halve", [HALVE, 512, 64])
def test_counts_are_certain_while_places_change_hands(halve, monkeypatch):
    monkeypatch.setattr(frequent, "HALVE", halve)
    counters, exact = Frequent(), Counter()
    for item in _skewed(3000, halve):
        counters.add(item)
        exact[item] += 1
        assert all(0 <= counters.surely(one) <= exact[one] for one in counters._items)
    assert max(counters.surely(item) for item in exact) > 10
    if halve == HALVE:
        assert all(exact[item] <= counters.at_most(item) for item in exact)
        assert any(counters.at_most(item) > exact[item] for item in exact), "errors were there to be known"


@given(items, st.integers(1, 100))
def test_after_halving_nothing_is_counted_that_was_not_there(stream, every):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frequent, "HALVE", every)
        counters, exact = Frequent(), Counter()
        for item in stream:
            counters.add(item)
            exact[item] += 1
            assert 0 <= counters.surely(item) <= exact[item]


def test_sixteen_bits_are_enough():
    counters = _added([1] * 20 * HALVE)
    assert max(counters._counts) < 2 * HALVE < 2**16
    assert counters.surely(1) > HALVE // 2


@pytest.mark.parametrize(("one_in", "within"), [(4, 8), (8, 12), (16, 30)])
def test_a_wrapper_shows_after_long_noise(one_in, within):
    """However many others came before: what matters is how many come in between."""
    random = Random(one_in)
    counters = _added(random.sample(range(2**32), 50_000))
    wrapper, came = 12345, 0
    while counters.surely(wrapper) < 3:
        for _ in range(one_in - 1):
            counters.add(random.randrange(2**32))
        counters.add(wrapper)
        came += 1
        assert came <= within


def test_an_old_favourite_makes_room():
    counters = _added([1] * 10 * HALVE)
    noise = Random(3).sample(range(2**32), 12 * HALVE)
    for item in noise:
        counters.add(item)
    assert counters.surely(1) < 10


def test_its_size_is_fixed():
    counters = _added(range(5000))
    arrays = (counters._items, counters._counts, counters._errors)
    assert sum(sys.getsizeof(array) for array in arrays) <= 8 * COUNTERS + 3 * 96
