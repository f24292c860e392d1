"""Making a table: which words fit, which of them belong together, and what is said of their rates."""

from random import Random

import pytest

from gateway.watermarks.pairing import LEAST_SEEN, candidates, pair_up, read_sample
from gateway.watermarks.pairs import BadTable
from tests.support.keyed_writer import some_words

MANY = some_words(200)


def tokens(words):
    return {word: at for at, word in enumerate(words)}


def sample(counts):
    return read_sample([[word] * count for word, count in counts.items()])


def test_words_that_fit_come_by_frequency():
    seen = sample({"alpha": 5, "beta": 9, "gamma": 3, "rare": LEAST_SEEN - 1, "Capital": 9, "a": 9, "don't": 9})
    assert candidates(seen) == ["beta", "alpha", "gamma"]
    assert candidates(seen, 2) == ["beta", "alpha"]


def test_only_words_of_one_token_are_paired():
    table = pair_up(sample(dict.fromkeys(MANY[:6], 5)), tokens(MANY[1:5]), "m")
    assert [(p.first, p.second, p.first_token, p.second_token) for p in table.pairs] == [
        (MANY[1], MANY[2], 0, 1),
        (MANY[3], MANY[4], 2, 3),
    ]


def test_rates_are_occurrences_in_a_million():
    (pair,) = pair_up(sample({"alpha": 30, "beta": 10}), tokens(("alpha", "beta")), "m").pairs
    assert (pair.first, pair.first_rate, pair.second_rate) == ("alpha", 750_000, 250_000)


def test_partners_are_next_to_each_other_in_frequency():
    counts = {word: 2000 - 10 * n for n, word in enumerate(MANY[:151])}
    table = pair_up(sample(counts), tokens(MANY), "m")
    assert [word for pair in table.pairs for word in (pair.first, pair.second)] == MANY[:150]


def test_words_as_frequent_as_each_other_come_by_name():
    table = pair_up(
        sample({"beta": 4, "alpha": 4, "delta": 4, "gamma": 4}), tokens(("gamma", "delta", "beta", "alpha")), "m"
    )
    assert [(pair.first, pair.second) for pair in table.pairs] == [("alpha", "beta"), ("delta", "gamma")]


def test_at_most_so_many_pairs():
    assert len(pair_up(sample(dict.fromkeys(MANY, 5)), tokens(MANY), "m", most=7).pairs) == 7


def test_the_same_sample_makes_the_same_table():
    texts = [Random(n).choices(MANY, k=400) for n in range(20)]
    tables = {pair_up(read_sample(order), tokens(MANY), "m").digest for order in (texts, texts[::-1], iter(texts))}
    assert len(tables) == 1


@pytest.mark.parametrize("counts", [{}, {"alpha": 9}])
def test_too_few_words_make_no_table(counts):
    with pytest.raises(BadTable, match="found 0"):
        pair_up(sample(counts), tokens(("alpha",)), "m")
