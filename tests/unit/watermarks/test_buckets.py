"""Units to buckets: each different unit once, whole weights, and nothing outside the width."""

import pytest

from gateway.watermarks.buckets import bucket_of, buckets_of, vector_of

KEY = b"k" * 32
BUCKETS = [10158, 42237, 56163]


def test_a_repeated_unit_counts_once():
    once = vector_of(buckets_of(KEY, [b"a", b"b", b"c"], 4096), 4096)
    often = vector_of(buckets_of(KEY, [b"a", b"b", b"c"] * 1000 + [b"a"] * 50, 4096), 4096)
    assert once == often
    assert once.units == 3


def test_units_that_share_a_bucket_add_up():
    vector = vector_of([5, 9, 5, 5], 16)
    assert vector.weights == ((5, 3), (9, 1))
    assert (vector.units, vector.squares, vector.sizes) == (4, 10, (3, 1))


def test_the_empty_text_has_no_weights():
    vector = vector_of([], 16)
    assert (vector.weights, vector.units, vector.squares) == ((), 0, 0)


@pytest.mark.parametrize("outside", [-1, 16, 1 << 40])
def test_a_bucket_outside_the_width_is_refused(outside):
    with pytest.raises(ValueError, match="outside"):
        vector_of([3, outside], 16)


@pytest.mark.parametrize("width", [0, 1, 4, 12, 4095])
def test_a_width_is_a_power_of_two(width):
    with pytest.raises(ValueError, match="power of two"):
        bucket_of(KEY, b"a", width)


def test_the_hash_is_frozen_keyed_and_spread():
    assert [bucket_of(KEY, unit, 65_536) for unit in (b"a", b"b", b"")] == BUCKETS
    assert bucket_of(b"other", b"a", 65_536) != BUCKETS[0]
    counts = [0] * 16
    for n in range(16_000):
        counts[bucket_of(KEY, str(n).encode(), 16)] += 1
    assert min(counts) > 880
    assert max(counts) < 1120  # 1,000 each, standard deviation 31


def test_the_width_cuts_one_hash():
    assert bucket_of(KEY, b"a", 4096) == bucket_of(KEY, b"a", 65_536) % 4096
