"""The table of recent prompts beside a set that remembers everything."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from gateway.detectors.recent import CAPACITY, SETS, WAYS, Recent

# Few sets and few marks, so that sets fill up and marks return.
crowded = st.builds(lambda place, mark: place << 32 | mark, st.integers(0, 2), st.integers(1, 40))


def _seen_bits(prompt):
    """What the table looks at, 38 of 64 bits; the mark 0 stands for a free place, so that prompt is marked 1."""
    return prompt >> 32 & 63, prompt % 2**32 or 1


@given(st.lists(st.one_of(crowded, st.integers(0, 2**64 - 1)), max_size=200))
def test_it_forgets_towards_new_and_never_towards_repeat(prompts):
    table, everything = Recent(), {}
    for step, prompt in enumerate(prompts):
        known = table.holds(prompt)
        if known:
            assert _seen_bits(prompt) in {_seen_bits(old) for old in everything}
        last = sorted(everything, key=everything.__getitem__)[-WAYS:]
        assert known or prompt not in last, "a repeat among the last eight distinct prompts is always known"
        table.add(prompt)
        everything[prompt] = step
        assert table.holds(prompt)


def test_a_set_keeps_its_most_recently_used():
    table = Recent()
    for mark in range(1, WAYS + 1):
        table.add(mark)
    table.add(1)
    table.add(WAYS + 1)
    assert table.holds(1), "used again, so it stays"
    assert not table.holds(2), "the one that was not used for longest went"


def test_about_its_capacity_is_known():
    table = Recent()
    prompts = [(number * 0x9E3779B97F4A7C15) % 2**64 for number in range(1, 10_000)]
    for prompt in prompts:
        table.add(prompt)
    # Each set keeps the last of its own: 512 in all, most of them among the last 512.
    assert sum(table.holds(prompt) for prompt in prompts) == CAPACITY == SETS * WAYS
    assert sum(table.holds(prompt) for prompt in prompts[-CAPACITY:]) > 0.8 * CAPACITY


def test_zero_is_a_prompt_like_others():
    table = Recent()
    assert not table.holds(0)
    assert not table.holds(5 << 32)
    table.add(0)
    assert table.holds(0)


def test_its_size_is_fixed():
    table = Recent()
    before = sys.getsizeof(table._places)
    for prompt in range(10_000):
        table.add(prompt << 31)
    assert sys.getsizeof(table._places) == before <= 4 * CAPACITY + 96
