"""The bound is above the truth for every score of every text, and what is printed is never below the bound."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.watermarks.buckets import vector_of
from gateway.watermarks.exact_tail import exact_log_tail
from gateway.watermarks.score import Score, Tail, log10_text, tail_of


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60), st.data())
def test_hoeffding_is_never_below_the_exact_tail(sizes, data):
    total = data.draw(st.integers(-sum(sizes), sum(sizes)))
    score = Score(total, sum(size * size for size in sizes))
    assert exact_log_tail(total, sizes) <= score.log_bound + 1e-12


@pytest.mark.parametrize("n", [1, 2, 7, 50, 400])
def test_nor_for_any_score_of_equal_weights(n):
    for total in range(-n, n + 1):
        assert exact_log_tail(total, [1] * n) <= Score(total, n).log_bound + 1e-12


def test_the_bound_is_that_of_the_formula_and_not_looser():
    assert Score(60, 400).log_bound == pytest.approx(-60 * 60 / 800, rel=1e-15)
    assert Score(60, 400).log_bound >= -60 * 60 / 800
    assert Score(60, 400).z == 3.0


@pytest.mark.parametrize("total", [0, -1, -60])
def test_a_score_on_the_wrong_side_says_nothing(total):
    assert Score(total, 400).log_bound == 0.0


def test_the_empty_text():
    assert Score(0, 0).log_bound == 0.0
    assert Score(0, 0).z == 0.0
    for bad in ((1, 0), (-1, 0), (1, -1)):
        with pytest.raises(ValueError, match="without weights"):
            Score(*bad)


def test_the_tail_is_exact_then_saddlepoint_then_not_said():
    small = vector_of(range(400), 4096)
    exact = tail_of(100, small)
    assert exact == Tail("exact", exact_log_tail(100, small.sizes))
    large = vector_of(range(4000), 4096)
    near = tail_of(400, large)
    assert near.method == "saddlepoint"
    assert near.log_p < Score(400, 4000).log_bound
    assert tail_of(4000, large) == Tail("none", None)
    assert Tail("none", None).relative_error is None


def test_tail_and_bound_of_the_same_score_differ_by_decades_not_by_sense():
    vector = vector_of(range(400), 4096)
    tail, bound = tail_of(134, vector).log_p, Score(134, 400).log_bound
    assert math.log(1e-12) < tail < math.log(1e-10) < bound + math.log(10)


@given(st.floats(-5000, 0))
def test_a_printed_p_is_never_below_the_real_one(log_p):
    mantissa, _, exponent = log10_text(log_p).partition("e")
    printed = math.log(float(mantissa)) + int(exponent or 0) * math.log(10)
    assert log_p - 1e-9 <= printed <= log_p + 0.11


def test_how_p_is_written():
    assert log10_text(0.0) == "1"
    assert log10_text(math.log(3.14e-15)) == "3.2e-15"
    assert log10_text(math.log(9.96e-5)) == "1.0e-04"
    assert log10_text(-5000) == "3.4e-2172"
