"""Pair tables from little text: rates from the model's probabilities, and three ways to find partners.

Likeness compares only words of about the same frequency. Rivals are words that the model could have written at the same
places; neighbours compare what stands beside a word (Harris 1954: words with like neighbours have like meanings).
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Final

from gateway.watermarks.pairs import MOST_PAIRS, Pair, PairTable

BAND: Final = 24
"""Words of about the same frequency among which a partner is looked for."""
NEIGHBOURS: Final = 300
"""Frequent words that count as neighbours."""
WHOLE: Final = 0.4
"""A token that is seen as a word in a smaller share of its expected occurrences mostly begins longer words."""
UNSEEN: Final = 2.3
"""A word expected less often than this may well be missing from the sample: exp(-2.3) is a tenth."""
LEAST_LETTERS: Final = 4
"""A shorter token that was never seen as a word mostly begins longer ones."""
RIVAL_P: Final = 0.002
"""A word that is less likely at a place is no rival there."""

Place = Sequence[tuple[str, float]]
"""The words that could have stood at one place, with their probabilities."""
Like = Callable[[str, str], float]


def rates_of(texts: Sequence[Sequence[str]], places: Iterable[Place]) -> dict[str, float]:
    """Word → occurrences in a million words, the most frequent first: the mean of those counted and those expected."""
    counts = Counter(word for text in texts for word in text)
    expected: dict[str, float] = {}
    for place in places:
        for word, p in place:
            expected[word] = expected.get(word, 0.0) + p
    total = counts.total()
    counted = {
        word: (counts[word] + hoped) / 2 if counts[word] else hoped
        for word, hoped in expected.items()
        if _fits(word, counts[word], hoped)
    }
    return {word: 1e6 * seen / total for word, seen in sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))}


def _fits(word: str, seen: int, expected: float) -> bool:
    if not (len(word) > 1 and word.isalpha() and word == word.lower()):
        return False
    if not seen:
        return len(word) >= LEAST_LETTERS and expected < UNSEEN
    return seen >= WHOLE * expected


def paired(rates: Mapping[str, float], tokens: Mapping[str, int], model: str, like: Like) -> PairTable:
    """Each word with the most like of the next in frequency; the first of them where none is."""
    rest = [word for word in rates if word in tokens]
    pairs: list[Pair] = []
    while len(rest) > 1 and len(pairs) < MOST_PAIRS:
        first = rest.pop(0)
        at = max(range(min(BAND, len(rest))), key=lambda i: (like(first, rest[i]), -i))
        second = rest.pop(at)
        pairs.append(Pair(first, second, tokens[first], tokens[second], rates[first], rates[second]))
    return PairTable(model, tuple(pairs))


def no_likeness(first: str, second: str) -> float:
    """Partners by frequency alone."""
    del first, second
    return 0.0


def rivals(places: Iterable[Place]) -> Like:
    """Cosine of the probabilities of two words over all places."""
    products: dict[str, dict[str, float]] = {}
    for place in places:
        likely = [(word, p) for word, p in place if p >= RIVAL_P]
        for word, p in likely:
            own = products.setdefault(word, {})
            own[word] = own.get(word, 0.0) + p * p
        for (one, p), (other, q) in combinations(likely, 2):
            for left, right in ((one, other), (other, one)):
                products[left][right] = products[left].get(right, 0.0) + p * q

    def like(first: str, second: str) -> float:
        product = products.get(first, {}).get(second, 0.0)  # above 0 only where both have a row
        return product / math.sqrt(products[first][first] * products[second][second]) if product else 0.0

    return like


def neighbours(texts: Sequence[Sequence[str]]) -> Like:
    """Cosine of the counts of frequent words beside two words; "<" before a name marks the left side."""
    counts = Counter(word for text in texts for word in text)
    common = {word for word, _ in counts.most_common(NEIGHBOURS)}
    beside: dict[str, Counter[str]] = {}
    for text in texts:
        for left, right in pairwise(text):
            if left in common:
                beside.setdefault(right, Counter())["<" + left] += 1
            if right in common:
                beside.setdefault(left, Counter())[right] += 1

    def like(first: str, second: str) -> float:
        one, other = (beside.get(word, Counter()) for word in (first, second))
        product = sum(count * other[name] for name, count in one.items() if name in other)
        return product / math.sqrt(_square(one) * _square(other)) if product else 0.0

    return like


def _square(counts: Counter[str]) -> int:
    return sum(count * count for count in counts.values())
