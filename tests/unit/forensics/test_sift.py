"""What is kept of many scores is what sorting them all would give."""

from random import Random

from tests.support.needs import needs_numpy

needs_numpy()

from gateway.forensics.sift import BEST, scores_of, sift  # noqa: E402
from gateway.watermarks.codewords import BLOCK, scores  # noqa: E402
from tests.support.forensic import Words, era, text  # noqa: E402

ERA = era(2 * BLOCK + 77)


def vectors(count):
    rng = Random(1)
    return [Words().read(text(rng, 100)).account[0] for _ in range(count)]


def test_the_best_the_high_and_the_sums():
    some = vectors(7)
    groups = [frozenset({0, BLOCK, 2 * BLOCK + 76}), frozenset(range(BLOCK + 5)), frozenset({3})]
    least = [15 + 3 * at for at in range(7)]
    every = scores(some, (ERA.seed(suspect) for suspect in ERA.suspects)).tolist()
    for row, found in enumerate(sift(some, ERA, least, groups)):
        order = sorted(range(len(every[row])), key=lambda at: (-every[row][at], at))
        assert list(found.best) == [(every[row][at], at) for at in order[:BEST]]
        assert list(found.high) == [(every[row][at], at) for at in order if every[row][at] >= least[row]]
        assert list(found.sums) == [sum(every[row][at] for at in group) for group in groups]


def test_one_seed_on_many_texts():
    some = vectors(3)
    every = scores(some, [ERA.seed(ERA.suspects[9])])
    assert scores_of(some, ERA.seed(ERA.suspects[9])) == [row[0] for row in every.tolist()]


def test_an_era_of_fewer_than_are_kept():
    small = era(2)
    (found,) = sift(vectors(1), small, [0])
    assert len(found.best) == 2
