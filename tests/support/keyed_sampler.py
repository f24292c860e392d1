"""Marked texts without a model: units that fall on their key's + side with a stated chance of ½ + uplift."""

from random import Random

import numpy as np

from gateway.watermarks.buckets import BucketVector, bucket_of, vector_of
from gateway.watermarks.codewords import signs


def marked(rng: Random, seed: bytes, bucket_key: bytes, units: int, uplift: float, width: int = 4096) -> BucketVector:
    """A text of `units` different units, issued to the account of `seed`."""
    return vector_of(marked_buckets(rng, signs(seed, width), bucket_key, units, uplift), width)


def marked_buckets(rng: Random, word: np.ndarray, bucket_key: bytes, units: int, uplift: float) -> list[int]:
    buckets = []
    for _ in range(units):
        side = 1 if rng.random() < 0.5 + uplift else -1
        at = _unit(rng, bucket_key, len(word))
        while word[at] != side:
            at = _unit(rng, bucket_key, len(word))
        buckets.append(at)
    return buckets


def unmarked(rng: Random, bucket_key: bytes, units: int, width: int = 4096) -> BucketVector:
    return vector_of([_unit(rng, bucket_key, width) for _ in range(units)], width)


def drawn(rng: np.random.Generator, seed: bytes | None, units: int, uplift: float, width: int = 4096) -> BucketVector:
    """The same without hashing, a hundred times as fast: a unit that no text had before may fall into any bucket.

    No seed: an unmarked text.
    """
    if seed is None:
        return vector_of(rng.integers(0, width, units).tolist(), width)
    word = signs(seed, width)
    plus = int(rng.binomial(units, 0.5 + uplift))
    sides = rng.choice(np.flatnonzero(word > 0), plus), rng.choice(np.flatnonzero(word < 0), units - plus)
    return vector_of(np.concatenate(sides).tolist(), width)


def _unit(rng: Random, bucket_key: bytes, width: int) -> int:
    """The bucket of a unit that no text had before: 64 random bits do not come twice."""
    return bucket_of(bucket_key, rng.randbytes(8), width)
