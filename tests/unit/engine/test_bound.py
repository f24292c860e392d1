"""What is kept of an account's limits between its requests, seen through the ledger and by itself."""

import pytest

from gateway.core.units import Unit, prompt_amount
from gateway.engine import bound
from gateway.engine.bound import Bindings, Bound
from gateway.engine.ledger import Ledger
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec
from gateway.engine.states import States

T0 = 1_800_000_000_000  # 08:00 in UTC
DAY = 86_400_000
MINUTE = 60_000
TOKENS = RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 100)
AUDITED = RateSpec("audited", Unit.TOTAL_TOKENS, 60, 60, 10, shadow=True)
MONEY = BudgetSpec("usd", Unit.USD, 1000, Period.DAY)
TOKYO = BudgetSpec("usd-tokyo", Unit.USD, 1000, Period.DAY, "Asia/Tokyo")
SLOTS = SlotSpec("slots", 2)
PROMPTS = DistinctSpec("new", Unit.DISTINCT_PROMPTS, 5, 3600)
ALL = (TOKENS, MONEY, SLOTS, PROMPTS)


def want(tokens=0, usd=0, prompt=0):
    return {Unit.TOTAL_TOKENS: tokens, Unit.USD: usd, Unit.DISTINCT_PROMPTS: prompt_amount(prompt)}


def reserve(ledger, name, specs, now=T0, ttl=9 * DAY, **amounts):
    """As if these limits had been asked for just before, so that it pays to keep what is looked up."""
    ledger._bindings.pays(specs)
    return ledger.reserve(name, specs, want(**amounts), want(**amounts), ttl, now)


def left(ledger, *specs, now=T0):
    return [reading.remaining for reading in ledger.peek(specs, now)]


def test_the_same_limits_are_looked_up_once():
    states = States()
    bindings = Bindings(states)
    first = bindings.of(ALL, T0)
    places = [place for place, _ in first.places]
    assert bindings.of(ALL, T0 + 1) is first
    assert [place for place, _ in first.places] == places
    assert bindings.of((*ALL,), T0) is not first, "equal is not the same"


def test_looking_up_for_later_pays_for_who_comes_again_while_nothing_is_dropped():
    states = States()
    bindings = Bindings(states)
    assert [bindings.pays(ALL), bindings.pays(ALL), bindings.pays((TOKENS,))] == [False, True, False]
    states.place("tokens", TOKENS, T0)
    states.sweep(T0 + DAY, 10)  # somebody's idle state goes
    assert [bindings.pays(ALL), bindings.pays(ALL)] == [False, True]


@pytest.mark.interpreted
def test_of_only_so_many_is_known_when_they_came(monkeypatch):
    monkeypatch.setattr(bound, "MOST_SEEN", 2)
    bindings = Bindings(States())
    one, two, three = (TOKENS,), (MONEY,), (SLOTS,)
    assert not any(bindings.pays(specs) for specs in (one, two, three))
    assert bindings.pays(three)
    assert len(bindings._seen) == 1


@pytest.mark.parametrize("seen", [False, True])
def test_what_is_asked_is_checked_whether_or_not_it_is_looked_up_for_later(seen):
    ledger = Ledger()
    for specs, amounts in (((TOKENS,), want(tokens=-1)), ((TOKENS, TOKENS), want(tokens=1))):
        if seen:
            ledger._bindings.pays(specs)
        with pytest.raises(ValueError, match=r"less than nothing|share a key"):
            ledger.reserve("a", specs, amounts, {}, MINUTE, T0)
    slots = (SLOTS,)
    if seen:
        ledger._bindings.pays(slots)
    ledger.reserve("b", slots, {Unit.CONCURRENT: 5}, {}, MINUTE, T0)
    assert [held.amounts for held in ledger.held()] == [{"concurrent": 1}]


@pytest.mark.interpreted
def test_only_so_many_are_remembered(monkeypatch):
    monkeypatch.setattr(bound, "MOST", 2)
    bindings = Bindings(States())
    one, two, three = (TOKENS,), (MONEY,), (SLOTS,)
    first, second = bindings.of(one, T0), bindings.of(two, T0)
    bindings.of(three, T0)
    assert bindings.of(two, T0) is second
    assert bindings.of(one, T0) is not first


def test_a_list_of_limits_may_change_between_two_requests():
    ledger = Ledger()
    specs = [TOKENS]
    reserve(ledger, "a", specs, tokens=10)
    specs[0] = MONEY
    assert [reading.spec for reading in reserve(ledger, "b", specs, usd=10).readings] == [MONEY]
    assert left(ledger, TOKENS, MONEY) == [90, 990]


def test_each_verdict_has_readings_of_its_own_in_the_order_of_the_limits():
    ledger = Ledger()
    first = reserve(ledger, "a", ALL, tokens=10, usd=100, prompt=1)
    second = reserve(ledger, "b", ALL, tokens=20, usd=200, prompt=2)
    assert [(one.spec, one.remaining) for one in first.readings] == list(zip(ALL, (90, 900, 1, 4), strict=True))
    assert [one.remaining for one in second.readings] == [70, 700, 0, 3]
    assert [held.amounts for held in ledger.held()] == [
        {"total_tokens": 10, "usd": 100, "concurrent": 1, "distinct_prompts": 1},
        {"total_tokens": 20, "usd": 200, "concurrent": 1, "distinct_prompts": 1},
    ]
    ledger.settle("a", want(tokens=5, usd=50), T0)
    ledger.settle("b", want(), T0)
    assert left(ledger, *ALL) == [95, 950, 2, 3]


@pytest.mark.parametrize(
    ("amounts", "failing"), [({"tokens": 101}, 0), ({"usd": 1001}, 1), ({"prompt": 9}, 3), ({}, 2)]
)
def test_one_limit_without_room_refuses_whatever_its_kind(amounts, failing):
    ledger = Ledger()
    for prompt in range(1, 6):
        reserve(ledger, f"r{prompt}", ALL, prompt=prompt)
        ledger.settle(f"r{prompt}", want(), T0)
    if not amounts:
        reserve(ledger, "x", ALL)
        reserve(ledger, "y", ALL)
    before = left(ledger, *ALL)
    verdict = reserve(ledger, "z", ALL, **amounts)
    assert (verdict.granted, verdict.failing) == (False, (failing,))
    assert left(ledger, *ALL) == before


def test_what_has_no_room_in_audit_mode_is_held_nowhere_and_the_rest_is_settled_as_it_is():
    ledger = Ledger()
    specs = (AUDITED, TOKENS, SLOTS)
    verdict = reserve(ledger, "a", specs, tokens=50)
    assert (verdict.granted, verdict.shadow_failing) == (True, (0,))
    assert ledger.held()[0].amounts == {"total_tokens": 50, "concurrent": 1}
    ledger.settle("a", want(tokens=30), T0)
    assert left(ledger, *specs) == [10, 70, 2]


def test_a_dropped_state_is_not_charged_any_more():
    ledger = Ledger()
    reserve(ledger, "a", ALL, tokens=50, usd=5, prompt=1)
    ledger.settle("a", want(tokens=50, usd=5), T0)
    later = T0 + 3 * DAY
    ledger.states.sweep(later, 9)
    assert ledger.states.by_key == {}
    reserve(ledger, "b", ALL, now=later, tokens=50, usd=5, prompt=1)
    assert left(ledger, *ALL, now=later) == [50, 995, 1, 4]
    ledger.settle("b", want(tokens=10, usd=1), later)
    assert left(ledger, *ALL, now=later) == [90, 999, 2, 4]


def test_a_state_that_is_dropped_while_a_reservation_of_nothing_is_open_is_settled_where_it_is_made_again():
    ledger = Ledger()
    reserve(ledger, "a", (MONEY, TOKENS))
    ledger.states.sweep(T0, 9)
    assert list(ledger.states.by_key) == [TOKENS.key]
    ledger.settle("a", want(usd=5, tokens=1), T0)
    assert left(ledger, MONEY, TOKENS) == [995, 99]


def test_a_dropped_period_is_not_charged_any_more():
    ledger = Ledger()
    reserve(ledger, "a", (MONEY,), usd=5)
    reserve(ledger, "b", (MONEY,), now=T0 + 3 * DAY, usd=7)
    reserve(ledger, "c", (MONEY,), now=T0 + 3 * DAY)
    row = ledger.states.by_key["usd"].current
    ledger.settle("b", want(), T0 + 3 * DAY)
    ledger.states.sweep(T0 + 3 * DAY, 9)
    assert row.gone
    specs = (MONEY,)
    reserve(ledger, "d", specs, now=T0 + 3 * DAY)
    row = ledger.states.by_key["usd"].current
    ledger.states.sweep(T0 + 3 * DAY, 9)
    assert row.gone
    reserve(ledger, "e", specs, now=T0 + 3 * DAY, usd=9)
    assert left(ledger, MONEY, now=T0 + 3 * DAY) == [991]


def test_a_limit_that_another_plan_changed_is_what_the_request_says():
    ledger = Ledger()
    large, small = (TOKENS,), (RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 20),)
    assert reserve(ledger, "a", large, tokens=10).granted
    assert reserve(ledger, "b", small, tokens=10).granted
    assert not reserve(ledger, "c", small, tokens=11).granted
    assert not reserve(ledger, "d", large, now=T0 + 10 * MINUTE, tokens=90).granted, "a larger burst fills from now on"
    assert reserve(ledger, "e", large, now=T0 + 12 * MINUTE, tokens=90).granted
    assert not reserve(ledger, "f", small, now=T0 + 20 * MINUTE, tokens=21).granted, "whatever room the other one has"


def test_each_day_has_its_own_counter_whichever_way_the_clock_goes():
    ledger = Ledger()
    specs = (TOKYO, MONEY)  # midnight is at 15:00 UTC for one of them
    afternoon, tomorrow = T0 + 8 * 3_600_000, T0 + DAY
    reserve(ledger, "a", specs, usd=10)
    reserve(ledger, "b", specs, now=afternoon, usd=20)
    assert left(ledger, *specs, now=afternoon) == [980, 970]
    reserve(ledger, "c", specs, usd=1)
    assert left(ledger, *specs) == [989, 969]
    assert left(ledger, *specs, now=afternoon) == [980, 969]
    reserve(ledger, "d", specs, now=tomorrow, usd=40)
    assert left(ledger, *specs, now=tomorrow) == [940, 960]
    ledger.settle("a", want(usd=2), tomorrow)
    assert left(ledger, *specs) == [997, 977]
    assert left(ledger, *specs, now=tomorrow) == [940, 960]
    reserve(ledger, "e", specs, usd=5)
    assert left(ledger, *specs) == [992, 972]


def test_debt_that_is_forgiven_is_told():
    told = []

    class Events:
        def emit(self, name, **fields):
            told.append((name, fields))

    ledger = Ledger(Events())
    reserve(ledger, "a", ALL, tokens=10)
    ledger.settle("a", want(tokens=1000), T0)
    assert told == [("ledger.debt_clamped", {"unit": "total_tokens", "units": 700})]


def test_a_key_that_has_become_another_kind_is_noticed():
    ledger = Ledger()
    slots = (SlotSpec("tokens", 3),)
    reserve(ledger, "a", (TOKENS,), ttl=10, tokens=10)
    ledger.expire(T0 + 10)
    later = T0 + 10 * MINUTE
    ledger.states.sweep(later, 9)
    reserve(ledger, "b", slots, now=later)
    ledger.settle("a", want(tokens=20), later)
    with pytest.raises(TypeError, match="must have another key"):
        reserve(ledger, "c", slots, now=later)


def test_what_was_settled_does_not_pile_up():
    ledger = Ledger()
    for serial in range(100):
        reserve(ledger, f"r{serial}", (TOKENS,))
        ledger.settle(f"r{serial}", {}, T0)
    assert len(ledger._expiries._queue) <= 2


def test_limits_that_share_a_place_are_refused_each_time():
    specs = (TOKENS, RateSpec("tokens", Unit.TOTAL_TOKENS, 60, 60, 50))
    one = Bound(specs)
    for _ in range(2):
        with pytest.raises(ValueError, match="share a key"):
            one.look_up(States(), T0)
