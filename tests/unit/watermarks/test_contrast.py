"""Weights of pairs: odd, bounded, whole, and no weight for what a text does not hold."""

import math
from random import Random

import pytest

from gateway.watermarks.contrast import SCALE, SPREAD, contrasts
from gateway.watermarks.pairs import Pair, PairTable
from tests.support.keyed_writer import some_table, write

RARE = PairTable("m", (Pair("up", "down", 1, 2, 10.0, 10.0),))
COMMON = PairTable("m", (Pair("the", "it", 1, 2, 60_000.0, 14_000.0),))


def one(table, first, second, words=1000):
    pair = table.pairs[0]
    return contrasts([pair.first] * first + [pair.second] * second + ["x"] * (words - first - second), table).get(0, 0)


def by_hand(difference, mean):
    return round(SCALE * math.tanh(difference / (1 + SPREAD * mean) / 2))


def test_neither_word_is_no_weight():
    assert contrasts([], COMMON) == {}
    assert one(RARE, 0, 0) == one(COMMON, 0, 0) == 0


@pytest.mark.parametrize(("first", "second"), [(1, 0), (0, 1), (2, 0), (3, 1), (0, 40)])
def test_the_weight_is_the_expected_sign(first, second):
    assert one(RARE, first, second) == by_hand(first - second, 0.02)


def test_a_word_seen_once_has_nearly_half_a_voice_and_many_times_one():
    assert one(RARE, 1, 0) == round(0.46 * SCALE)
    assert one(RARE, 9, 0) == one(RARE, 500, 0) == SCALE


def test_what_is_expected_is_taken_off():
    assert one(COMMON, 60, 14) == 0
    assert one(COMMON, 70, 14) == by_hand(10, 74) == -one(COMMON, 50, 14)
    assert one(COMMON, 30, 30) < 0  # as often as each other is too rarely for the first


def test_the_words_of_a_pair_change_places_and_the_sign():
    table = some_table(200)
    turned = PairTable(
        table.model,
        tuple(
            Pair(p.second, p.first, p.second_token, p.first_token, p.second_rate + 9, p.first_rate) for p in table.pairs
        ),
    )
    straight = PairTable(
        table.model,
        tuple(
            Pair(p.first, p.second, p.first_token, p.second_token, p.first_rate, p.second_rate + 9) for p in table.pairs
        ),
    )
    words = write(Random(1), table, (), 2000)
    weights = contrasts(words, straight)
    assert {at: -weight for at, weight in contrasts(words, turned).items()} == weights
    assert len(set(weights.values())) > 10
    assert all(isinstance(weight, int) and 0 < abs(weight) <= SCALE for weight in weights.values())


def test_the_order_of_words_does_not_matter():
    table, rng = some_table(200), Random(2)
    words = write(rng, table, (), 500)
    assert contrasts(rng.sample(words, len(words)), table) == contrasts(words, table)


def test_capitals_are_other_words():
    """A capital word has a token of its own, which carries no mark."""
    assert contrasts(["The", "UP", "it"], COMMON)[0] < 0
    assert contrasts(["Up", "Down"], RARE) == {}
