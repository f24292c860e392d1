"""Codewords of ±1, one sign per bucket, and the scores of a hundred thousand of them in one pass.

Nothing is stored: codewords are made again when they are needed (`signs`). Accounts are taken in blocks, so memory does
not grow with their number, only the scores do (8 bytes for each text and account).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.signs import codeword_bits

BLOCK: Final = 512
"""Accounts at a time: 512 codewords of 65,536 signs are 4 MiB of bits."""

_EXACT: Final = 1 << 24
"""Whole numbers below this are exact in a 32-bit float, and so is every sum that stays below it."""

Scores = NDArray[np.int64]


def signs(seed: bytes, width: int) -> NDArray[np.int8]:
    """The signs of one codeword, ±1, in bucket order: what a marker needs."""
    bits = np.unpackbits(np.frombuffer(codeword_bits(seed, width), dtype=np.uint8), bitorder="little")
    return (2 * bits.astype(np.int8) - 1).astype(np.int8)


def scores(vectors: Sequence[BucketVector], seeds: Iterable[bytes]) -> Scores:
    """S = Σ w·s of every text (row) and every seed (column), exact.

    Raises ValueError for texts of different widths, and for weights that sum to 2^24 or more.
    """
    blocks = list(score_blocks(vectors, seeds))
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((len(vectors), 0), dtype=np.int64)


def score_blocks(vectors: Sequence[BucketVector], seeds: Iterable[bytes]) -> Iterator[Scores]:
    """As `scores`, but a block of accounts at a time, for callers that keep only the best."""
    if len({vector.width for vector in vectors}) != 1:
        raise ValueError("texts that are scored together have one width, and there is one at least")
    if max(sum(vector.sizes) for vector in vectors) >= _EXACT:
        raise ValueError("the weights of a text sum to 2^24 or more: the scores would not be exact")
    width = vectors[0].width
    columns = np.array(sorted({bucket for vector in vectors for bucket, _ in vector.weights}), dtype=np.int64)
    weights = _dense(vectors, columns)
    sums = weights.sum(axis=0, dtype=np.int64)
    byte, shift = columns >> 3, (columns & 7).astype(np.uint8)
    rest = iter(seeds)
    while block := list(islice(rest, BLOCK)):
        raw = np.frombuffer(b"".join(codeword_bits(seed, width) for seed in block), dtype=np.uint8)
        bits = (raw.reshape(len(block), width // 8)[:, byte] >> shift) & np.uint8(1)
        # S = Σ w·(2b − 1) = 2·Σ w·b − Σ w
        plus = (bits.astype(np.float32) @ weights).astype(np.int64)
        yield (2 * plus - sums).T


def _dense(vectors: Sequence[BucketVector], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """The weights as a matrix: a row for each bucket that any text uses, a column for each text."""
    dense = np.zeros((len(columns), len(vectors)), dtype=np.float32)
    for at, vector in enumerate(vectors):
        if vector.weights:
            buckets, weights = zip(*vector.weights, strict=True)
            dense[np.searchsorted(columns, buckets), at] = weights
    return dense
