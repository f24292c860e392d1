"""Power: the tables of the design, exact chances, and lengths that do not exist."""

import math
from fractions import Fraction

import pytest

from gateway.watermarks.buckets import vector_of
from gateway.watermarks.correction import Tried
from gateway.watermarks.power import expected_z, least_units, power_of


@pytest.mark.parametrize(
    ("uplift", "units", "z"),
    [(0.10, 100, 1.97), (0.10, 5000, 9.39), (0.15, 400, 5.70), (0.20, 800, 10.21), (0.30, 1600, 19.40)],
)
def test_the_expected_z(uplift, units, z):
    """m·n over the root of n + n(n−1)(1+m²)/4096, by hand; planted marks agree in test_watermark_attribution.py."""
    assert expected_z(units, uplift, 4096) == pytest.approx(z, abs=0.02)


@pytest.mark.parametrize("uplift", [0.1, 0.2, 0.3])
def test_z_stops_at_the_ceiling_of_the_width(uplift):
    m = 2 * uplift
    assert expected_z(10**9, uplift, 4096) == pytest.approx(m * 64 / math.sqrt(1 + m * m), rel=1e-3)


@pytest.mark.parametrize("uplift", [0.1, 0.2, 0.3, 0.45])
@pytest.mark.parametrize("z", [3.09, 6.71, 7.12])
def test_the_least_length_is_the_least(uplift, z):
    units = least_units(z, uplift, 65_536)
    assert expected_z(units, uplift, 65_536) >= z > expected_z(units - 1, uplift, 65_536)


@pytest.mark.parametrize(
    ("uplift", "z", "half", "nearly_all"),
    [(0.1, 6.706, 1140, 2072), (0.2, 6.706, 288, 502), (0.2, 4.753, 147, 306), (0.1, 4.753, 568, 1286)],
)
def test_lengths_near_those_of_the_exact_binomial(uplift, z, half, nearly_all):
    """Without collisions (a huge width) and at the normal threshold, the design's binomial table within 4 %."""
    assert least_units(z, uplift, 1 << 40) == pytest.approx(half, rel=0.04)
    assert least_units(z, uplift, 1 << 40, chance=0.99) == pytest.approx(nearly_all, rel=0.04)


def test_a_mark_too_weak_for_the_width_has_no_length():
    assert least_units(7.12, 0.05, 4096) is None
    assert least_units(7.12, 0.06, 65_536) is not None
    assert least_units(7.12, 0.0, 65_536) is None


def test_the_chance_is_the_binomial_above_the_threshold():
    vector = vector_of(range(300), 4096)
    power = power_of(vector, 0.2, Tried(1000), 1e-6)
    needed = math.ceil(math.sqrt(2 * 300 * math.log(1e9)))
    p = Fraction(0.7)
    chance = sum(math.comb(300, k) * p**k * (1 - p) ** (300 - k) for k in range(301) if 2 * k - 300 >= needed)
    assert power.chance == pytest.approx(float(chance), rel=1e-9)
    assert 0.5 < power.chance < 0.9
    assert (power.units, power.uplift, power.alpha) == (300, 0.2, 1e-6)
    assert power.least_units == least_units(Tried(1000).least_z(1e-6), 0.2, 4096)


def test_collisions_cost_power():
    apart = power_of(vector_of(range(300), 4096), 0.2, Tried(1000), 1e-6)
    shared = power_of(vector_of([n // 2 for n in range(300)], 4096), 0.2, Tried(1000), 1e-6)
    assert shared.chance < apart.chance / 2


def test_nothing_can_be_found_in_nothing():
    assert power_of(vector_of([], 4096), 0.5, Tried(1), 0.5).chance == 0.0
    assert power_of(vector_of([1], 4096), 0.5, Tried(1000), 1e-6).chance == 0.0
