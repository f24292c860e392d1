"""What it takes for an answer to count as a source of a text.

Either of two things, both about one answer:

- **rare grams**: at least `GRAMS` different ones of its kept grams stand within `REACH` words of the text, each said by
  about `RARE` accounts at most (`most_holders`). Idioms, boilerplate and what every answer says do not count.
- **a run**: kept grams that follow each other in the answer follow each other in the text at most eight words apart
  (as winnowing leaves them), over `RUN` words or more. A run counts even if a thousand accounts were served it.

Chance. A fingerprint has 40 bits and its key is secret, so an unrelated gram has a given one with probability 2^-40.
A text of W words has W windows of 64 words, each with at most 64 grams; an answer has n fingerprints. Among N answers
the expected number of false sources by rare grams is at most

    N · W · C(64, 3) · (n / 2^40)^3

which is 6.7e-18 for N = 1e6, W = 375, n = 83, and 3.3e-9 if every one of the million answers had 65,535 fingerprints,
the most that are kept. A run of 24 words spans at least four fingerprints, so it is rarer still. What remains is no
matter of hashes: people who write about one thing share idioms. tests/property/test_registry_chance.py measures both.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from gateway.registry.grams import GRAM
from gateway.registry.sketch import WINDOW
from gateway.registry.units import WORD

GRAMS: Final = 3
REACH: Final = 64 * WORD
"""Half words."""
RARE: Final = 32
"""Accounts."""
RUN: Final = 24 * WORD
"""Half words."""
REPEATS: Final = 16
"""Places of one gram in the text that are followed: a text may repeat itself a thousand times."""

Hit = tuple[int, int]
"""The how manieth fingerprint of the answer it is, and the number of the gram in the text."""
Places = Sequence[Sequence[int]]
"""Where each gram of the text begins, in half words, rising."""


class Run(NamedTuple):
    """A stretch of the text, in half words."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


NO_RUN: Final = Run(0, 0)


def most_holders(fingerprint: bytes) -> int:
    """The accounts that may be known to hold a gram which `RARE` accounts said; 0: it cannot be told to be rare.

    Known are those in whose answers the gram was kept. A hash that is smaller than a share q of all hashes is the
    smallest of some window of eight that holds it with probability q^7 · (1 + 7 · (1 − q)), so a gram with a large hash
    was said by far more accounts than are known to hold it.
    """
    q = 1 - int.from_bytes(fingerprint, "big") / 2 ** (8 * len(fingerprint))
    return int(RARE * q**7 * (1 + 7 * (1 - q)))


def densest(hits: Iterable[Hit], places: Places) -> int:
    """The most different grams that stand within `REACH` of the text."""
    standing = sorted((place, gram) for gram in {gram for _, gram in hits} for place in places[gram][:REPEATS])
    inside: Counter[int] = Counter()
    window: deque[Hit] = deque()
    most = 0
    for place, gram in standing:
        window.append((place, gram))
        inside[gram] += 1
        while place - window[0][0] > REACH - GRAM:
            _, gone = window.popleft()
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
        most = max(most, len(inside))
    return most


def longest_run(hits: Iterable[Hit], places: Places) -> Run:
    """The longest stretch of the text whose grams the answer holds one after the other."""
    best = NO_RUN
    before: Mapping[int, int] = {}
    """Where a run that ends with the fingerprint before began, by the place of that fingerprint's gram."""
    last = -2
    for order, gram in sorted(set(hits)):
        starts = before if order == last + 1 else {}
        now: dict[int, int] = {}
        for place in places[gram][:REPEATS]:
            linked = [start for other, start in starts.items() if 0 < place - other <= WINDOW]
            now[place] = min(linked, default=place)
            if place + GRAM - now[place] > best.length:
                best = Run(now[place], place + GRAM)
        before, last = now, order
    return best


def is_source(hits: Sequence[Hit], places: Places, rare: Collection[int]) -> bool:
    """Whether the answer counts; `rare` has the grams of the text that are."""
    if densest([hit for hit in hits if hit[1] in rare], places) >= GRAMS:
        return True
    return longest_run(hits, places).length >= RUN
