"""The pair scheme as the detector sees it: vectors without keys, one for each list and layer."""

from random import Random

import pytest

from gateway.watermarks.contrast import contrasts
from gateway.watermarks.keys import seed_of
from gateway.watermarks.layout import WIDTH, bucket, layer_of
from gateway.watermarks.marking import PROVIDER
from gateway.watermarks.scheme import PairScheme
from gateway.watermarks.score import Score
from gateway.watermarks.signs import codeword_bits, is_plus
from tests.support.keyed_writer import PROVIDERS, favoured, prose, score_of, some_table, write

TABLE = some_table()
WORDS = write(Random(3), TABLE, favoured(TABLE, "owner"), 1500)
TEXT = prose(Random(3), WORDS)


@pytest.mark.parametrize("quarters", [0, 1, 2])
@pytest.mark.parametrize("lists", [1, 4])
def test_every_weight_stands_in_the_bucket_of_its_pair(quarters, lists):
    reading = PairScheme(TABLE, lists=lists, provider_quarters=quarters).read(TEXT)
    weights = contrasts(WORDS, TABLE)
    assert len(reading.account) == len(reading.provider) == lists
    for number in range(lists):
        for layer in ("account", "provider"):
            vector = getattr(reading, layer)[number]
            expected = {bucket(n, number): w for n, w in weights.items() if layer_of(n, quarters) == layer}
            assert dict(vector.weights) == expected
            assert (vector.width, vector.units) == (WIDTH, len(expected))
            assert [at for at, _ in vector.weights] == sorted(expected)


def test_what_was_read_is_counted():
    reading = PairScheme(TABLE).read(TEXT + "\n```\nbaba\n```\nhttps://example.com/")
    known = {word for pair in TABLE.pairs for word in (pair.first, pair.second)}
    assert (reading.words, reading.left_out) == (1500, 2)
    assert reading.scored == sum(word in known for word in WORDS)


def test_texts_can_be_read_together():
    scheme = PairScheme(TABLE)
    assert scheme.read_words(WORDS[:700] + WORDS[700:]) == scheme.read(TEXT)


def test_the_empty_text_says_nothing():
    reading = PairScheme(TABLE).read("")
    assert (reading.words, reading.scored, reading.account[0].weights) == (0, 0, ())


def test_a_marked_text_shows_its_owner_and_nobody_else():
    vector = PairScheme(TABLE).read(TEXT).account[0]
    assert score_of(vector, "owner").z > 7
    assert all(abs(score_of(vector, f"other_{n}").z) < 5 for n in range(50))


def test_a_marked_text_shows_the_provider_on_its_own_pairs():
    vector = PairScheme(TABLE).read(TEXT).provider[0]
    bits = codeword_bits(seed_of(PROVIDERS, PROVIDER), WIDTH)
    total = sum(w if is_plus(bits, at) else -w for at, w in vector.weights)
    assert Score(total, vector.squares).z > 4


def test_a_mark_of_one_list_does_not_show_in_another():
    readings = PairScheme(TABLE, lists=2).read(TEXT).account
    assert score_of(readings[0], "owner").z > 7
    assert abs(score_of(readings[1], "owner").z) < 5
