import pytest

from gateway.core.units import Unit
from gateway.engine.bucket import Bucket
from gateway.engine.budget import Budget
from gateway.engine.reservation import Reservation
from gateway.engine.spec import BudgetSpec, Period, RateSpec
from gateway.engine.states import Dropped
from gateway.stores import pending as module
from gateway.stores.pending import FIRST_BLOCK, Pending

NOW = 1_800_000_000_000
MONEY = BudgetSpec("usd", Unit.USD, 10_000, Period.DAY)
NEVER = float("-inf")


@pytest.fixture
def row():
    return Budget("usd", MONEY, 0).place(MONEY, NOW)


def written(cut):
    return [entry[-2:] for entry in cut.batch().budgets]  # charged, ceiling


def committed(cut):
    for row, ceiling in cut.ceilings:
        row.ceiling = ceiling


def test_a_need_opens_a_block_of_a_few_requests_once_it_is_on_disk(row):
    pending = Pending([])
    assert pending.need(row, 100) == 100
    cut = pending.cut(0, NEVER)
    ((charged, ceiling),) = written(cut)
    assert charged == 0
    assert 100 <= ceiling <= FIRST_BLOCK * 100
    assert row.ceiling == 0
    committed(cut)
    assert row.ceiling == ceiling


def test_a_lower_ceiling_binds_before_it_is_on_disk(row):
    """Otherwise a spend between the cut and the crash could be above what the file says."""
    pending = Pending([])
    pending.need(row, 100)
    committed(pending.cut(0, NEVER))
    row.used = 70
    cut = pending.cut(10, 5)  # untouched since 0: closed at its exact value
    assert written(cut) == [(70, 70)]
    assert row.ceiling == 70
    assert pending.cut(20, 15).empty


def test_a_block_follows_the_pace_and_stays_within_the_budget(row):
    pending = Pending([])
    for used in (100, 600, 9000):
        row.used = used
        pending.changed([(row, MONEY, 0)])
        cut = pending.cut(0, NEVER)
        committed(cut)
    assert written(cut) == [(9000, 10_000)]
    row.used = 10_500  # an unconditional debit
    pending.changed([(row, MONEY, 0)])
    assert written(pending.cut(0, NEVER)) == [(10_500, 10_500)]


def test_what_failed_to_commit_is_in_the_next_cut_in_its_newest_state(row):
    bucket = Bucket("t", RateSpec("t", Unit.REQUESTS, 1, 1, 5), NOW)
    ended, started, renewed = (Reservation(name, [], {}, NOW, NOW + 1) for name in ("ended", "started", "renewed"))
    pending = Pending([Dropped("gone", "", 0, NOW)])
    pending.changed([(row, MONEY, 0), (bucket, bucket.spec, 0)])
    for reservation in (ended, started, renewed):
        pending.opened(reservation)
    lost = pending.cut(0, NEVER)
    bucket.level = 3
    row.used = 8
    pending.closed(ended)
    pending.put_back(lost)
    batch = pending.cut(0, NEVER).batch()
    assert batch.dropped == [Dropped("gone", "", 0, NOW)]
    assert [entry[2] for entry in batch.buckets] == [3]
    assert [entry[5] for entry in batch.budgets] == [8]
    assert batch.closed == [("ended",)]
    assert [entry[0] for entry in batch.opened] == ["started", "renewed"]


def test_a_row_whose_closing_failed_is_closed_again(row):
    pending = Pending([])
    pending.changed([(row, MONEY, 0)])
    committed(pending.cut(0, NEVER))
    pending.put_back(pending.cut(10, 5))
    assert written(pending.cut(10, NEVER)) == [(0, 0)]


def test_dropped_states_are_not_written_again(row):
    pending = Pending([])
    pending.changed([(row, MONEY, 0)])
    row.gone = True
    assert pending.cut(0, NEVER).empty


def test_entries_of_many_counters_are_not_summed_up_at_every_charge(monkeypatch):
    """While the disk fails that would cost each request the time of all of them."""
    monkeypatch.setattr(module, "MOST_ENTRIES", 10)
    lengths, summed = [], module._summed

    def counted(entries):
        lengths.append(len(entries))
        return summed(entries)

    monkeypatch.setattr(module, "_summed", counted)
    rows = [Budget(f"usd{number}", MONEY, 0).place(MONEY, NOW) for number in range(100)]
    pending = Pending([])
    for _ in range(10):
        for row in rows:
            pending.charged("x", row, 1, NOW)
    assert sum(lengths) <= 3 * 1000
    total = sum(entry[-1] for entry in pending.cut(0, NEVER).entries)
    assert total == 1000
