"""Codewords and scores: against sums by hand, a hundred thousand accounts in bounded memory, frozen signs."""

import tracemalloc
from hashlib import sha256
from random import Random

import pytest

from gateway.watermarks.buckets import BucketVector, vector_of
from gateway.watermarks.keys import seed_of
from tests.support.needs import needs_numpy

needs_numpy()

import numpy as np  # noqa: E402

from gateway.watermarks.codewords import BLOCK, codeword_bits, score_blocks, scores, signs  # noqa: E402

ROOT = b"r" * 32


def seeds(count, root=ROOT):
    return [seed_of(root, f"acct_{n}") for n in range(count)]


def some_vector(rng, units, width):
    return vector_of([rng.randrange(width) for _ in range(units)], width)


def by_hand(vector, seed):
    bits = codeword_bits(seed, vector.width)
    return sum(weight * (1 if bits[at // 8] >> at % 8 & 1 else -1) for at, weight in vector.weights)


@pytest.mark.parametrize("width", [8, 4096, 65_536])
def test_scores_are_the_sums_by_hand(width):
    rng = Random(width)
    vectors = [some_vector(rng, units, width) for units in (1, 40, 700)]
    vectors.append(vector_of([], width))
    vectors.append(BucketVector(width, ((0, -3), (width - 1, 5)), 8))
    some = seeds(BLOCK + 20)
    got = scores(vectors, some)
    assert got.shape == (len(vectors), len(some))
    assert np.array_equal(got, [[by_hand(vector, seed) for seed in some] for vector in vectors])


def test_the_signs_of_a_marker_are_those_of_the_detector():
    seed = seed_of(ROOT, "acct_1")
    word = signs(seed, 64)
    assert set(word.tolist()) == {-1, 1}
    one_each = [BucketVector(64, ((at, 1),), 1) for at in range(64)]
    assert scores(one_each, [seed])[:, 0].tolist() == word.tolist()


def test_the_signs_are_frozen():
    """Another bit order or another hash would lose every mark ever issued."""
    bits = codeword_bits(bytes(32), 4096)
    assert sha256(bits).hexdigest() == "5e27a721ae7877c19dc4f7aef8ebaadbffa933fafbba04b276289b5d0106eb9b"
    assert signs(bytes(32), 16).tolist() == [-1, -1, -1, 1, 1, -1, -1, 1, -1, -1, 1, -1, -1, 1, 1, -1]


def test_a_narrow_codeword_is_the_start_of_the_wide_one():
    assert codeword_bits(ROOT, 65_536)[:512] == codeword_bits(ROOT, 4096)


def test_codewords_are_balanced_and_strangers_to_each_other():
    words = np.array([signs(seed, 4096) for seed in seeds(300)], dtype=np.int64)
    assert np.abs(words.sum(axis=1)).max() < 5 * 64  # standard deviation 64
    assert np.abs(words.sum(axis=0)).max() < 5.5 * 300**0.5
    products = words @ words.T - 4096 * np.eye(300, dtype=np.int64)
    assert np.abs(products).max() < 6 * 64
    assert abs((products**2).mean() / 4096 - 1) < 0.05


def test_a_hundred_thousand_accounts_in_one_pass_and_bounded_memory():
    vector = some_vector(Random(1), 300, 4096)
    tracemalloc.start()
    try:
        best, sum_squares, seen = -(10**9), 0, 0
        for block in score_blocks([vector], (seed_of(ROOT, f"acct_{n}") for n in range(100_000))):
            best = max(best, int(block.max()))
            sum_squares += int((block**2).sum())
            seen += block.shape[1]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen == 100_000
    assert peak < 8 << 20
    assert abs(sum_squares / seen / vector.squares - 1) < 0.02  # 4.5 standard deviations
    assert best < 6 * vector.squares**0.5


def test_blocks_do_not_show():
    vector = some_vector(Random(2), 50, 4096)
    some = seeds(2 * BLOCK + 1)
    assert np.array_equal(scores([vector], some)[:, BLOCK:], scores([vector], some[BLOCK:]))
    assert scores([vector], []).shape == (1, 0)


def test_texts_of_two_widths_are_not_mixed():
    with pytest.raises(ValueError, match="one width"):
        scores([vector_of([1], 8), vector_of([1], 16)], seeds(1))
    with pytest.raises(ValueError, match="one at least"):
        scores([], seeds(1))


def test_weights_that_would_be_rounded_are_refused():
    fine = BucketVector(8, ((0, (1 << 24) - 2), (1, 1)), 2)
    assert abs(int(scores([fine], seeds(1))[0, 0])) in {(1 << 24) - 1, (1 << 24) - 3}
    with pytest.raises(ValueError, match="exact"):
        scores([BucketVector(8, ((0, 1 << 24),), 1)], seeds(1))
