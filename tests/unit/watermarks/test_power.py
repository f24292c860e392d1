"""Power: the tables of the design, exact chances, and lengths that do not exist."""

import math
from fractions import Fraction
from random import Random

import pytest

from gateway.watermarks.buckets import BucketVector, vector_of
from gateway.watermarks.correction import Tried
from gateway.watermarks.power import expected_z, least_own_units, least_units, power_of


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


def weighted(weights):
    return BucketVector(4096, tuple(enumerate(weights)), len(weights))


def exact_chance(sizes, uplift, needed):
    """Every sum of the signed weights with its probability, one bucket after the other."""
    chances = {0: 1.0}
    for size in sizes:
        after: dict[int, float] = {}
        for total, chance in chances.items():
            after[total + size] = after.get(total + size, 0.0) + chance * (0.5 + uplift)
            after[total - size] = after.get(total - size, 0.0) + chance * (0.5 - uplift)
        chances = after
    return sum(chance for total, chance in chances.items() if total >= needed)


@pytest.mark.parametrize("uplift", [0.15, 0.25, 0.35])
@pytest.mark.parametrize("count", [60, 150, 300])
def test_unequal_weights_are_near_the_exact_chance(uplift, count):
    rng = Random(count)
    vector = weighted([rng.choice((-1, 1)) * rng.choice((3, 8, 16, 25, 40)) for _ in range(count)])
    power = power_of(vector, uplift, Tried(1), 1e-3)
    needed = math.ceil(Tried(1).least_z(1e-3) * math.sqrt(vector.squares))
    assert power.chance == pytest.approx(exact_chance(vector.sizes, uplift, needed), abs=0.01)


def test_what_weights_are_counted_in_does_not_matter():
    ones, sixteens = (power_of(weighted([size] * 200), 0.2, Tried(10), 1e-6) for size in (1, 16))
    assert ones.chance == pytest.approx(sixteens.chance, rel=1e-9)
    assert 0.05 < ones.chance < 0.95


def test_uneven_weights_cost_power():
    even, uneven = (power_of(weighted(sizes * 100), 0.2, Tried(1), 1e-6) for sizes in ([5, 6, 5], [1, 14, 1]))
    assert uneven.chance < even.chance / 2
    assert uneven.least_units > 2 * even.least_units


def test_weights_that_cannot_reach_the_threshold_have_no_chance():
    assert power_of(weighted([9, 8, 9]), 0.5, Tried(1), 1e-6).chance == 0.0
    assert power_of(weighted([9] * 39 + [8]), 0.5, Tried(1), 1e-6).chance == 1.0


def test_units_that_share_no_bucket_need_fewer():
    """No crowding: with equal weights the length is that of an endless width."""
    z = Tried(100_000).least_z(1e-6)
    for uplift in (0.1, 0.2, 0.3):
        own = least_own_units(z, uplift, (1,) * 50, 4096)
        assert own == least_units(z, uplift, 1 << 50)
        assert own < least_units(z, uplift, 4096)


def test_more_units_than_there_are_have_no_length():
    sizes = (16, 20, 40)
    units = least_own_units(5.26, 0.1, sizes, 4096)
    assert 768 < units < 1024
    assert least_own_units(5.26, 0.1, sizes, units) == units
    assert least_own_units(5.26, 0.1, sizes, units - 1) is None
    assert power_of(weighted(list(sizes)), 0.1, Tried(1), 1e-6, most=768).least_units is None
    assert least_own_units(5.26, 0.0, sizes, 4096) is None
    assert least_own_units(5.26, 0.1, (), 4096) is None
    assert least_own_units(1.0, 0.4, (1,), 4096, chance=0.01) == 1
