"""What the script must do that a random walk does not reach, each as a function of a RedisLedger. Assert or pass."""

import pytest

from gateway.core.units import Unit, prompt_amount
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec
from gateway.stores.redis.calls import slot_tag
from gateway.stores.redis.resp import Refused
from gateway.stores.redis.script import KEYS
from tests.support import redis_history, redis_novelty

T0 = 1_800_000_000_000
DAY = 86_400_000
MONEY = BudgetSpec("usd", Unit.USD, 1000, Period.DAY)
TOKENS = RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 100)
SLOTS = SlotSpec("slots", 3)
ALL = (MONEY, TOKENS, SLOTS)


def want(usd=0, tokens=0):
    return {Unit.USD: usd, Unit.TOTAL_TOKENS: tokens}


def left(ledger, now=T0, specs=ALL):
    return [reading.remaining for reading in ledger.peek(specs, now)]


def keys(ledger):
    return [b"gw1:{%b}:%b" % (slot_tag(ledger.home), name.encode()) for name in KEYS]


def the_same_reserve_is_carried_out_once(ledger):
    first = ledger.reserve("a", ALL, want(10, 10), want(), 9000, T0)
    written = ledger.last.seq
    assert ledger.reserve("a", ALL, want(10, 10), want(), 9000, T0 + 1) == first
    assert (ledger.last.seq, ledger.last.wrote) == (written, False)
    assert left(ledger) == [990, 90, 2]


def the_same_top_up_is_carried_out_once(ledger):
    ledger.reserve("a", ALL, want(10, 10), want(), 9000, T0)
    first = ledger.top_up("a", want(5, 5), T0)
    ledger._top_ups["a"] -= 1
    assert ledger.top_up("a", want(5, 5), T0) == first
    assert left(ledger) == [985, 85, 2]
    ledger.top_up("a", want(5, 5), T0)
    assert left(ledger) == [980, 80, 2]


def an_ended_id_is_not_used_again_until_its_tombstone_goes(ledger):
    ledger.reserve("a", ALL, want(10, 10), want(), 9000, T0)
    ledger.settle("a", want(), T0)
    ledger.looks = 2
    ledger.renew([], 1, T0 + 119_999)
    assert refused_as_past(ledger, "a", T0 + 119_999)
    ledger.renew([], 1, T0 + 120_000)
    assert not refused_as_past(ledger, "a", T0 + 120_000)


def refused_as_past(ledger, name, now):
    try:
        ledger.reserve(name, ALL, want(), want(), 9000, now)
    except ValueError:
        return True
    return False


def a_second_settle_changes_nothing(ledger):
    ledger.reserve("a", ALL, want(10, 10), want(), 9000, T0)
    ledger.settle("a", want(3, 3), T0)
    ledger.settle("a", want(9, 9), T0)
    assert not ledger.last.wrote
    assert left(ledger) == [997, 97, 3]


def a_period_long_over_does_not_come_back(ledger):
    ledger.reserve("a", (MONEY,), want(), want(), 9 * DAY, T0)
    ledger.sweep_all(T0 + 3 * DAY)
    ledger.settle("a", want(1), T0 + 3 * DAY)
    assert not ledger.dump()["places"]


def a_cancelled_reservation_leaves_nothing_and_may_bar_its_id(ledger):
    ledger.reserve("a", ALL, want(10, 10), want(), 9000, T0)
    ledger.cancel("a", T0, bar=False)
    assert left(ledger) == [1000, 100, 3]
    assert not refused_as_past(ledger, "a", T0)
    ledger.cancel("a", T0, bar=True)
    assert refused_as_past(ledger, "a", T0)
    ledger.cancel("never seen", T0, bar=True)
    assert refused_as_past(ledger, "never seen", T0)
    ledger.cancel("nor this", T0, bar=False)
    assert not refused_as_past(ledger, "nor this", T0)


def a_refusal_writes_nothing(ledger):
    ledger.reserve("a", ALL, want(990, 10), want(), 9000, T0)
    before = [ledger.server.say("DUMP", key) for key in keys(ledger)]
    assert ledger.reserve("b", ALL, want(11, 5), want(), 9000, T0 + 7).failing == (0,)
    assert not ledger.last.wrote
    assert [ledger.server.say("DUMP", key) for key in keys(ledger)] == before


def a_period_that_is_over_is_asked_for_again(ledger):
    yesterday = ledger.calls.reserve(ledger.home, "a", ALL, want(1, 1), want(), 9000, T0 - DAY, T0, 0)
    assert ledger._answer(yesterday).kind == "respan"
    assert ledger.last.now_ms == T0
    assert left(ledger) == [1000, 100, 3]
    tomorrow = ledger.calls.peek(ledger.home, ALL, T0 + DAY, T0)
    assert ledger._answer(tomorrow).kind == "respan"


def without_a_time_the_clock_of_redis_counts(ledger):
    seconds, micros = (int(part) for part in ledger.server.say("TIME"))
    answer = ledger._answer(ledger.calls.settle(ledger.home, "nobody", {}, None))
    assert 0 <= answer.now_ms - (seconds * 1000 + micros // 1000) < 60_000


def every_key_is_kept_for_longer_than_any_period_and_then_goes(ledger):
    ledger.reserve("a", ALL, want(10, 10), want(), 9000, T0)
    ledger.reserve("b", ALL, want(10, 10), want(), 9000, T0)
    ledger.settle("b", want(), T0)
    for key in keys(ledger)[:5]:
        assert 93 * 86_400 < ledger.server.say("TTL", key) <= 101 * 86_400, key
        ledger.server.say("EXPIRE", key, "1000")
    ledger.settle("a", want(), T0 + DAY)
    assert ledger.server.say("TTL", keys(ledger)[0]) > 93 * 86_400


def another_format_is_refused(ledger):
    ledger.server.say("EVAL", "redis.call('HSET', KEYS[1], '\\0', cmsgpack.pack({7, 1, 1}))", "1", keys(ledger)[0])
    with pytest.raises(Refused, match="GWFORMAT"):
        left(ledger)


def a_key_of_another_kind_is_a_mistake_and_changes_nothing(ledger):
    ledger.reserve("a", (TOKENS,), want(0, 10), want(), 10, T0)
    with pytest.raises(TypeError):
        ledger.reserve("b", (MONEY, SlotSpec("tokens", 3)), want(5, 5), want(), 9000, T0 + 10)
    assert ledger.last.words == [b"2"]
    assert not ledger.last.wrote
    assert left(ledger, T0 + 10)[0] == 1000


def at_most_eight_expired_reservations_are_ended_by_a_call(ledger):
    many = SlotSpec("slots", 100)
    for i in range(20):
        ledger.reserve(f"r{i:02}", (many,), {}, {}, 10, T0)
    ledger.reserve("x", (many,), {}, {}, 9000, T0 + 10)
    assert (ledger.last.expired, left(ledger, T0 + 10, (many,))) == (8, [100 - 13])
    ledger.renew(["r11"], 9000, T0 + 10)
    assert (ledger.last.expired, left(ledger, T0 + 10, (many,))) == (12, [99])


def counts_beyond_doubles_are_cut_and_never_wrong(ledger):
    most = 1 << 53
    huge = BudgetSpec("huge", Unit.USD, most, Period.DAY)
    assert ledger.reserve("a", (huge,), want(most - 1), want(), 9000, T0).readings[0].remaining == 1
    assert ledger.reserve("b", (huge,), want(1), want(), 9000, T0).readings[0].remaining == 0
    assert ledger.reserve("c", (huge,), want(1), want(), 9000, T0).failing == (0,)
    ledger.settle("a", want(most * 9), T0)
    ledger.settle("b", want(most * 9), T0)
    assert left(ledger, T0, (huge,)) == [0]
    burst = most // (2 * 60_000)
    wide = RateSpec("wide", Unit.TOTAL_TOKENS, burst, 60, burst)
    ledger.reserve("d", (wide,), want(0, burst), want(), 9000, T0)
    ledger.settle("d", want(0, most), T0)
    assert left(ledger, T0, (wide,)) == [-2 * burst]
    assert left(ledger, T0 + 1, (wide,)) == [(-2 * burst * 60_000 + burst) // 60_000]


def idle_places_go_a_few_at_a_time(ledger):
    ledger.looks = 2
    for i in range(40):
        ledger.reserve(f"r{i}", (RateSpec(f"k{i}", Unit.TOTAL_TOKENS, 60, 1, 60),), want(0, 1), want(), 9000, T0)
        ledger.settle(f"r{i}", want(0, 1), T0)
    for i in range(400):
        ledger.reserve(f"s{i}", (SLOTS,), {}, {}, 1, T0 + 10_000 + 2 * i)
    assert len(ledger.dump()["places"]) < 20


def open_reservations_are_listed_the_oldest_first(ledger):
    for name in ("c", "a", "b"):
        ledger.reserve(name, ALL, want(10, 10), want(), 9000, T0)
    assert [one.id for one in ledger.held()] == ["c", "a", "b"]
    assert ledger.held()[0].amounts == {"usd": 10, "total_tokens": 10, "concurrent": 1}
    assert ledger.held()[0].keys == ("usd", "tokens", "slots")


def output_that_left_with_a_leap_of_the_clock_does_not_come_back(ledger):
    unique = DistinctSpec("out", Unit.UNIQUE_OUTPUT_TOKENS, 100, 3600)
    for name, prompt, tokens, now in (("a", 1, 50, T0), ("b", 2, 10, T0 + DAY // 2), ("c", 3, 5, T0)):
        what = {Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(prompt, tokens)}
        assert ledger.reserve(name, (unique,), what, {}, DAY, now).granted
    ledger.settle("a", {Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(1)}, T0)
    assert left(ledger, T0, (unique,)) == [85]
    ledger.settle("b", {Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(2, 4)}, T0)
    assert left(ledger, T0, (unique,)) == [91]


SCENARIOS = (
    the_same_reserve_is_carried_out_once,
    the_same_top_up_is_carried_out_once,
    an_ended_id_is_not_used_again_until_its_tombstone_goes,
    a_second_settle_changes_nothing,
    a_period_long_over_does_not_come_back,
    a_cancelled_reservation_leaves_nothing_and_may_bar_its_id,
    a_refusal_writes_nothing,
    a_period_that_is_over_is_asked_for_again,
    without_a_time_the_clock_of_redis_counts,
    every_key_is_kept_for_longer_than_any_period_and_then_goes,
    another_format_is_refused,
    a_key_of_another_kind_is_a_mistake_and_changes_nothing,
    at_most_eight_expired_reservations_are_ended_by_a_call,
    counts_beyond_doubles_are_cut_and_never_wrong,
    idle_places_go_a_few_at_a_time,
    open_reservations_are_listed_the_oldest_first,
    *redis_novelty.SCENARIOS,
    *redis_history.SCENARIOS,
    output_that_left_with_a_leap_of_the_clock_does_not_come_back,
)
