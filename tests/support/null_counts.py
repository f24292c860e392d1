"""How small p-values get over many (text, key) pairs in which the key had no part in the text.

Three p-values are counted at nominal levels: Hoeffding's bound as verdicts use it, the tail as the product computes it
(where it does), and the randomised tail, which has no lattice gaps. Beside the counts stand two things that need no
chance: how often the bound lies below the probability that it bounds (never), and how far a computed tail is off.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import numpy as np

from gateway.watermarks.codewords import scores
from gateway.watermarks.keys import seed_of
from gateway.watermarks.score import Score, tail_of
from tests.support import null_pairs, null_texts
from tests.support.null_gate import plus_distribution, randomised_p, tail_above

KINDS = null_texts.KINDS | null_pairs.KINDS
LEVELS = (0.1, 1e-2, 1e-3, 1e-4, 1e-5)
ROUNDING = 1e-9
"""Of ln p: what adding up some 10,000 probabilities may lose."""


@dataclass
class Counted:
    """How many p-values of each sort lie at or below each level."""

    texts: int = 0
    pairs: int = 0
    tail_pairs: int = 0
    """Those of texts for which the product computes a tail."""
    bound: Counter[float] = field(default_factory=Counter)
    tail: Counter[float] = field(default_factory=Counter)
    randomised: Counter[float] = field(default_factory=Counter)
    exceeded: int = 0
    """Scores at which the bound lies below the probability itself."""
    worst: float = 0.0
    """The largest error of a computed tail at these levels, in units of what it states."""

    def add(self, vector, totals, rng) -> None:
        """Count one text's scores: those of keys that had no part in it."""
        self.texts += 1
        self.pairs += len(totals)
        plus = plus_distribution(vector.sizes)
        above = tail_above(plus)
        self.exceeded += _exceeded(vector, above)
        p = randomised_p(totals, plus, rng)
        leasts = {level: least_total(level, vector, above) for level in LEVELS}
        tails = {level: _tail_least(level, least, vector) for level, least in leasts.items()}
        known = None not in tails.values()
        self.tail_pairs += known * len(totals)
        for level in LEVELS:
            self.randomised[level] += int((p <= level).sum())
            self.bound[level] += int((totals >= _bound_least(level, vector)).sum())
            if known:
                self.tail[level] += int((totals >= tails[level]).sum())
            self.worst = max(self.worst, _error(leasts[level], vector, above))

    def merge(self, other: "Counted") -> None:
        self.texts += other.texts
        self.pairs += other.pairs
        self.tail_pairs += other.tail_pairs
        self.bound += other.bound
        self.tail += other.tail
        self.randomised += other.randomised
        self.exceeded += other.exceeded
        self.worst = max(self.worst, other.worst)


def count(kind: str, texts: int, keys: int, seed: int) -> Counted:
    """So many texts of a kind, each scored with so many keys of its own."""
    random, rng = Random(f"{seed} {kind}"), np.random.default_rng([seed, *kind.encode()])
    counted = Counted()
    for _ in range(texts):
        vector, root = KINDS[kind](random)
        totals = scores([vector], (seed_of(root, f"acct_{n}") for n in range(keys)))[0]
        counted.add(vector, totals, rng)
    return counted


def least_total(level, vector, above) -> int:
    """The least score that a key reaches with at most this probability; one step beyond the largest if none."""
    return 2 * int(np.argmax(above <= level)) - sum(vector.sizes)


def _bound_least(level, vector) -> int:
    """The least whole number whose bound is at or below the level."""
    least = math.floor(math.sqrt(2 * vector.squares * -math.log(level)))
    while Score(least, vector.squares).log_bound > math.log(level):
        least += 1
        if least > sum(vector.sizes):
            break
    return least


def _tail_least(level, guess, vector) -> int | None:
    """The least score whose computed tail is at or below the level, looked for near the true one; None without tail."""

    def small(total):
        log_p = tail_of(total, vector).log_p
        return None if log_p is None else log_p <= math.log(level)

    most = sum(vector.sizes) + 2
    while (found := small(guess)) is False and guess < most:
        guess += 2
    while found and (found := small(guess - 2)):
        guess -= 2
    return None if found is None else guess


def _exceeded(vector, above) -> int:
    """At how many of some 200 reachable scores the product's bound lies below the exact tail."""
    n = len(above) - 1
    found = 0
    for at in range(0, n, max(1, n // 200)):
        total = 2 * at - sum(vector.sizes)
        found += Score(total, vector.squares).log_bound < math.log(above[at]) - ROUNDING if above[at] else 0
    return found


def _error(total, vector, above) -> float:
    """How far the computed tail is off at a score, over what it says that it may be off."""
    tail, p = tail_of(total, vector), above[(total + sum(vector.sizes)) // 2]
    if tail.log_p is None or not p:
        return 0.0
    return abs(math.expm1(tail.log_p - math.log(p))) / max(tail.relative_error or 0.0, ROUNDING)
