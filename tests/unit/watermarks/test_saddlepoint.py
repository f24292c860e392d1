"""The saddlepoint tail: within its stated error of the exact one wherever it says that it may be believed."""

import math
from random import Random

import pytest

from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.exact_tail import exact_log_tail
from gateway.watermarks.saddlepoint import in_range, saddlepoint_log_tail
from gateway.watermarks.score import Tail

STATED = Tail("saddlepoint", 0.0).relative_error
SHAPES = {
    "ones": lambda rng, n: [1] * n,
    "twos": lambda rng, n: [2] * n,
    "few collisions": lambda rng, n: [rng.choice((1, 1, 1, 1, 2)) for _ in range(n)],
    "mixed": lambda rng, n: [rng.randint(1, 6) for _ in range(n)],
    "even steps": lambda rng, n: [rng.choice((2, 4, 6)) for _ in range(n)],
    "some heavy": lambda rng, n: [1] * n + [rng.randint(3, 8) for _ in range(n // 6)],
    "one heavy": lambda rng, n: [1] * n + [max(2, round(math.sqrt(n) / 3))],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_its_error_is_below_the_stated_one(shape):
    rng = Random(shape)
    compared = 0
    for n in (30, 31, 45, 60, 100, 180, 260):
        sizes = SHAPES[shape](rng, n)
        deviation = math.sqrt(sum(size * size for size in sizes))
        for step in range(2, 27):
            total = math.ceil(step / 2 * deviation)
            if in_range(total, sizes):
                error = math.expm1(saddlepoint_log_tail(total, sizes) - exact_log_tail(total, sizes))
                assert abs(error) < STATED, (n, total)
                compared += 1
    assert compared > 20


def test_nor_above_it_for_weights_of_any_mixture():
    """Mixtures whose sums lie on combs inside their lattice are the hard ones: refused, or within the error."""
    rng, refused, compared = Random(5), 0, 0
    for _ in range(250):
        sizes = [
            size for size in rng.sample(range(1, 20), rng.randint(1, 4)) for _ in range(rng.choice((1, 2, 6, 25, 60)))
        ]
        deviation = math.sqrt(sum(size * size for size in sizes))
        for step in (1, 2, 3.5, 5):
            total = math.ceil(step * deviation)
            if in_range(total, sizes):
                error = math.expm1(saddlepoint_log_tail(total, sizes) - exact_log_tail(total, sizes))
                assert abs(error) < STATED, (sorted(set(sizes)), total)
                compared += 1
            else:
                refused += 1
    assert compared > 40
    assert refused > 40


def test_beyond_what_is_counted_it_still_agrees():
    sizes = [1] * 1700 + [2] * 300
    for total in (100, 200, 330, 500, 1000):
        error = math.expm1(saddlepoint_log_tail(total, sizes) - exact_log_tail(total, sizes))
        assert abs(error) < STATED


def test_a_score_between_two_reachable_ones_has_the_tail_of_the_upper():
    sizes = [1] * 100
    assert saddlepoint_log_tail(33, sizes) == saddlepoint_log_tail(34, sizes)
    assert saddlepoint_log_tail(34, sizes) > saddlepoint_log_tail(35, sizes)


@pytest.mark.parametrize(
    ("total", "sizes"),
    [
        (5, [1] * 100),  # below one deviation
        (61, [1] * 100),  # near the largest possible
        (0, []),
        (20, [1] * 29),  # too few
        (60, [1] * 100 + [40]),  # one rules
        (180, [10] * 33 + [1]),  # a comb: the formula would be off by three quarters
        (900, [65] * 40 + [1] * 8000),  # too heavy to search for combs
    ],
)
def test_where_it_would_be_off_it_does_not_answer(total, sizes):
    assert not in_range(total, sizes)


def test_a_vector_has_positive_sizes_only():
    assert BucketVector(8, ((1, -2), (3, 1)), 3).sizes == (2, 1)
