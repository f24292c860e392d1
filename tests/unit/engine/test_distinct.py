"""Limits on what is new, against a log of admissions that knows nothing of sub-windows."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.units import Unit, prompt_amount
from gateway.engine.distinct import SUB_WINDOWS, Distinct, sub_window_ms
from gateway.engine.reservation import Reservation
from gateway.engine.spec import DistinctSpec

HOUR_S = 3600
PROMPTS = DistinctSpec("acme|prompts", Unit.DISTINCT_PROMPTS, 3, HOUR_S)
TOKENS = DistinctSpec("acme|unique", Unit.UNIQUE_OUTPUT_TOKENS, 100, HOUR_S)
HOP = sub_window_ms(HOUR_S)


def ask(place, prompt, now_ms, tokens=0):
    """Take if it fits; (wait, the reservation)."""
    amount = prompt_amount(prompt, tokens)
    owner = Reservation("r", [], {}, now_ms, now_ms + 60_000)
    wait = place.fit(amount, now_ms)
    if wait == 0:
        place.take(amount, now_ms, owner)
    return wait, owner


def test_a_repeated_prompt_is_free_and_a_new_one_beyond_the_limit_waits_for_the_oldest():
    place = Distinct("k", PROMPTS)
    for prompt in (1, 2, 3, 2, 3):
        assert ask(place, prompt, prompt)[0] == 0
    wait, _ = ask(place, 4, 10)
    assert wait == SUB_WINDOWS * HOP - 10
    assert ask(place, 4, 10 + wait - 1)[0] == 1
    assert ask(place, 4, 10 + wait)[0] == 0
    assert 4 in place.seen


def test_use_renews_a_prompt_and_a_refused_one_is_not_remembered():
    place = Distinct("k", PROMPTS)
    for prompt in (1, 2, 3):
        ask(place, prompt, 0)
    ask(place, 1, HOUR_S * 1000)
    assert ask(place, 9, HOUR_S * 1000)[0] > 0
    assert set(place.seen) == {1, 2, 3}
    assert ask(place, 9, SUB_WINDOWS * HOP)[0] == 0
    assert set(place.seen) == {1, 9}


def test_nothing_asked_fits_a_full_limit_and_takes_nothing():
    place = Distinct("k", DistinctSpec("k", Unit.DISTINCT_PROMPTS, 0, HOUR_S))
    assert place.fit(0, 0) == 0
    place.take(0, 0, Reservation("r", [], {}, 0, 1))
    assert place.idle(0)
    assert place.fit(prompt_amount(1), 0) is None


def test_output_counts_once_per_prompt_and_is_settled_where_it_was_reserved():
    place = Distinct("k", TOKENS)
    wait, first = ask(place, 1, 0, tokens=60)
    assert wait == 0
    assert ask(place, 2, HOP, tokens=41)[0] == SUB_WINDOWS * HOP - HOP
    assert ask(place, 2, HOP, tokens=101)[0] is None
    _, repeat = ask(place, 1, HOP, tokens=1000)
    place.settle(prompt_amount(1, 1000), prompt_amount(1, 5000), HOP, repeat)
    assert place.used == 60
    place.settle(prompt_amount(1, 60), prompt_amount(1, 80), HOP, first)
    assert place.tokens == {0: 80}
    assert place.peek(TOKENS, HOP).remaining == 20
    assert place.peek(TOKENS, SUB_WINDOWS * HOP).remaining == 100
    assert place.used == 80, "peek changes nothing"


def test_a_settle_after_its_sub_window_left_changes_nothing():
    place = Distinct("k", TOKENS)
    _, owner = ask(place, 1, 0, tokens=60)
    place.fit(prompt_amount(2, 1), SUB_WINDOWS * HOP)
    place.settle(prompt_amount(1, 60), prompt_amount(1, 90), SUB_WINDOWS * HOP, owner)
    assert place.used == 0
    assert not place.fresh


def test_a_clock_that_goes_back_forgets_nothing_early():
    place = Distinct("k", PROMPTS)
    for prompt in (1, 2, 3):
        ask(place, prompt, 10 * HOP)
    assert ask(place, 4, 0)[0] > 0
    assert ask(place, 1, 0)[0] == 0
    assert place.seen[1] == 10


def test_many_prompts_that_leave_together_are_dropped_in_linear_time():
    place = Distinct("k", DistinctSpec("k", Unit.DISTINCT_PROMPTS, 100_000, HOUR_S))
    for prompt in range(1, 50_001):
        ask(place, prompt, 0)
    counted = CountedDict(place.seen)
    place.seen = counted
    place.fit(prompt_amount(1), SUB_WINDOWS * HOP)
    assert not place.seen
    assert counted.walks == 1, "each walk from the front passes over all that was taken before"


class CountedDict(dict):
    walks = 0

    def items(self):
        self.walks += 1
        return super().items()

    def __iter__(self):
        self.walks += 1
        return super().__iter__()


steps = st.lists(
    st.tuples(st.integers(1, 8), st.integers(0, 3 * HOUR_S * 1000 // 4), st.integers(0, 60)), min_size=1, max_size=60
)


@given(steps, st.integers(1, 5))
def test_no_window_has_more_distinct_prompts_than_the_limit(steps, amount):
    place = Distinct("k", DistinctSpec("k", Unit.DISTINCT_PROMPTS, amount, HOUR_S))
    now, admitted = 0, []
    for prompt, gap, _ in steps:
        now += gap
        wait, _ = ask(place, prompt, now)
        known = {old for old, at in admitted if now - at < HOUR_S * 1000}
        if wait == 0:
            admitted.append((prompt, now))
        else:
            assert prompt not in known, "what was used within the window is free"
            longest = {old for old, at in admitted if now - at <= SUB_WINDOWS * HOP}
            assert len(longest) >= amount, "nobody is refused with room for 32/31 of the window"
    for _, end in admitted:
        window = {prompt for prompt, at in admitted if end - HOUR_S * 1000 < at <= end}
        assert len(window) <= amount


@given(steps, st.integers(1, 100))
def test_no_window_has_more_unique_output_than_the_limit(steps, amount):
    place = Distinct("k", DistinctSpec("k", Unit.UNIQUE_OUTPUT_TOKENS, amount, HOUR_S))
    now, charged, used = 0, [], {}
    for prompt, gap, tokens in steps:
        now += gap
        new = prompt not in used or now // HOP - used[prompt] >= SUB_WINDOWS
        if ask(place, prompt, now, tokens)[0] == 0:
            used[prompt] = now // HOP
            if new:
                charged.append((now, tokens))
        assert place.peek(place.spec, now).remaining == amount - place.used
    for end, _ in charged:
        assert sum(tokens for at, tokens in charged if end - HOUR_S * 1000 < at <= end) <= amount
