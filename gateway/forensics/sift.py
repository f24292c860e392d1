"""The scores of all suspects on many texts, of which only what matters is kept: memory does not grow with accounts.

The one file of this room that needs numpy, through `codewords`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Final

from gateway.forensics.eras import Era
from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.codewords import BLOCK, Scores, score_blocks, scores

BEST: Final = 5
"""Suspects that are kept for each text even where none fires."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """Of one text: (score, index of the suspect), best first, and the summed scores of each set of suspects."""

    best: tuple[tuple[int, int], ...]
    high: tuple[tuple[int, int], ...]
    """All that reach the text's `least`."""
    sums: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DecoyRow:
    """The decoys' scores on one text, in the order of the decoys; empty where they were not to be kept."""

    count: int
    squares: int
    """Σ S²."""
    best: int
    scores: tuple[int, ...]


def sift(
    vectors: Sequence[BucketVector],
    era: Era,
    least: Sequence[int],
    groups: Sequence[frozenset[int]] = (),
    best: int = BEST,
) -> list[Sifted]:
    """Score all suspects of an era. `least`: for each text, the score from which on every suspect is kept."""
    top: list[list[tuple[int, int]]] = [[] for _ in vectors]
    high: list[list[tuple[int, int]]] = [[] for _ in vectors]
    sums = [[0] * len(groups) for _ in vectors]
    begin = 0
    for block in score_blocks(vectors, (era.seed(suspect) for suspect in era.suspects)):
        for row, peak in enumerate(block.max(axis=1).tolist()):
            if len(top[row]) < best or peak > top[row][-1][0]:
                top[row] = _merged(top[row], block[row], begin, best)
            if peak >= least[row]:
                found = (block[row] >= least[row]).nonzero()[0].tolist()
                high[row] += [(int(block[row, at]), begin + at) for at in found]
        _add(sums, block, begin, groups)
        begin += BLOCK
    return [
        Sifted(tuple(top[row]), tuple(sorted(high[row], key=_best_first)), tuple(sums[row]))
        for row in range(len(vectors))
    ]


def sift_decoys(vectors: Sequence[BucketVector], seeds: Sequence[bytes], *, keep: bool = False) -> list[DecoyRow]:
    """Score an era's decoys."""
    squares = [0] * len(vectors)
    peaks: list[list[int]] = [[] for _ in vectors]
    kept: list[list[int]] = [[] for _ in vectors]
    for block in score_blocks(vectors, seeds):
        squares = [one + two for one, two in zip(squares, (block * block).sum(axis=1).tolist(), strict=True)]
        for row, peak in enumerate(block.max(axis=1).tolist()):
            peaks[row].append(peak)
            if keep:
                kept[row] += block[row].tolist()
    return [DecoyRow(len(seeds), squares[row], max(peaks[row]), tuple(kept[row])) for row in range(len(vectors))]


def scores_of(vectors: Sequence[BucketVector], seed: bytes) -> list[int]:
    """The scores of one codeword on each text."""
    return [int(score) for score in scores(vectors, [seed])[:, 0]]


def _best_first(entry: tuple[int, int]) -> tuple[int, int]:
    return -entry[0], entry[1]


def _merged(top: list[tuple[int, int]], row: Scores, begin: int, best: int) -> list[tuple[int, int]]:
    if len(top) == best:
        bound = top[-1][0]
    else:
        # Of a first block only its own best can be among the best: the rest of it is never listed.
        own = row if len(row) <= best else row[row.argpartition(-best)[-best:]]
        bound = own.min() - 1
    found = (row > bound).nonzero()[0].tolist()
    return nlargest(best, [*top, *((int(row[at]), begin + at) for at in found)], key=lambda one: (one[0], -one[1]))


def _add(sums: list[list[int]], block: Scores, begin: int, groups: Sequence[frozenset[int]]) -> None:
    """Add to each group's sums the scores of its members in this block."""
    here = range(begin, begin + block.shape[1])
    for number, group in enumerate(groups):
        members = [at - begin for at in (group if len(group) < len(here) else here) if at in here and at in group]
        if members:
            for row, total in enumerate(block[:, members].sum(axis=1).tolist()):
                sums[row][number] += total
