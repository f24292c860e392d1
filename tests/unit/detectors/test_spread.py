"""Linear counting beside the true number, and the two days it looks back."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detectors.key_spread import KeySpread
from gateway.detectors.spread import BITS, DAY_MS, Spread
from tests.support.some_facts import facts

NOON = 20_000 * DAY_MS + DAY_MS // 2


def standard_error(number):
    """Whang et al. 1990, theorem 4.2, times the number: √(m·(eᵗ − t − 1)) with t = n/m."""
    load = number / BITS
    return math.sqrt(BITS * (math.exp(load) - load - 1))


@pytest.mark.parametrize("number", [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
def test_the_error_is_that_of_the_paper(number):
    """Over 100 sets of items: the mean is right, and so is the spread."""
    errors = []
    for trial in range(100):
        spread = Spread()
        for item in range(number):
            spread.add(f"{trial}/{item}", NOON)
        errors.append(spread.estimate(NOON) - number)
    expected = standard_error(number)
    assert abs(sum(errors) / 100) <= 0.5 + 5 * expected / math.sqrt(100) + 0.01 * number
    assert math.sqrt(sum(error**2 for error in errors) / 100) <= 0.5 + 1.6 * expected


def test_what_the_docstring_says_of_the_error():
    assert standard_error(18) < 1
    assert standard_error(128) / 128 < 0.05
    assert standard_error(1000) / 1000 < 0.11


def test_a_full_map_says_so_much_and_no_more():
    spread = Spread()
    for item in range(20_000):
        spread.add(str(item), NOON)
    assert spread.estimate(NOON) == round(BITS * math.log(BITS)) == 1420


@given(st.lists(st.integers(0, 30), min_size=1, max_size=100))
def test_order_and_repetition_say_nothing(items):
    one, other = Spread(), Spread()
    for item in items:
        one.add(str(item), NOON)
    for item in sorted(set(items), reverse=True):
        other.add(str(item), NOON)
    assert one.estimate(NOON) == other.estimate(NOON) <= 40


@pytest.mark.parametrize(
    ("later_ms", "expected"),
    [(0, 1), (DAY_MS // 2 - 1, 1), (DAY_MS, 1), (3 * DAY_MS // 2 - 1, 1), (3 * DAY_MS // 2, 0), (9 * DAY_MS, 0)],
)
def test_it_looks_back_to_yesterdays_beginning(later_ms, expected):
    spread = Spread()
    spread.add("192.0.2.0/24", NOON)
    assert spread.estimate(NOON + later_ms) == expected


def test_both_days_count_together():
    spread = Spread()
    spread.add("a", NOON)
    spread.add("a", NOON + DAY_MS)
    assert spread.estimate(NOON + DAY_MS) == 1
    assert spread.estimate(NOON + 2 * DAY_MS) == 1, "seen yesterday"


def test_a_clock_that_steps_back_forgets_nothing():
    spread, back = Spread(), NOON - 5 * DAY_MS
    for item in range(40):
        spread.add(f"before {item}", NOON)
        spread.add(f"after {item}", back)
    assert spread.estimate(back) == spread.estimate(NOON) > 55
    assert spread.estimate(NOON + DAY_MS) == spread.estimate(NOON)


def test_a_key_counts_networks_and_clients_apart_and_skips_what_is_unknown():
    key, random = KeySpread(), Random(5)
    assert key.add(facts(network="", client=""), NOON) == (0, 0)
    assert key.add(facts(network="a", client="curl"), NOON) == (1, 1)
    for _ in range(20):
        key.add(facts(network=str(random.random()), client="curl"), NOON)
    networks, clients = key.add(facts(network="a", client="curl"), NOON)
    assert 13 <= networks <= 22, "21 and what chance does to them"
    assert clients == 1
