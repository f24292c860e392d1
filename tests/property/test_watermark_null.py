"""Null calibration: keys that had no part in a text, over many (text, key) pairs, and what they are said to be.

Every text has fresh keys. Three p-values are held against nominal levels: Hoeffding's bound as verdicts use it, the
tail as the product computes it, and the randomised tail, which must be neither too small nor much too large. The
last tests show that this gate sees the mistakes that it is there for.
"""

import math
from collections import Counter

import pytest

from gateway.watermarks.keys import seed_of
from gateway.watermarks.score import Score, tail_of
from tests.support.needs import needs_numpy

needs_numpy()

import numpy as np  # noqa: E402

from gateway.watermarks.codewords import codeword_bits, scores  # noqa: E402
from tests.support.null_gate import holds, not_too_weak, randomised_p  # noqa: E402
from tests.support.null_texts import texts, vectors  # noqa: E402

LEVELS = (0.1, 1e-2, 1e-3, 1e-4, 1e-5)
KEYS = 5_000
LOOKS = 9 * len(LEVELS) * 4
"""Kinds of text, levels, and the four gates of `check`."""


class Counted:
    """How many p-values of each sort lie at or below each level."""

    def __init__(self):
        self.pairs = 0
        self.bound, self.tail, self.randomised = Counter(), Counter(), Counter()

    def add(self, vector, totals, rng):
        self.pairs += len(totals)
        exact = randomised_p(totals, vector.sizes, rng)
        for level in LEVELS:
            self.randomised[level] += int((exact <= level).sum())
            self.bound[level] += int(
                (totals >= _least(level, lambda s: Score(s, vector.squares).log_bound, vector)).sum()
            )
            self.tail[level] += int((totals >= _least(level, lambda s: tail_of(s, vector).log_p, vector)).sum())


def _least(level, log_p, vector):
    """The least score whose p is at or below the level: p falls as the score rises."""
    low, high = 0, sum(vector.sizes) + 1
    while low < high:
        middle = (low + high) // 2
        found = log_p(middle)
        if found is not None and found <= math.log(level):
            high = middle
        else:
            low = middle + 1
    return low


def calibrate(count, keys, seed):
    rng = np.random.default_rng(seed)
    made = vectors(count, seed)
    assert len(made) == 9
    for kind, some in made.items():
        counted = Counted()
        for vector in some:
            root = rng.bytes(32)
            totals = scores([vector], (seed_of(root, f"acct_{n}") for n in range(keys)))[0]
            counted.add(vector, totals, rng)
        yield kind, counted


def check(kind, counted):
    for level in LEVELS:
        assert holds(counted.randomised[level], counted.pairs, level, LOOKS), (kind, level)
        assert not_too_weak(counted.randomised[level], counted.pairs, level, LOOKS), (kind, level)
        assert holds(counted.tail[level], counted.pairs, level, LOOKS), (kind, level)
        assert holds(counted.bound[level], counted.pairs, level, LOOKS), (kind, level)
        assert counted.bound[level] <= counted.tail[level], (kind, level)


def test_p_values_hold_for_every_kind_of_text():
    pairs = 0
    for kind, counted in calibrate(count=10, keys=KEYS, seed=11):
        check(kind, counted)
        pairs += counted.pairs
    assert pairs == 450_000


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_p_values_hold_over_ten_million_pairs():
    pairs = 0
    for kind, counted in calibrate(count=120, keys=10_000, seed=12):
        check(kind, counted)
        pairs += counted.pairs
    assert pairs >= 10_000_000


def test_the_gate_sees_repeats_counted_as_observations():
    """The naive count: each occurrence is an observation, and the variance of n fair coins is expected."""
    above = pairs = 0
    rng = np.random.default_rng(1)
    for units in texts(10, 1)["repeated"]:
        counts = Counter(units)
        root = rng.bytes(32)
        words = np.array([np.frombuffer(codeword_bits(seed_of(root, str(n)), 4096), np.uint8) for n in range(500)])
        bits = np.unpackbits(words, axis=1, bitorder="little")[:, : len(counts)].astype(np.int64)
        naive = (2 * bits - 1) @ np.array(list(counts.values())) / math.sqrt(len(units))
        above += int((naive > 3.0902).sum())  # nominal 1e-3
        pairs += 500
    assert not holds(above, pairs, 1e-3)


@pytest.mark.parametrize("share", [0.52, 0.55])
def test_the_gate_sees_signs_that_are_not_fair(share):
    rng = np.random.default_rng(2)
    (vector,) = vectors(1, 3)["prose"]
    totals = np.where(rng.random((20_000, len(vector.sizes))) < share, 1, -1) @ np.array(vector.sizes)
    assert not holds(int((randomised_p(totals, vector.sizes, rng) <= 1e-2).sum()), 20_000, 1e-2)


def test_the_gate_sees_a_p_that_is_safe_and_useless():
    rng = np.random.default_rng(3)
    (vector,) = vectors(1, 3)["prose"]
    totals = scores([vector], (seed_of(b"x" * 32, str(n)) for n in range(20_000)))[0]
    p = np.minimum(1, 3 * randomised_p(totals, vector.sizes, rng))
    assert not not_too_weak(int((p <= 1e-2).sum()), 20_000, 1e-2)
    assert holds(int((p <= 1e-2).sum()), 20_000, 1e-2)
