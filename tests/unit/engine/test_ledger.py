"""The corners that the contract suite and the property test do not name."""

import pytest

from gateway.core.units import Unit
from gateway.engine.ledger import RENEW_SWEEP, SWEEP, Ledger
from gateway.engine.spec import BudgetSpec, Period, RateSpec, SlotSpec
from gateway.engine.tombstones import LATE_MS, SETTLED_MS

T0 = 1_800_000_000_000
TOKENS = RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 100)
MONEY = BudgetSpec("usd", Unit.USD, 1000, Period.DAY)
SLOTS = SlotSpec("slots", 100)


def want(tokens=0, usd=0):
    return {Unit.TOTAL_TOKENS: tokens, Unit.USD: usd}


class Recorded:
    def __init__(self):
        self.events = []

    def emit(self, name, **fields):
        self.events.append((name, fields))


def left(ledger, *specs, now=T0):
    return [reading.remaining for reading in ledger.peek(specs, now)]


def test_at_most_eight_expired_reservations_are_ended_per_reserve():
    ledger = Ledger()
    for i in range(20):
        ledger.reserve(f"r{i}", (SLOTS,), {}, {}, 10, T0)
    ledger.reserve("x", (SLOTS,), {}, {}, 10, T0 + 10)
    assert left(ledger, SLOTS) == [100 - 20 + SWEEP - 1]
    ledger.renew([], 10, T0 + 10)
    assert left(ledger, SLOTS) == [99]
    assert RENEW_SWEEP > 20


def test_a_renewed_reservation_outlives_its_first_expiry():
    ledger = Ledger()
    ledger.reserve("a", (SLOTS,), {}, {}, 10, T0)
    ledger.renew(["a"], 100, T0 + 5)
    assert ledger.expire(T0 + 104) == 0
    assert ledger.expire(T0 + 105) == 1


def test_a_renewal_comes_too_late_for_an_expired_reservation():
    ledger = Ledger()
    ledger.reserve("a", (TOKENS,), want(50), want(20), 10, T0)
    ledger.renew(["a"], 100, T0 + 10)
    assert ledger.held() == []
    assert left(ledger, TOKENS, now=T0 + 10) == [80]


def test_a_renewal_never_pulls_an_expiry_nearer():
    ledger = Ledger()
    ledger.reserve("a", (SLOTS,), {}, {}, 1000, T0)
    ledger.renew(["a"], 10, T0)
    assert ledger.held()[0].expires_at_ms == T0 + 1000


def test_a_tombstone_is_forgotten_in_time():
    ledger = Ledger()
    ledger.reserve("late", (MONEY,), want(usd=500), {}, 10, T0)
    ledger.expire(T0 + 10)
    ledger.renew([], 1, T0 + 10 + LATE_MS)
    ledger.settle("late", want(usd=0), T0 + 10 + LATE_MS)
    assert left(ledger, MONEY) == [500]
    ledger.reserve("a", (MONEY,), want(usd=1), {}, 10, T0)
    ledger.settle("a", want(usd=1), T0)
    ledger.renew([], 1, T0 + SETTLED_MS)
    assert ledger.reserve("a", (MONEY,), want(usd=1), {}, 10, T0 + SETTLED_MS).granted


def test_events_tell_of_expiry_and_forgiven_debt():
    events = Recorded()
    ledger = Ledger(events)
    ledger.reserve("a", (TOKENS,), want(10), want(10), 10, T0)
    ledger.expire(T0 + 10)
    ledger.reserve("b", (TOKENS,), want(10), want(10), 10, T0 + 10)
    ledger.settle("b", want(1000), T0 + 10)
    assert [name for name, _ in events.events] == ["ledger.expired", "ledger.debt_clamped"]
    assert events.events[1][1] == {"unit": "total_tokens", "units": 710}  # 80 were left, 200 may be owed, 990 were due


def test_the_order_of_limits_does_not_matter():
    answers = []
    for specs in ((TOKENS, MONEY, SLOTS), (SLOTS, MONEY, TOKENS)):
        ledger = Ledger()
        ledger.reserve("a", specs, want(60, 60), {}, 10, T0)
        denied = ledger.reserve("b", specs, want(41, 960), {}, 10, T0)
        answers.append(({specs[i].key for i in denied.failing}, left(ledger, TOKENS, MONEY, SLOTS)))
    assert answers[0] == answers[1] == ({"tokens", "usd"}, [40, 940, 99])


def test_a_cost_split_into_ones_admits_the_same_total():
    whole, split = Ledger(), Ledger()
    whole.reserve("a", (TOKENS,), want(100), {}, 10, T0)
    granted = [split.reserve(f"r{i}", (TOKENS,), want(1), {}, 10, T0).granted for i in range(120)]
    assert granted == [True] * 100 + [False] * 20
    assert left(whole, TOKENS) == left(split, TOKENS) == [0]


def test_an_enforced_limit_starts_from_its_shadow():
    shadow = RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 100, shadow=True)
    shadow_money = BudgetSpec("usd", Unit.USD, 1000, Period.DAY, shadow=True)
    ledger = Ledger()
    ledger.reserve("a", (shadow, shadow_money), want(70, 400), {}, 1000, T0)
    assert left(ledger, TOKENS, MONEY) == [30, 600]
    assert ledger.reserve("b", (TOKENS, MONEY), want(31, 1), {}, 10, T0).failing == (0,)
    assert ledger.reserve("c", (TOKENS, MONEY), want(30, 600), {}, 10, T0).granted


@pytest.mark.parametrize("amounts", [want(-1), want(0, -5)])
def test_a_negative_amount_is_a_mistake_in_the_caller(amounts):
    ledger = Ledger()
    with pytest.raises(ValueError, match="cannot reserve"):
        ledger.reserve("a", (TOKENS, MONEY), amounts, {}, 10, T0)
    ledger.reserve("b", (TOKENS, MONEY), want(1, 1), {}, 10, T0)
    with pytest.raises(ValueError, match="cannot top up"):
        ledger.top_up("b", amounts, T0)
    assert left(ledger, TOKENS, MONEY) == [99, 999]


def test_a_top_up_after_midnight_goes_to_the_day_of_the_reservation():
    ledger = Ledger()
    ledger.reserve("a", (MONEY,), want(usd=900), {}, 10**9, T0)
    tomorrow = T0 + 86_400_000
    assert ledger.top_up("a", want(usd=200), tomorrow).failing == (0,)
    assert ledger.top_up("a", want(usd=100), tomorrow).granted
    assert left(ledger, MONEY, now=tomorrow) == [1000]


def test_idle_states_are_dropped_and_busy_ones_are_not():
    ledger = Ledger()
    ledger.reserve("held", (RateSpec("kept", Unit.TOTAL_TOKENS, 60, 60, 100),), want(5), {}, 10**12, T0)
    for i in range(1000):
        now = T0 + i * 120_000
        specs = (RateSpec(f"t{i}", Unit.TOTAL_TOKENS, 60, 60, 100), SlotSpec(f"s{i}", 1))
        ledger.reserve(f"r{i}", specs, want(10), {}, 10**12, now)
        ledger.settle(f"r{i}", want(10), now)
    assert len(ledger.states.by_key) < 20
    assert "kept" in ledger.states.by_key


def test_a_reservation_of_nothing_is_charged_after_its_state_was_dropped():
    ledger = Ledger()
    ledger.reserve("a", (TOKENS, MONEY), want(), {}, 10**12, T0)
    ledger.renew([], 1, T0 + 120_000)
    ledger.renew([], 1, T0 + 120_000)
    assert list(ledger.states.by_key) == [TOKENS.key]  # a rate stays as long as a reservation on it is open
    assert ledger.top_up("a", want(5, 5), T0 + 120_000).granted
    ledger.settle("a", want(40, 400), T0 + 120_000)
    assert left(ledger, TOKENS, MONEY, now=T0 + 120_000) == [60, 600]


def test_reservations_of_nothing_in_a_period_long_over_do_not_bring_it_back():
    ledger = Ledger()
    day = 86_400_000
    for name in ("a", "b"):
        assert ledger.reserve(name, (MONEY,), {}, {}, 9 * day, T0).granted
    ledger.states.sweep(T0 + 3 * day, 9)
    for name in ("a", "b"):
        ledger.settle(name, want(usd=1), T0 + 3 * day)
        assert ledger.states.by_key == {}
    assert left(ledger, MONEY, now=T0) == [1000]


def test_an_enforced_limit_without_use_is_not_promoted_again():
    ledger = Ledger()
    shadow = BudgetSpec("usd", Unit.USD, 50, Period.DAY, shadow=True)
    ledger.reserve("a", (MONEY, shadow), want(usd=40), {}, 10_000, T0)
    ledger.settle("a", want(usd=40), T0)
    ledger.reserve("b", (BudgetSpec("other", Unit.USD, 9, Period.DAY),), {}, {}, 10_000, T0)
    fresh = RateSpec("rate", Unit.TOTAL_TOKENS, 60, 60, 100)
    watched = RateSpec("rate", Unit.TOTAL_TOKENS, 1, 60, 50, shadow=True)
    ledger.reserve("c", (fresh, watched), {}, {}, 10_000, T0)
    ledger.reserve("d", (watched,), want(30), {}, 10_000, T0)
    ledger.settle("c", {}, T0)
    ledger.settle("d", want(30), T0)
    ledger.states.sweep(T0 + 61_000, 99)
    assert left(ledger, fresh, watched, now=T0 + 61_000) == [100, 21]


def test_a_late_settle_finds_a_bucket_that_was_dropped():
    ledger = Ledger()
    ledger.reserve("a", (TOKENS,), want(10), want(), 10, T0)
    ledger.expire(T0 + 10)
    ledger.renew([], 1, T0 + 120_000)
    assert ledger.states.by_key == {}
    ledger.settle("a", want(30), T0 + 120_000)
    assert left(ledger, TOKENS, now=T0 + 120_000) == [70]


def test_reservations_end_in_the_order_of_their_last_renewal():
    ledger = Ledger()
    small = RateSpec(TOKENS.key, TOKENS.unit, 1, TOKENS.window_s, 1)
    ledger.reserve("first", (TOKENS,), want(1), {}, 1, T0)
    ledger.renew(["first"], 2, T0)
    ledger.reserve("second", (TOKENS,), want(0), want(1), 1, T0)
    ledger.states.place(small.key, small, T0 + 1000)
    ledger.expire(T0 + 1000)
    # The second is charged first, so that what the first gives back has room under the lowered burst.
    assert left(ledger, small, now=T0 + 1000) == [1]


def test_a_period_that_is_made_again_is_the_one_that_the_reservation_knew():
    """Another limit on the counter had moved it to its own zone before it was dropped as empty."""
    ledger = Ledger()
    berlin = BudgetSpec("usd", Unit.USD, 1000, Period.DAY, "Europe/Berlin")
    ledger.reserve("keeper", (MONEY,), want(usd=5), {}, 10**9, T0)
    ledger.reserve("a", (MONEY,), want(), {}, 10**9, T0)
    (before,) = ledger.peek((MONEY,), T0)
    ledger.reserve("b", (berlin,), want(), {}, 10**9, T0)
    ledger.settle("keeper", want(), T0)
    ledger.states.sweep(T0, 9)
    assert ledger.states.by_key == {}
    assert ledger.top_up("a", want(), T0).readings[0].reset_ms == before.reset_ms
