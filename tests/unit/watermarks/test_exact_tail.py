"""The exact tail, against every sign vector there is."""

import math
from fractions import Fraction
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.watermarks.exact_tail import MAX_BITS, affordable, exact_log_tail, exact_tail


def brute(total, sizes):
    sums = [
        sum(sign * size for sign, size in zip(signs, sizes, strict=True))
        for signs in product((-1, 1), repeat=len(sizes))
    ]
    return Fraction(sum(each >= total for each in sums), len(sums))


@given(st.lists(st.integers(1, 9), max_size=9), st.integers(-90, 90))
def test_it_counts_what_all_sign_vectors_show(sizes, total):
    assert exact_tail(total, sizes) == brute(total, sizes)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 11, 12])
def test_every_score_of_equal_weights(n):
    for total in range(-n - 1, n + 2):
        assert exact_tail(total, [1] * n) == brute(total, [1] * n)


def test_equal_weights_are_the_binomial():
    heads = sum(math.comb(400, k) for k in range(260, 401))
    assert exact_tail(120, [1] * 400) == Fraction(heads, 2**400)


def test_both_tails_mirror_each_other():
    sizes = [Random(3).randint(1, 4) for _ in range(80)]
    for total in range(-60, 61):
        assert exact_tail(total, sizes) + exact_tail(-total + 1, sizes) == 1


def test_its_logarithm_reaches_where_floats_do_not():
    assert exact_log_tail(900, [1] * 900) == pytest.approx(-900 * math.log(2), rel=1e-14)
    assert exact_log_tail(2, [1]) == -math.inf
    assert exact_log_tail(-1, [1]) == 0.0
    assert exact_log_tail(0, []) == 0.0
    assert exact_log_tail(1, []) == -math.inf


@pytest.mark.parametrize("size", [0, -1])
def test_weights_are_positive(size):
    with pytest.raises(ValueError, match="positive"):
        exact_tail(1, [1, size])


def test_what_is_affordable_is_bounded_in_bits():
    assert affordable([1] * 998)
    assert not affordable([1] * 1000)
    assert not affordable([MAX_BITS])
