"""Sorts fingerprints. The one file of the room that needs numpy, and only `gateway registry compact` loads it."""

from collections.abc import Sequence

import numpy as np

from gateway.registry.segment import rest_bytes
from gateway.registry.sketch import HASH_BYTES


def columns(fingerprints: Sequence[bytes]) -> list[bytes]:
    """Directory, rests, documents and orders of a segment (segment.py), of each answer's fingerprints.

    Memory: about 40 bytes for each fingerprint, 220 MB for a log of 32 MiB.
    """
    counts = np.array([len(one) // HASH_BYTES for one in fingerprints], dtype=np.int64)
    raw = np.frombuffer(b"".join(fingerprints), dtype=np.uint8).reshape(-1, HASH_BYTES)
    keys = np.zeros(len(raw), dtype=np.uint64)
    for column in range(HASH_BYTES):
        keys = (keys << np.uint64(8)) | raw[:, column].astype(np.uint64)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    rest = rest_bytes(len(raw))
    tops = np.arange((1 << 8 * (HASH_BYTES - rest)) + 1, dtype=np.uint64) << np.uint64(8 * rest)
    documents = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
    starts = np.cumsum(counts) - counts
    orders = (np.arange(len(raw), dtype=np.int64) - np.repeat(starts, counts)).astype(np.uint16)
    return [
        np.searchsorted(keys, tops, side="left").astype("<u4").tobytes(),
        raw[order, HASH_BYTES - rest :].tobytes(),
        documents[order].astype("<u4").tobytes(),
        orders[order].astype("<u2").tobytes(),
    ]
