"""Guards whose absence neither the walk beside the model nor another test here would show."""

import pytest

from gateway.core.units import Unit
from gateway.engine.budget import UNBOUNDED
from gateway.engine.calendar import span_at
from gateway.engine.ledger import RENEW_SWEEP, SWEEP, Ledger
from gateway.engine.reservation import Reservation
from gateway.engine.spec import BudgetSpec, Period, RateSpec, SlotSpec
from gateway.engine.tombstones import LATE_MS, SETTLED_MS

T0 = 1_800_000_000_000  # 08:00 in UTC
DAY = 86_400_000
TOKENS = RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 100)
SMALLER = RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 50)
MONEY = BudgetSpec("usd", Unit.USD, 1000, Period.DAY)
SLOTS = SlotSpec("slots", 100)


def want(tokens=0, usd=0):
    return {Unit.TOTAL_TOKENS: tokens, Unit.USD: usd}


def left(ledger, *specs, now=T0):
    return [reading.remaining for reading in ledger.peek(specs, now)]


def reserve(ledger, name, *specs, now=T0, ttl=DAY, **amounts):
    return ledger.reserve(name, specs, want(**amounts), want(**amounts), ttl, now)


class Told:
    """A recorder that notes what it hears."""

    def __init__(self):
        self.ensured, self.places = [], []

    def ensure(self, needs):
        for row, amount in needs:
            self.ensured.append(amount)
            row.ceiling = row.used + row.held + amount

    def changed(self, holds):
        self.places.extend(hold[0] for hold in holds)

    def quiet(self, *_):
        """Nothing to note."""

    overrun = charged = opened = closed = quiet


def test_a_single_credit_too_few_is_too_few():
    fast = RateSpec("fast", Unit.TOTAL_TOKENS, 59_999, 60, 10)
    ledger = Ledger()
    reserve(ledger, "a", fast, tokens=10)
    ledger.settle("a", want(10), T0)
    assert reserve(ledger, "b", fast, tokens=1, now=T0 + 1).readings[0].wait_ms == 1
    assert reserve(ledger, "c", fast, tokens=1, now=T0 + 2).granted


def test_a_late_settle_gives_nothing_back_to_a_time_before_its_expiry():
    ledger = Ledger()
    reserve(ledger, "a", TOKENS, tokens=50, ttl=10)
    ledger.expire(T0 + 10)
    back = T0 - 200_000
    reserve(ledger, "b", TOKENS, now=back)
    ledger.settle("a", want(0), back)
    assert left(ledger, TOKENS, now=back) == [50]


def test_a_refund_leaves_room_for_what_others_hold_under_a_lowered_burst():
    ledger = Ledger()
    reserve(ledger, "a", TOKENS, tokens=60)
    reserve(ledger, "b", TOKENS, tokens=40)
    reserve(ledger, "c", SMALLER)
    ledger.settle("a", want(0), T0)
    assert left(ledger, SMALLER) == [10]


def test_a_refund_under_a_lowered_burst_never_takes_anything_away():
    ledger = Ledger()
    reserve(ledger, "a", TOKENS, tokens=20)
    reserve(ledger, "b", TOKENS, tokens=40)
    reserve(ledger, "c", SMALLER)
    ledger.settle("a", want(10), T0)
    assert left(ledger, SMALLER) == [40]


def test_a_lowered_burst_forgives_no_debt_that_is_there():
    tiny = RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 10)
    ledger = Ledger()
    reserve(ledger, "a", TOKENS, tokens=10)
    reserve(ledger, "b", TOKENS, tokens=1)
    ledger.settle("a", want(400), T0)
    reserve(ledger, "c", tiny)
    ledger.settle("b", want(5), T0)
    assert left(ledger, tiny) == [-200]


def test_a_promoted_rate_refills_where_its_shadow_holds():
    ledger = Ledger()
    reserve(ledger, "a", RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 100, shadow=True), tokens=50)
    reserve(ledger, "b", TOKENS)
    assert left(ledger, TOKENS, now=T0 + 30_000) == [80]


def test_an_idle_shadow_lends_a_new_limit_nothing():
    ledger = Ledger()
    shadow = RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 30, shadow=True)
    reserve(ledger, "a", shadow, tokens=30)
    ledger.settle("a", want(30), T0)
    later = T0 + 120_000
    assert left(ledger, shadow, TOKENS, now=later) == [30, 100]


def test_a_budget_in_another_zone_ends_when_the_day_ends_there():
    ledger = Ledger()
    reserve(ledger, "a", MONEY, usd=1)
    tokyo = BudgetSpec("usd", Unit.USD, 1000, Period.DAY, "Asia/Tokyo")
    assert reserve(ledger, "b", tokyo).readings[0].reset_ms == 7 * 3_600_000
    assert reserve(ledger, "c", tokyo, usd=1001).readings[0].wait_ms is None
    assert reserve(ledger, "d", MONEY).readings[0].reset_ms == 16 * 3_600_000


def test_usage_that_is_held_moves_with_the_calendar_and_opens_the_new_row():
    afternoon = T0 + 8 * 3_600_000
    ledger = Ledger()
    reserve(ledger, "a", BudgetSpec("usd", Unit.USD, 1000, Period.DAY, "Asia/Tokyo"), usd=30, now=afternoon)
    reserve(ledger, "b", MONEY, now=afternoon)
    assert left(ledger, MONEY, now=afternoon) == [970]
    assert ledger.states.by_key["usd"].current.opening == 30


def test_a_promoted_budget_opens_with_what_its_shadow_counted_and_takes_only_the_rest_along():
    ledger = Ledger()
    ledger.states.dropped = []
    reserve(ledger, "a", BudgetSpec("usd", Unit.USD, 1000, Period.DAY, shadow=True), usd=400, ttl=10)
    reserve(ledger, "b", MONEY, usd=5)
    row = ledger.states.by_key["usd"].current
    assert row.opening == 400
    ledger.settle("b", want(usd=5), T0)
    ledger.expire(T0 + 10)
    ledger.states.sweep(T0 + 3 * DAY, 9)
    ledger.states.sweep(T0 + 3 * DAY, 9)
    assert [drop[:3] for drop in ledger.states.dropped if drop.key == "usd"] == [("usd", row.label, 5), ("usd", "", 0)]


def test_where_the_clock_is_turned_back_over_midnight_the_new_day_has_begun():
    assert span_at(972_788_400_000, Period.DAY, "America/St_Johns").label == "2000-10-29"


def test_a_settle_finds_the_counter_of_a_reservation_of_nothing():
    ledger = Ledger()
    reserve(ledger, "a", MONEY)
    ledger.states.sweep(T0, 9)
    assert ledger.states.by_key == {}
    ledger.settle("a", want(usd=5), T0)
    assert left(ledger, MONEY) == [995]


def test_a_counter_made_again_is_as_durable_as_it_was():
    told = Told()
    ledger = Ledger(recorder=told, ceiling=0)
    reserve(ledger, "a", MONEY)
    ledger.states.sweep(T0, 9)
    ledger.top_up("a", want(usd=5), T0)
    assert told.ensured == [5]
    reserve(ledger, "b", BudgetSpec("audited", Unit.USD, 1000, Period.DAY, shadow=True), usd=5)
    assert told.ensured == [5]
    assert ledger.states.by_key["audited|audit"].current.ceiling == UNBOUNDED


def test_what_is_charged_to_a_period_long_over_is_not_kept():
    told = Told()
    ledger = Ledger(recorder=told, ceiling=0)
    reserve(ledger, "a", MONEY, ttl=9 * DAY)
    ledger.states.sweep(T0 + 3 * DAY, 9)
    told.places.clear()
    ledger.settle("a", want(usd=1), T0 + 3 * DAY)
    assert [place.gone for place in told.places] == [True]


def test_a_renewal_drops_what_is_idle_and_a_sweep_looks_at_so_many():
    ledger = Ledger()
    for i in range(2 * RENEW_SWEEP):
        reserve(ledger, f"r{i}", SlotSpec(f"s{i}", 1))
    for i in range(2 * RENEW_SWEEP):
        ledger.settle(f"r{i}", {}, T0)
    before = len(ledger.states.by_key)
    assert before == 2 * RENEW_SWEEP
    ledger.states.sweep(T0, 10)
    assert len(ledger.states.by_key) == before - 10
    ledger.states.owed = 0
    ledger.renew([], 1, T0)
    assert len(ledger.states.by_key) == before - 10 - RENEW_SWEEP


def test_what_is_owed_to_the_sweep_is_paid_once():
    ledger = Ledger()
    reserve(ledger, "a", TOKENS, MONEY, SLOTS, usd=1)
    assert ledger.states.owed == 6
    reserve(ledger, "b", TOKENS, MONEY, SLOTS)
    assert ledger.states.owed == 0


def test_open_reservations_are_listed_so_many_at_a_time():
    ledger = Ledger()
    for name in "abc":
        reserve(ledger, name, SLOTS)
    assert [held.id for held in ledger.held(2)] == ["a", "b"]


def test_a_restored_reservation_is_open_until_it_expires_and_has_no_answer():
    ledger = Ledger()
    ledger.restore(Reservation("a", [], {}, T0, T0 + 10))
    assert [held.id for held in ledger.held()] == ["a"]
    with pytest.raises(ValueError, match="of the past"):
        reserve(ledger, "a", SLOTS)
    assert ledger.expire(T0 + 10) == 1


def test_the_same_id_has_the_same_answer_also_after_others_came():
    ledger = Ledger()
    first = reserve(ledger, "a", TOKENS, tokens=60)
    reserve(ledger, "b", TOKENS, tokens=40)
    assert reserve(ledger, "a", TOKENS, tokens=60) is first


def test_two_limits_of_one_request_do_not_share_a_key():
    ledger = Ledger()
    with pytest.raises(ValueError, match="share a key"):
        reserve(ledger, "a", TOKENS, SMALLER, tokens=1)
    assert ledger.held() == []


def taken_again(ledger, name, now):
    try:
        return reserve(ledger, name, SLOTS, now=now).granted
    except ValueError:
        return False


@pytest.mark.parametrize(("settled", "kept_ms"), [(True, SETTLED_MS), (False, LATE_MS)])
def test_ids_of_the_past_are_refused_for_their_time_and_then_go_a_few_at_a_time(settled, kept_ms):
    ledger = Ledger()
    names = [f"r{i:02}" for i in range(3 * SWEEP)]
    for name in names:
        reserve(ledger, name, SLOTS, ttl=10)
    if settled:
        for name in names:
            ledger.settle(name, {}, T0)
    ended = T0 if settled else T0 + 10
    ledger.expire(ended, 1000)
    ledger.renew([], 1, ended + kept_ms - 1)
    assert not taken_again(ledger, names[0], ended + kept_ms - 1)
    reserve(ledger, "x", SLOTS, now=ended + kept_ms)
    assert not taken_again(ledger, names[-1], ended + kept_ms)
    ledger.renew([], 1, ended + kept_ms)
    assert taken_again(ledger, names[-1], ended + kept_ms)
