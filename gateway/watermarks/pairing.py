"""Making a pair table: the words of unmarked text by frequency, each with the next as its partner.

Partners are as frequent as each other, so the mark shifts no account's text in the mean. Partners that stand in like
places were tried too, found by neighbouring words or by the model's own probabilities: neither the mark nor the text
gained anything worth its price (docs/watermark-power.md).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from gateway.watermarks.pairs import MOST_PAIRS, Pair, PairTable

LEAST_SEEN: Final = 3
"""A word that is rarer in the sample tells nothing about its rate."""


@dataclass(slots=True)
class Sample:
    """What is known of unmarked text."""

    total: int = 0
    counts: Counter[str] = field(default_factory=Counter)


def read_sample(texts: Iterable[Sequence[str]]) -> Sample:
    """Count the words of texts."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    return Sample(counts.total(), counts)


def candidates(sample: Sample, most: int = 8 * MOST_PAIRS) -> list[str]:
    """Words worth asking the tokenizer about, the most frequent first: lower case, two letters or more."""
    order = sorted(sample.counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return list(islice((word for word, seen in order if seen >= LEAST_SEEN and _fits(word)), most))


def pair_up(sample: Sample, tokens: Mapping[str, int], model: str, most: int = MOST_PAIRS) -> PairTable:
    """Pair the words that are one token each, at most `most` pairs, the most frequent first.

    Raises BadTable where there are not even two such words.
    """
    words = [word for word in candidates(sample) if word in tokens][: 2 * most]
    rate = {word: 1e6 * sample.counts[word] / sample.total for word in words}
    return PairTable(
        model,
        tuple(
            Pair(first, second, tokens[first], tokens[second], rate[first], rate[second])
            for first, second in zip(words[::2], words[1::2], strict=False)
        ),
    )


def _fits(word: str) -> bool:
    return len(word) > 1 and word.isalpha() and word == word.lower()
