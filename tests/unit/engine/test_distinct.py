"""Limits on what is new, against a log of admissions that knows nothing of sub-windows."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.units import Unit, prompt_amount
from gateway.engine import distinct
from gateway.engine.distinct import PAID, SUB_WINDOWS, Distinct, sub_window_ms
from gateway.engine.reservation import Reservation
from gateway.engine.spec import DistinctSpec
from gateway.engine.verdict import Reading

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


def test_the_wait_of_a_full_limit_looks_at_no_more_than_has_to_leave():
    many = 20_000
    place = Distinct("k", DistinctSpec("k", Unit.DISTINCT_PROMPTS, many, HOUR_S))
    for prompt in range(1, many + 1):
        ask(place, prompt, 0)
    tracemalloc.start()
    try:
        assert ask(place, many + 1, 10)[0] == SUB_WINDOWS * HOP - 10
        assert tracemalloc.get_traced_memory()[1] < 4096
    finally:
        tracemalloc.stop()


def test_a_limit_made_smaller_waits_for_as_many_as_are_too_many():
    place = Distinct("k", PROMPTS)
    for prompt, hop in ((1, 0), (2, 1), (3, 2)):
        ask(place, prompt, hop * HOP)
    smaller = DistinctSpec(PROMPTS.key, PROMPTS.unit, 2, HOUR_S)
    assert ask(place.place(smaller, 2 * HOP), 4, 2 * HOP)[0] == (SUB_WINDOWS - 1) * HOP


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
    place.settle(prompt_amount(1, 60), prompt_amount(1, 80), HOP, first)
    assert place.tokens == {0: 80}
    _, repeat = ask(place, 1, HOP, tokens=80)
    place.settle(prompt_amount(1, 80), prompt_amount(1, 30), HOP, repeat)
    assert (place.used, place.paid(1)) == (80, 80)
    assert place.peek(TOKENS, HOP) == Reading(TOKENS, 20, (SUB_WINDOWS - 1) * HOP, 0)
    assert place.peek(TOKENS, SUB_WINDOWS * HOP).remaining == 100
    assert place.used == 80, "peek changes nothing"


def test_a_repeat_holds_and_pays_only_what_goes_beyond_what_is_paid():
    place = Distinct("k", TOKENS)
    _, broken_off = ask(place, 1, 0, tokens=90)
    place.settle(prompt_amount(1, 90), prompt_amount(1, 5), 0, broken_off)
    assert ask(place, 1, HOP, tokens=101)[0] == (SUB_WINDOWS - 1) * HOP, "96 beyond what is paid, 95 are left"
    wait, again = ask(place, 1, HOP, tokens=100)
    assert (wait, place.tokens) == (0, {0: 5, 1: 95})
    place.settle(prompt_amount(1, 100), prompt_amount(1, 60), HOP, again)
    assert (place.tokens, place.paid(1)) == ({0: 5, 1: 55}, 60)
    _, longer = ask(place, 1, HOP, tokens=40)
    place.settle(prompt_amount(1, 40), prompt_amount(1, 75), HOP, longer)
    assert (place.tokens, place.paid(1)) == ({0: 5, 1: 70}, 75), "beyond what was reserved it is charged all the same"


def test_what_is_paid_for_a_prompt_is_remembered_from_its_last_use():
    place = Distinct("k", TOKENS)
    _, first = ask(place, 1, 0, tokens=60)
    place.settle(prompt_amount(1, 60), prompt_amount(1, 60), 0, first)
    ask(place, 1, 9 * HOP, tokens=20)
    assert ask(place, 1, (SUB_WINDOWS + 8) * HOP, tokens=60)[0] == 0
    assert (place.paid(1), place.used) == (60, 0)


def test_more_can_be_paid_for_than_redis_can_note_and_counts_again():
    place = Distinct("k", DistinctSpec("k", Unit.UNIQUE_OUTPUT_TOKENS, 1 << 40, HOUR_S))
    for _ in range(2):
        _, owner = ask(place, 1, 0, tokens=PAID + 9)
        place.settle(prompt_amount(1, PAID + 9), prompt_amount(1, PAID + 9), 0, owner)
    assert (place.paid(1), place.used) == (PAID - 1, PAID + 9 + 10)


@pytest.mark.interpreted
def test_a_prompt_forgotten_for_want_of_room_is_settled_by_what_was_paid_when_it_was_reserved(monkeypatch):
    monkeypatch.setattr(distinct, "MAX_REMEMBERED", 2)
    place = Distinct("k", TOKENS)
    _, first = ask(place, 1, 0, tokens=20)
    place.settle(prompt_amount(1, 20), prompt_amount(1, 20), 0, first)
    _, second = ask(place, 1, 0, tokens=30)
    for prompt in (2, 3):
        ask(place, prompt, 0, tokens=1)
    assert 1 not in place.seen
    place.settle(prompt_amount(1, 30), prompt_amount(1, 25), 0, second)
    assert (place.used, place.paid(1)) == (25 + 2, 0)


def test_a_settle_after_its_sub_window_left_changes_nothing():
    place = Distinct("k", TOKENS)
    _, owner = ask(place, 1, 0, tokens=60)
    place.fit(prompt_amount(2, 1), SUB_WINDOWS * HOP)
    place.settle(prompt_amount(1, 60), prompt_amount(1, 90), SUB_WINDOWS * HOP, owner)
    assert place.used == 0
    assert not place.open


def test_an_answer_of_a_former_window_pays_nothing_for_the_prompt_asked_again():
    place = Distinct("k", TOKENS)
    _, old = ask(place, 1, 0, tokens=60)
    _, new = ask(place, 1, SUB_WINDOWS * HOP, tokens=60)
    place.settle(prompt_amount(1, 60), prompt_amount(1, 60), SUB_WINDOWS * HOP, old)
    assert (place.used, place.paid(1)) == (60, 0)
    place.settle(prompt_amount(1, 60), prompt_amount(1, 0), SUB_WINDOWS * HOP, new)
    assert place.used == 0


def test_a_clock_that_goes_back_forgets_nothing_early():
    place = Distinct("k", PROMPTS)
    for prompt in (1, 2, 3):
        ask(place, prompt, 10 * HOP)
    assert ask(place, 4, 0)[0] > 0
    assert ask(place, 1, 0)[0] == 0
    assert place.seen[1] == 10


def test_a_clock_that_had_leapt_ahead_keeps_what_it_remembers_for_one_window_and_no_longer():
    place = Distinct("k", PROMPTS)
    for prompt in (1, 2, 3):
        ask(place, prompt, 50 * HOP + prompt * HOP)
    place.peek(PROMPTS, 10 * HOP)
    assert place.idle(10 * HOP) is False
    assert (place.newest, list(place.seen.values())) == (53, [51, 52, 53]), "a look changes nothing"
    assert place.peek(PROMPTS, 10 * HOP) == Reading(PROMPTS, 0, SUB_WINDOWS * HOP, 0)
    assert ask(place, 4, 21 * HOP)[0] == 62 * HOP, "at most a window behind: the clock may catch up"
    assert ask(place, 4, 20 * HOP)[0] == SUB_WINDOWS * HOP
    assert (place.newest, list(place.seen.values())) == (20, [20, 20, 20])
    assert place.rewrite
    assert ask(place, 4, 52 * HOP - 1)[0] == 1
    assert ask(place, 4, 52 * HOP)[0] == 0


def test_output_counts_for_one_window_after_a_leap_and_open_requests_are_settled_where_it_went():
    place = Distinct("k", TOKENS)
    _, done = ask(place, 1, 50 * HOP, tokens=20)
    place.settle(prompt_amount(1, 20), prompt_amount(1, 20), 50 * HOP, done)
    _, owner = ask(place, 2, 51 * HOP, tokens=60)
    place.settle(prompt_amount(2, 60), prompt_amount(2, 50), 10 * HOP, owner)
    assert (place.newest, place.tokens) == (10, {10: 70})
    assert (place.paid(1), place.paid(2)) == (20, 50)
    assert place.peek(TOKENS, (10 + SUB_WINDOWS) * HOP).remaining == 100


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
        last, paid = used.get(prompt, (0, 0))
        paid = paid if now // HOP - last < SUB_WINDOWS else 0
        wait, owner = ask(place, prompt, now, tokens)
        if wait == 0:
            place.settle(prompt_amount(prompt, tokens), prompt_amount(prompt, tokens), now, owner)
            used[prompt] = (now // HOP, max(paid, tokens))
            charged.append((now, max(0, tokens - paid)))
        assert place.peek(place.spec, now).remaining == amount - place.used
    for end, _ in charged:
        assert sum(tokens for at, tokens in charged if end - HOUR_S * 1000 < at <= end) <= amount


ends = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 90), st.booleans()), min_size=1, max_size=6)


@given(ends, st.data())
def test_open_requests_on_one_prompt_are_charged_the_longest_answer_in_whatever_order_they_end(ends, data):
    """Each is (reserved, written, whether it expires instead)."""
    place = Distinct("k", DistinctSpec("k", Unit.UNIQUE_OUTPUT_TOKENS, 1000, HOUR_S))
    waiting, longest, overrun = [], 0, 0

    def end(reserved, written, owner):
        nonlocal longest, overrun
        place.settle(prompt_amount(7, reserved), prompt_amount(7, written), 0, owner)
        longest, overrun = max(longest, written), overrun + max(0, written - reserved)

    most_held = 0
    for reserved, written, expires in ends:
        owner = ask(place, 7, 0, reserved)[1]
        most_held = max(most_held, place.used)
        waiting.append((reserved, reserved if expires else written, owner))
        if data.draw(st.booleans()):
            end(*waiting.pop(data.draw(st.integers(0, len(waiting) - 1))))
        held = [reserved for reserved, _, _ in waiting]
        assert max([longest, *held]) <= place.used <= longest + sum(held)
        assert all(tokens >= 0 for tokens in place.tokens.values())
    for one in data.draw(st.permutations(waiting)):
        end(*one)
    assert place.used == place.paid(7) == longest <= most_held + overrun
    assert not place.open
