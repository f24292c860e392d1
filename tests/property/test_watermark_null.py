"""Null calibration: keys that had no part in a text, over many (text, key) pairs, and what they are said to be.

Texts are vectors of hashed units and what the pair scheme reads; every text has fresh keys. The last tests show that
this gate sees the mistakes that it is there for. `make calibration` runs the same code over a hundred million pairs.
"""

import math
from collections import Counter
from random import Random

import pytest

from gateway.watermarks.keys import seed_of
from tests.support.needs import needs_numpy

needs_numpy()

import numpy as np  # noqa: E402

from gateway.watermarks.codewords import scores, signs  # noqa: E402
from tests.support import null_texts  # noqa: E402
from tests.support.null_counts import KINDS, LEVELS, count  # noqa: E402
from tests.support.null_gate import holds, not_too_weak, plus_distribution, randomised_p  # noqa: E402

LOOKS = len(KINDS) * len(LEVELS) * 4
"""Kinds of text, levels, and the four gates of `check`."""
TEXTS, KEYS = 28, 20_000
"""Of each kind, and for each text, in the slow run."""


def check(counted):
    for level in LEVELS:
        assert holds(counted.randomised[level], counted.pairs, level, LOOKS), level
        assert not_too_weak(counted.randomised[level], counted.pairs, level, LOOKS), level
        assert holds(counted.bound[level], counted.pairs, level, LOOKS), level
        if counted.tail_pairs:
            assert holds(counted.tail[level], counted.tail_pairs, level, LOOKS), level
    assert counted.exceeded == 0
    assert counted.worst <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_p_values_hold_for_every_kind_of_text(kind):
    counted = count(kind, texts=4, keys=2_000, seed=11)
    check(counted)
    assert counted.pairs == 8_000


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
def test_p_values_hold_over_ten_million_pairs(kind):
    counted = count(kind, TEXTS, KEYS, seed=12)
    check(counted)
    assert counted.pairs * len(KINDS) >= 10_000_000


def test_the_pair_scheme_is_read_and_not_silent():
    """Vectors without weights would pass every gate."""
    for kind, make in KINDS.items():
        vectors = [make(Random(n)).vector for n in range(6)]
        assert all(vector.sizes for vector in vectors), kind
        if kind.startswith("pairs"):
            assert sum(len(vector.sizes) for vector in vectors) >= 8 * len(vectors), kind
            assert any(weight < 0 for vector in vectors for _, weight in vector.weights), kind
            assert any(weight > 1 for vector in vectors for _, weight in vector.weights), kind


def test_the_gate_sees_repeats_counted_as_observations():
    """The naive count: each occurrence is an observation, and the variance of n fair coins is expected."""
    above = pairs = 0
    for n in range(10):
        counts = Counter(null_texts.repeated(Random(n)))
        root = Random(n).randbytes(32)
        words = np.array([signs(seed_of(root, str(key)), 4096)[: len(counts)] for key in range(500)], dtype=np.int64)
        naive = words @ np.array(list(counts.values())) / math.sqrt(counts.total())
        above += int((naive > 3.0902).sum())  # nominal 1e-3
        pairs += 500
    assert not holds(above, pairs, 1e-3)


def prose():
    vector = null_texts.KINDS["prose"](Random(3)).vector
    return vector, plus_distribution(vector.sizes)


@pytest.mark.parametrize("share", [0.52, 0.55])
def test_the_gate_sees_signs_that_are_not_fair(share):
    rng = np.random.default_rng(2)
    vector, plus = prose()
    totals = np.where(rng.random((20_000, len(vector.sizes))) < share, 1, -1) @ np.array(vector.sizes)
    assert not holds(int((randomised_p(totals, plus, rng) <= 1e-2).sum()), 20_000, 1e-2)


def test_the_gate_sees_a_p_that_is_safe_and_useless():
    rng = np.random.default_rng(3)
    vector, plus = prose()
    totals = scores([vector], (seed_of(b"x" * 32, str(n)) for n in range(20_000)))[0]
    p = np.minimum(1, 3 * randomised_p(totals, plus, rng))
    assert not not_too_weak(int((p <= 1e-2).sum()), 20_000, 1e-2)
    assert holds(int((p <= 1e-2).sum()), 20_000, 1e-2)


def test_the_gate_sees_weights_that_know_the_key():
    """A tenth of the weights turned to the side that the account favours, in a text that it had no part in."""
    rng = np.random.default_rng(4)
    vector, plus = prose()
    buckets, weights = np.array(vector.weights).T
    words = np.array([signs(seed_of(b"y" * 32, str(n)), 4096)[buckets] for n in range(4_000)], dtype=np.int64)
    turned = np.where(rng.random(words.shape) < 0.1, words * np.abs(weights), weights)
    totals = (words * turned).sum(axis=1)
    assert not holds(int((randomised_p(totals, plus, rng) <= 1e-2).sum()), 4_000, 1e-2)
