import pytest

from gateway.core.units import Unit
from gateway.engine.budget import KEEP_MS, Budget
from gateway.engine.reservation import Reservation
from gateway.engine.spec import BudgetSpec, Period, RateSpec

DAY = 86_400_000
NOON = 1_799_971_200_000 + DAY // 2  # 2027-01-15 in UTC
NOBODY = Reservation("r", [], {}, 0, 0)


def spec(amount=100, period=Period.DAY, zone="UTC", anchor_day=1):
    return BudgetSpec("k", Unit.USD, amount, period, zone, anchor_day)


def spent(amount, now=NOON, limit=None):
    budget = Budget("k", limit or spec())
    row = budget.place(budget.spec, now)
    row.take(amount, now, NOBODY)
    row.settle(amount, amount, now, NOBODY)
    return budget


def left(budget, limit=None, now=NOON):
    return budget.peek(limit or budget.spec, now).remaining


def test_it_waits_for_the_end_of_the_period():
    row = spent(90).place(spec(), NOON)
    assert row.fit(10, NOON) == 0
    assert row.fit(11, NOON) == DAY // 2
    assert row.fit(101, NOON) is None


def test_nothing_asked_is_nothing_denied():
    row = spent(150).place(spec(), NOON)
    assert row.fit(0, NOON) == 0
    assert row.fit(1, NOON) == DAY // 2


def test_a_reservation_settles_into_its_own_period():
    budget = Budget("k", spec())
    row = budget.place(spec(), NOON)
    row.take(60, NOON, NOBODY)
    tomorrow = budget.place(spec(), NOON + DAY)
    row.settle(60, 40, NOON + DAY, NOBODY)
    assert (row.used, row.held, tomorrow.used, tomorrow.held) == (40, 0, 0, 0)
    assert left(budget, now=NOON + DAY) == 100


def test_old_rows_without_holds_are_dropped_after_a_day_of_grace():
    budget = spent(10)
    held = Budget("k", spec())
    held.place(spec(), NOON).take(1, NOON, NOBODY)
    end = budget.place(spec(), NOON).end_ms
    assert budget.prune(end + KEEP_MS - 1) == []
    assert left(budget, now=NOON) == 90  # the clock went back over midnight
    assert [row.label for row in budget.prune(end + KEEP_MS)] == ["2027-01-15"]
    assert budget.idle(0)
    assert held.prune(end + 100 * DAY) == []


def test_another_zone_finds_the_same_day():
    budget = spent(70)
    assert left(budget, spec(zone="Europe/Berlin")) == 30


@pytest.mark.parametrize("anchor", [1, 10, 15, 16, 31])
def test_another_anchor_never_resets_usage(anchor):
    budget = spent(70, limit=spec(period=Period.MONTH))
    moved = spec(period=Period.MONTH, anchor_day=anchor)
    assert left(budget, moved) == 30
    assert budget.place(moved, NOON).used == 70


def test_a_calendar_that_changes_to_and_fro_does_not_pile_up():
    budget = spent(10, limit=spec(period=Period.MONTH))
    for _ in range(5):
        for anchor in (20, 1):
            row = budget.place(spec(period=Period.MONTH, anchor_day=anchor), NOON)
            assert row.used == 10


def test_usage_is_never_carried_into_a_later_day():
    budget = spent(70)
    ahead = spec(zone="Pacific/Kiritimati")  # 02:00 of the next day there
    assert left(budget, ahead) == 100
    assert budget.place(ahead, NOON).used == 0


def test_usage_moves_into_a_day_that_began_earlier():
    budget = spent(70, limit=spec(zone="Pacific/Kiritimati"))
    assert left(budget, spec()) == 30


def test_a_key_of_another_kind_is_refused():
    rate = RateSpec("k", Unit.REQUESTS, 1, 1, 1)
    with pytest.raises(TypeError, match="is a budget"):
        Budget("k", spec()).place(rate, NOON)
    with pytest.raises(TypeError, match="is a budget"):
        Budget("k", spec()).peek(rate, NOON)


@pytest.mark.parametrize(("used", "remaining"), [(30, 20), (80, 0)])
def test_a_shadow_is_promoted_at_most_used_up(used, remaining):
    assert left(spent(used).promoted("k", spec(50), NOON, 0), spec(50)) == remaining


def test_an_old_period_of_a_shadow_is_not_promoted():
    assert left(spent(30).promoted("k", spec(50), NOON + DAY, 0), spec(50), NOON + DAY) == 50
