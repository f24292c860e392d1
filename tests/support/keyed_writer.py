"""Texts without a model: words drawn by their rates, a pair's favoured word with a stated chance of ½ + uplift."""

from collections.abc import Iterable
from itertools import product
from random import Random

from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.keys import seed_of
from gateway.watermarks.marking import Manner, Marker
from gateway.watermarks.pairs import Pair, PairTable
from gateway.watermarks.score import Score
from gateway.watermarks.signs import codeword_bits, is_plus

ACCOUNTS, PROVIDERS = b"a" * 32, b"p" * 32
_CONSONANTS, _VOWELS = "bdfgklmnprstv", "aeiou"


def some_words(count: int) -> list[str]:
    """Different words of four letters, none of which is English by intent."""
    parts = product(_CONSONANTS, _VOWELS, _CONSONANTS, _VOWELS)
    return ["".join(next(parts)) for _ in range(count)]


def some_table(pairs: int = 1024, share: float = 0.6) -> PairTable:
    """Pairs with the rates of Zipf's law; all of them together are this share of a text."""
    words = some_words(2 * pairs)
    whole = sum(1 / (rank + 10) for rank in range(pairs))
    rates = [1e6 * share / whole / (rank + 10) / 2 for rank in range(pairs)]
    return PairTable(
        "made up",
        tuple(Pair(words[2 * n], words[2 * n + 1], 2 * n, 2 * n + 1, rate, rate) for n, rate in enumerate(rates)),
    )


def favoured(table: PairTable, account: str, quarters: int = 1, entries: int = 1024) -> frozenset[int]:
    """The tokens that an account's mark favours."""
    marker = Marker(table, ACCOUNTS, PROVIDERS, provider_quarters=quarters)
    return marker.mark(account, 0, 0, Manner(entries, 2.0)).tokens()


def write(rng: Random, table: PairTable, tokens: Iterable[int], words: int, uplift: float = 0.25) -> list[str]:
    """So many words; those of the pairs lean to `tokens`, the others carry nothing. No tokens: unmarked."""
    favour = frozenset(tokens)
    rates = [pair.first_rate + pair.second_rate for pair in table.pairs]
    plain = 1e6 - sum(rates)
    out = []
    for pair in rng.choices([None, *table.pairs], [plain, *rates], k=words):
        if pair is None:
            out.append(f"x{rng.choice(_VOWELS)}x")
            continue
        first = rng.random() < (0.5 + uplift if pair.first_token in favour else 0.5 - uplift)
        out.append(pair.first if (first if favour else rng.random() < 0.5) else pair.second)
    return out


def prose(rng: Random, words: Iterable[str]) -> str:
    """The words as sentences and paragraphs."""
    ends = rng.choices((" ", ", ", ". ", ".\n\n"), (85, 8, 6, 1), k=len(kept := list(words)))
    return "".join(word + end for word, end in zip(kept, ends, strict=True))


def score_of(vector: BucketVector, account: str) -> Score:
    """An account's score, in plain Python."""
    bits = codeword_bits(seed_of(ACCOUNTS, account), vector.width)
    return Score(sum(w if is_plus(bits, b) else -w for b, w in vector.weights), vector.squares)
