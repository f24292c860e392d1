"""The mark as `logit_bias`: one word of each pair, chosen by the signs of its layer's owner."""

import json

import pytest

from gateway.watermarks.keys import seed_of
from gateway.watermarks.layout import bucket, layer_of
from gateway.watermarks.marking import KEPT, PROVIDER, Manner, Marker
from gateway.watermarks.signs import codeword_bits, is_plus
from tests.support.keyed_writer import ACCOUNTS, PROVIDERS, some_table

TABLE = some_table(40)
FULL = Manner(1024, 2.0)


def marker(**changes):
    return Marker(TABLE, ACCOUNTS, PROVIDERS, **changes)


def sides(tokens):
    """+1 or −1 by pair, None where neither word is favoured."""
    return [(1 if 2 * n in tokens else -1 if 2 * n + 1 in tokens else None) for n in range(len(TABLE.pairs))]


def signs(seed, number=0):
    bits = codeword_bits(seed, 4096)
    return [1 if is_plus(bits, bucket(n, number)) else -1 for n in range(len(TABLE.pairs))]


@pytest.mark.parametrize("quarters", [0, 1, 2])
@pytest.mark.parametrize("number", [0, 3])
def test_each_pair_follows_the_sign_of_its_layers_owner(quarters, number):
    found = sides(marker(lists=4, provider_quarters=quarters).mark("a", 0, number, FULL).tokens())
    own, provider = signs(seed_of(ACCOUNTS, "a"), number), signs(seed_of(PROVIDERS, PROVIDER), number)
    assert found == [(provider if layer_of(n, quarters) == "provider" else own)[n] for n in range(len(TABLE.pairs))]


@pytest.mark.parametrize(("layers", "kept"), [({"account"}, 30), ({"provider"}, 10), (set(), 0)])
def test_a_layer_that_is_off_has_no_entries(layers, kept):
    found = sides(marker().mark("a", 0, 0, Manner(1024, 2.0, frozenset(layers))).tokens())
    assert sum(side is not None for side in found) == kept
    assert all(side is None for n, side in enumerate(found) if layer_of(n, 1) not in layers)


def test_few_entries_go_to_the_first_pairs():
    found = sides(marker().mark("a", 0, 0, Manner(7, 2.0)).tokens())
    assert [side is not None for side in found] == [True] * 7 + [False] * 33
    assert marker().mark("a", 0, 0, Manner(0, 2.0)).json == b"{}"


@pytest.mark.parametrize(("strength", "value"), [(2.0, 2), (0.25, 0.25), (1.5, 1.5)])
def test_the_json_is_the_value_of_the_field(strength, value):
    mark = marker().mark("a", 0, 0, Manner(1024, strength))
    assert json.loads(mark.json) == {str(token): value for token in mark.tokens()}
    assert b" " not in mark.json


def test_another_account_roll_or_list_is_another_mark():
    made = marker(lists=2)
    marks = {made.mark(*who, FULL).tokens() for who in (("a", 0, 0), ("b", 0, 0), ("a", 1, 0), ("a", 0, 1))}
    assert len(marks) == 4
    assert made.mark("a", 0, 0, FULL) == marker(lists=2).mark("a", 0, 0, FULL)


def test_a_mark_is_made_once_and_the_oldest_is_forgotten():
    made = marker()
    first = made.mark("a", 0, 0, FULL)
    assert made.mark("a", 0, 0, FULL) is first
    for n in range(KEPT - 1):
        made.mark(f"b{n}", 0, 0, FULL)
    assert made.mark("a", 0, 0, FULL) is first  # used again, so no longer the oldest
    for n in range(KEPT):
        made.mark(f"c{n}", 0, 0, FULL)
    assert made.mark("a", 0, 0, FULL) is not first


def test_what_is_favoured_shows_in_no_repr():
    mark = marker().mark("a", 0, 0, FULL)
    assert repr(mark) == "Mark()"


@pytest.mark.parametrize("bad", [{"lists": 0}, {"lists": 5}, {"provider_quarters": 3}, {"provider_quarters": -1}])
def test_more_lists_or_quarters_than_there_are_are_refused(bad):
    with pytest.raises(ValueError, match="1 to 4 lists"):
        marker(**bad)
