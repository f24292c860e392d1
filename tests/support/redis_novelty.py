"""What the script must do about prompts and their output that a random walk hardly reaches. See redis_scenarios.py."""

from dataclasses import replace

from gateway.core.units import Unit, prompt_amount
from gateway.engine.distinct import PAID, SUB_WINDOWS, sub_window_ms
from gateway.engine.spec import DistinctSpec
from gateway.stores.redis.calls import slot_tag

T0 = 1_800_000_000_000
HOP = sub_window_ms(3600)
WINDOW = SUB_WINDOWS * HOP
PROMPTS = DistinctSpec("prompts", Unit.DISTINCT_PROMPTS, 2, 3600)
OUTPUT = DistinctSpec("output", Unit.UNIQUE_OUTPUT_TOKENS, 100, 3600)
TTL = 30 * 86_400_000


def asks(prompt, tokens=0):
    return {Unit.DISTINCT_PROMPTS: prompt_amount(prompt), Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(prompt, tokens)}


def ask(ledger, name, prompt, tokens, now, spec=OUTPUT):
    return ledger.reserve(name, (spec,), asks(prompt, tokens), {}, TTL, now).granted


def left(ledger, now, spec=OUTPUT):
    return ledger.peek((spec,), now)[0].remaining


def prompts_key(ledger):
    return b"gw1:{%b}:p" % slot_tag(ledger.home)


def an_answer_broken_off_does_not_make_its_prompt_free(ledger):
    ask(ledger, "broken off", 1, 90, T0)
    ledger.settle("broken off", asks(1, 5), T0)
    assert left(ledger, T0) == 95
    assert not ask(ledger, "too much", 1, 101, T0)
    ask(ledger, "again", 1, 100, T0)
    assert left(ledger, T0) == 0
    ledger.settle("again", asks(1, 60), T0)
    assert left(ledger, T0) == 40
    assert ask(ledger, "paid", 1, 60, T0)
    ledger.settle("paid", asks(1, 20), T0)
    assert left(ledger, T0) == 40
    ask(ledger, "a hop later", 1, 60, T0 + 2 * HOP)
    assert ask(ledger, "still paid", 1, 61, T0 + 3 * HOP)
    assert left(ledger, T0 + 3 * HOP) == 39


def requests_open_at_once_are_charged_the_longest_answer(ledger):
    for name in ("a", "b", "c"):
        ask(ledger, name, 1, 30, T0)
    assert left(ledger, T0) == 10
    ledger.settle("b", asks(1, 25), T0)
    ledger.settle("a", asks(1, 5), T0)
    assert left(ledger, T0) == 100 - 25 - 30
    ledger.settle("c", asks(1, 40), T0)
    assert left(ledger, T0) == 60


def an_answer_of_a_former_window_pays_nothing_for_the_prompt_asked_again(ledger):
    later = T0 + WINDOW
    ask(ledger, "old", 1, 60, T0)
    ask(ledger, "new", 1, 60, later)
    ledger.settle("old", asks(1, 60), later)
    ledger.settle("new", asks(1, 0), later)
    assert left(ledger, later) == 100
    ask(ledger, "again", 1, 60, later)
    assert left(ledger, later) == 40


def what_has_left_keeps_no_limit_beside_its_shadow(ledger):
    for name, spec in (("enforced", PROMPTS), ("audited", replace(PROMPTS, shadow=True))):
        ask(ledger, name, 1, 0, T0, spec)
        ledger.settle(name, {}, T0)
    ledger.sweep_all(T0 + WINDOW)
    assert not ledger.dump()["places"]


def more_is_paid_for_than_can_be_noted(ledger):
    wide = DistinctSpec("wide", Unit.UNIQUE_OUTPUT_TOKENS, 1 << 40, 3600)
    for name in ("a", "b"):
        ask(ledger, name, 1, PAID + 9, T0, wide)
        ledger.settle(name, asks(1, PAID + 9), T0)
    assert left(ledger, T0, wide) == (1 << 40) - PAID - 9 - 10


def a_prompt_is_swept_when_it_has_left_and_not_before(ledger):
    ledger.looks = 2
    ask(ledger, "a", 1, 20, T0, OUTPUT)
    ledger.settle("a", asks(1, 20), T0)
    ask(ledger, "b", 2, 0, T0, PROMPTS)
    leaves = (T0 // HOP + SUB_WINDOWS) * HOP
    ledger.renew([], 1, leaves - 1)
    assert ledger.server.say("ZCARD", prompts_key(ledger)) == 2
    assert ask(ledger, "c", 1, 20, leaves - 1)
    assert left(ledger, leaves - 1) == 80
    ledger.renew([], 1, leaves + WINDOW + 60_000)
    assert ledger.server.say("ZCARD", prompts_key(ledger)) == 0


def a_limit_made_anew_knows_no_prompt_of_the_one_dropped(ledger):
    ask(ledger, "a", 1, 20, T0)
    ledger.settle("a", asks(1, 20), T0)
    leaves = (T0 // HOP + SUB_WINDOWS) * HOP
    ledger.sweep_all(leaves)
    assert not ledger.dump()["places"]
    ask(ledger, "b", 2, 20, T0)
    assert ask(ledger, "c", 1, 20, T0)
    assert left(ledger, T0) == 60
    assert ledger.server.say("ZCARD", prompts_key(ledger)) == 2


def a_clock_that_had_leapt_ahead_brings_nothing_back_that_had_left(ledger):
    ahead = T0 + 2 * WINDOW
    ask(ledger, "left", 1, 0, ahead - WINDOW, PROMPTS)
    ask(ledger, "kept", 2, 0, ahead, PROMPTS)
    now = ahead - WINDOW - HOP
    assert ask(ledger, "new", 3, 0, now, PROMPTS)
    assert ask(ledger, "known", 2, 0, now, PROMPTS)
    assert not ask(ledger, "of before", 1, 0, now, PROMPTS)
    assert left(ledger, now + WINDOW - HOP, PROMPTS) == 0
    assert left(ledger, now + WINDOW, PROMPTS) == 2


def what_was_open_when_the_clock_came_back_is_settled_where_it_counts(ledger):
    ahead = T0 + 9 * WINDOW
    for name, prompt in (("a", 1), ("b", 2)):
        ask(ledger, name, prompt, 40, ahead)
    ledger.settle("a", asks(1, 30), T0)
    assert left(ledger, T0) == 30
    ledger.settle("b", asks(2, 10), T0 + HOP)
    assert left(ledger, T0 + HOP) == 60
    assert ask(ledger, "paid", 1, 30, T0 + HOP)
    assert left(ledger, T0 + HOP) == 60
    assert left(ledger, T0 + WINDOW) == 100


def a_limit_promoted_under_a_clock_that_came_back_knows_the_prompts_of_its_shadow(ledger):
    shadow = replace(PROMPTS, shadow=True)
    for prompt in (1, 2):
        ask(ledger, f"shadow {prompt}", prompt, 0, T0 + 9 * WINDOW, shadow)
    assert ask(ledger, "known", 1, 0, T0, PROMPTS)
    assert left(ledger, T0, PROMPTS) == 0
    assert not ask(ledger, "new", 3, 0, T0 + WINDOW - HOP, PROMPTS)
    assert ask(ledger, "gone", 3, 0, T0 + WINDOW, PROMPTS)


OF_A_FORMER_VERSION = """
local state, records = KEYS[1], KEYS[2]
redis.call('HSET', state, '\\0', cmsgpack.pack({1, 3, 1}),
  'output', cmsgpack.pack({'d', 100, 3600, 1, tonumber(ARGV[1]), 1, {{tonumber(ARGV[1]), 2, 60}}}))
redis.call('ZADD', KEYS[6], ARGV[2], 'output\\0001', ARGV[2], 'output\\0002')
redis.call('ZADD', KEYS[3], ARGV[3], 'open')
redis.call('HSET', records, 'open', cmsgpack.pack({1, 1, tonumber(ARGV[3]), 3,
  {{'d', 'output', 'q', 40, tonumber(ARGV[1]), 3600, 100}}, '1 40 0 0', 0, ''}))
"""


def state_of_a_former_version_is_read_and_nothing_is_free_for_it(ledger):
    """It noted no more than that a prompt is known, and of what is open how much it had reserved."""
    tag, sub = slot_tag(ledger.home), T0 // HOP
    keys = [b"gw1:{%b}:%b" % (tag, name) for name in (b"s", b"r", b"t", b"d", b"h", b"p")]
    ledger.server.say("EVAL", OF_A_FORMER_VERSION, "6", *keys, str(sub), str((sub + SUB_WINDOWS) * HOP), str(T0 + TTL))
    assert left(ledger, T0) == 40
    ledger.settle("open", asks(2, 10), T0)
    assert left(ledger, T0) == 70
    assert ask(ledger, "again", 1, 20, T0)
    ledger.settle("again", asks(1, 20), T0)
    assert ask(ledger, "paid", 1, 20, T0)
    assert left(ledger, T0) == 50


SCENARIOS = (
    an_answer_broken_off_does_not_make_its_prompt_free,
    requests_open_at_once_are_charged_the_longest_answer,
    an_answer_of_a_former_window_pays_nothing_for_the_prompt_asked_again,
    what_has_left_keeps_no_limit_beside_its_shadow,
    more_is_paid_for_than_can_be_noted,
    a_prompt_is_swept_when_it_has_left_and_not_before,
    a_limit_made_anew_knows_no_prompt_of_the_one_dropped,
    a_clock_that_had_leapt_ahead_brings_nothing_back_that_had_left,
    what_was_open_when_the_clock_came_back_is_settled_where_it_counts,
    a_limit_promoted_under_a_clock_that_came_back_knows_the_prompts_of_its_shadow,
    state_of_a_former_version_is_read_and_nothing_is_free_for_it,
)
