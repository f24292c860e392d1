"""The two proofs of attribution among 100,000 accounts: with hashed units, and with the pair scheme as it is.

As many unmarked texts as marked ones, of the same lengths.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from gateway.watermarks.keys import KeyPath, Master, Purpose, seed_of
from gateway.watermarks.scheme import PairScheme
from tests.support.attribution import Outcome, Text, attribute
from tests.support.keyed_sampler import drawn
from tests.support.keyed_writer import some_table
from tests.support.pair_sampler import PairSampler

ACCOUNTS = 100_000
MASTER = Master(b"m" * 32)

HASHED = tuple(
    (uplift, units)
    for uplift, half, nearly_all in ((0.15, 662, 1201), (0.2, 348, 605), (0.25, 216, 363), (0.3, 148, 238))
    for units in (half, nearly_all)
)
"""Uplift and units for a chance of 50 % and of 99 %: the table for 100,000 accounts in docs/watermark.md."""

PAIRS = tuple((uplift, words) for uplift in (0.15, 0.25, 0.35) for words in (500, 1_000, 2_000, 4_000))
"""Uplift and words."""


def root(purpose: Purpose, layer="account") -> bytes:
    return MASTER.root(KeyPath(purpose, 1, "test", "2026-q4", layer))


def name(number: int) -> str:
    return f"acct_{number}"


def seeds_of(accounts: int) -> list[bytes]:
    """Of the first so many accounts."""
    return [seed_of(root("codeword"), name(number)) for number in range(accounts)]


def hashed_texts(each: int, seeds: Sequence[bytes], seed: int) -> Iterator[Text]:
    """So many marked and so many unmarked texts of each length and uplift."""
    rng = np.random.default_rng(seed)
    for label in HASHED:
        uplift, units = label
        for owner in rng.integers(0, len(seeds), each).tolist():
            yield Text(drawn(rng, seeds[owner], units, uplift), owner, label)
            yield Text(drawn(rng, None, units, 0.0), None, label)


def pair_texts(each: int, accounts: int, seed: int, quarters: int = 1) -> Iterator[Text]:
    """The same as the pair scheme reads them: of both layers, the account's share is what is scored."""
    rng, table = np.random.default_rng(seed), some_table()
    sampler = PairSampler(table, root("codeword"), root("codeword", "provider"), provider_quarters=quarters)
    scheme = PairScheme(table, provider_quarters=quarters)
    for label in PAIRS:
        uplift, words = label
        for owner in rng.integers(0, accounts, each).tolist():
            text = sampler.words(rng, words, sampler.favoured(name(owner)), uplift)
            yield Text(scheme.read_words(text).account[0], owner, label)
            yield Text(scheme.read_words(sampler.words(rng, words)).account[0], None, label)


def hashed_run(each: int, accounts: int = ACCOUNTS, seed: int = 21) -> Outcome:
    seeds = seeds_of(accounts)
    return attribute(hashed_texts(each, seeds, seed), seeds)


def pair_run(each: int, accounts: int = ACCOUNTS, seed: int = 22) -> Outcome:
    return attribute(pair_texts(each, accounts, seed), seeds_of(accounts))
