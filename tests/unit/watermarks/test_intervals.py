"""Binomial tails and limits, against sums in exact arithmetic."""

import math
from fractions import Fraction

import pytest

from gateway.watermarks.intervals import at_least, interval, lower_limit, upper_limit


def exactly(count, trials, p):
    p = Fraction(p)
    return float(sum(math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(max(count, 0), trials + 1)))


@pytest.mark.parametrize("trials", [1, 2, 17, 60])
@pytest.mark.parametrize("p", [0.0, 0.01, 0.25, 0.5, 0.9, 1.0])
def test_tails_are_the_sums(trials, p):
    for count in range(-1, trials + 2):
        assert at_least(count, trials, p) == pytest.approx(exactly(count, trials, p), rel=1e-10, abs=1e-13)


def test_ten_million_trials():
    assert at_least(10_000, 10_000_000, 1e-3) == pytest.approx(0.5, abs=0.003)
    assert at_least(10_500, 10_000_000, 1e-3) == pytest.approx(3.4e-7, rel=0.1)


def test_the_interval_of_clopper_and_pearson():
    low, high = interval(5, 50)
    assert exactly(5, 50, low) == pytest.approx(0.025, rel=1e-6)
    assert 1 - exactly(6, 50, high) == pytest.approx(0.025, rel=1e-6)
    assert interval(0, 10_000) == (0.0, pytest.approx(1 - 0.025 ** (1 / 10_000)))
    assert interval(10, 10)[1] == 1.0


def test_it_covers_the_truth_as_often_as_it_says():
    for p in (0.02, 0.3):
        covered = sum(
            math.comb(40, k) * p**k * (1 - p) ** (40 - k)
            for k in range(41)
            if interval(k, 40)[0] <= p <= interval(k, 40)[1]
        )
        assert covered >= 0.95


def test_limits_at_the_ends():
    assert lower_limit(0, 100, 0.001) == 0.0
    assert upper_limit(100, 100, 0.001) == 1.0
    for bad in ((-1, 5), (6, 5), (0, 0)):
        with pytest.raises(ValueError, match="count"):
            interval(*bad)
