"""The ledger of the SQLite store: its entries explain every budget, and a file that was tampered with shows."""

import asyncio
import sqlite3
import threading
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.clock import ManualClock
from gateway.core.units import Unit
from gateway.engine.spec import BudgetSpec, Period
from gateway.stores import sqlite_file
from gateway.stores import verify as verification
from gateway.stores.base import Mismatch, StoreUnavailable
from gateway.stores.journal import Journal
from gateway.stores.pending import MOST_ENTRIES, Pending
from gateway.stores.sqlite import SqliteStore

MONEY = BudgetSpec("acme|usd", Unit.USD, 10_000, Period.DAY)
SHADOW = BudgetSpec("acme|usd", Unit.USD, 500, Period.DAY, shadow=True)
ALL = (MONEY, SHADOW)
DAY_S = 86_400


def usd(amount):
    return {Unit.USD: amount}


def on(path, body, clock=None):
    async def run():
        store = SqliteStore(path, clock or ManualClock(), interval_s=0.01)
        await store.open()
        try:
            return await body(store)
        finally:
            await store.close()

    return asyncio.run(run())


def change(path, statement):
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute(statement)


def entries(path):
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute("SELECT charged_by, key, amount FROM entry ORDER BY seq").fetchall()


def test_each_end_of_a_reservation_is_an_entry(tmp_path):
    path, clock = tmp_path / "usage.db", ManualClock()

    async def body(store):
        for name in ("settled", "late", "open"):
            await store.reserve(name, (MONEY,), usd(100), {}, 1000)
        store.settle("settled", usd(30))
        clock.advance(1)
        store.renew([], 1000)
        store.settle("late", usd(40))
        return await store.verify()

    report = on(path, body, clock)
    assert (report.counters, report.entries, report.mismatches) == (1, 4, ())
    assert entries(path) == [
        ("settled", "acme|usd", 30),
        ("late", "acme|usd", 100),
        ("open", "acme|usd", 100),
        ("late", "acme|usd", -60),
    ]


@pytest.mark.parametrize(
    ("statement", "counted", "explained"),
    [
        ("UPDATE budget SET charged = 1", 1, 130),
        ("UPDATE entry SET amount = 29 WHERE charged_by = 'a'", 130, 129),
        ("DELETE FROM entry", 130, 100),
        ("DELETE FROM reservation", 130, 30),
        ("INSERT INTO checkpoint VALUES ('acme|usd', (SELECT label FROM budget), 5)", 130, 135),
    ],
)
def test_a_counter_without_its_history_is_named(tmp_path, statement, counted, explained):
    path, clock = tmp_path / "usage.db", ManualClock()

    async def spend(store):
        await store.reserve("a", (MONEY,), usd(100), {}, 10**9)
        store.settle("a", usd(30))
        await store.reserve("b", (MONEY,), usd(100), {}, 10**9)

    on(path, spend, clock)
    change(path, statement)
    journal = Journal(path)
    report = journal.verify()
    journal.close()
    assert report.mismatches == (Mismatch("acme|usd", report.mismatches[0].label, counted, explained),)


steps = st.lists(
    st.tuples(st.sampled_from(["reserve", "settle", "pass", "day", "restart", "compact"]), st.integers(0, 600)),
    min_size=1,
    max_size=25,
)


@given(steps)
def test_whatever_happens_the_ledger_explains_the_counters(tmp_path_factory, steps):
    path, clock, names = tmp_path_factory.mktemp("ledger") / "usage.db", ManualClock(), []

    async def life(store, steps):
        while steps:
            step, amount = steps.pop(0)
            if step == "reserve":
                names.append(f"r{len(names)}")
                await store.reserve(names[-1], ALL, usd(amount), {}, 1000)
            elif step == "settle" and names:
                store.settle(names[amount % len(names)], usd(amount))
            elif step == "pass":
                clock.advance(amount / 100)
                store.renew([], 1000)
            elif step == "day":
                clock.advance(DAY_S * (1 + amount % 3))
                store.renew([], 1000)
            elif step == "compact":
                await store._ask(lambda journal: journal.compact(keep=1))
            elif step == "restart":
                break
            assert (await store.verify()).mismatches == ()

    steps = list(steps)
    while steps:
        on(path, lambda store: life(store, steps), clock)


def test_old_entries_are_summed_up_and_nothing_changes(tmp_path):
    path, clock = tmp_path / "usage.db", ManualClock()

    async def body(store):
        for number in range(20):
            await store.reserve(str(number), ALL, usd(10), {}, 1000)
            store.settle(str(number), usd(number))
        await store._ask(lambda journal: journal.compact(keep=5))
        return await store.verify()

    report = on(path, body, clock)
    assert (report.entries, report.mismatches) == (5, ())
    assert report.last == 38  # of number 0 nothing was used, which is no entry


def test_few_are_summed_up_at_a_time_so_that_nobody_waits_long_for_a_commit(tmp_path):
    async def body(store):
        for number in range(20):
            await store.reserve(str(number), (MONEY,), usd(10), {}, 1000)
            store.settle(str(number), usd(7))
        counts = []
        for _ in range(4):
            await store._ask(lambda journal: journal.compact(keep=5, at_most=6))
            counts.append((await store.verify()).entries)
        return counts, (await store.verify()).mismatches

    assert on(tmp_path / "usage.db", body) == ([14, 8, 5, 5], ())


def test_use_goes_on_between_the_slices_of_a_verification(tmp_path, monkeypatch):
    monkeypatch.setattr(verification, "ENTRIES_AT_ONCE", 3)

    async def body(store):
        for number in range(20):
            await store.reserve(str(number), (MONEY,), usd(10), {}, 1000)
        for number in range(10):
            store.settle(str(number), usd(7))
        more = iter(range(10, 20))

        def job(journal):
            def between():
                if (name := next(more, None)) is not None:
                    store.settle(str(name), usd(7))
                    store._write(journal)

            return journal.verify(between)

        return await store._ask(job)

    report = on(tmp_path / "usage.db", body)
    assert report.entries > 10
    assert report.last == report.entries
    assert report.mismatches == ()


def test_use_goes_on_while_a_backup_is_made_and_the_copy_is_exact(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite_file, "PAGES_AT_ONCE", 1)
    path, copy = tmp_path / "usage.db", tmp_path / "copy.db"

    async def spend(store):
        await store.reserve("a", (MONEY,), usd(100), {}, 10**9)
        turns = []

        def job(journal):
            def between():
                turns.append(len(turns))
                store.settle("a", usd(30))
                store._write(journal)

            journal.copy_to(copy, between)

        await store._ask(job)
        assert len(turns) > 1
        assert copy.stat().st_mode & 0o777 == 0o600

    async def left(store):
        assert (await store.verify()).mismatches == ()
        return (await store.peek((MONEY,)))[0].remaining

    on(path, spend)
    assert on(copy, left) == 9970


def test_an_asker_who_leaves_takes_nothing_with_him(tmp_path):
    async def body(store):
        started, going_on = threading.Event(), threading.Event()

        def slow(_journal):
            started.set()
            return going_on.wait(10)

        first = asyncio.create_task(store._ask(slow))
        await asyncio.to_thread(started.wait, 10)
        waits = asyncio.create_task(store.verify())
        await asyncio.sleep(0)
        first.cancel()
        waits.cancel()
        await asyncio.gather(first, waits, return_exceptions=True)
        assert (first.cancelled(), waits.cancelled()) == (True, True)
        going_on.set()
        return (await asyncio.wait_for(store.verify(), 10)).mismatches

    assert on(tmp_path / "usage.db", body) == ()


def test_entries_that_pile_up_are_summed_up(tmp_path):
    async def body(store):
        await store.reserve("a", (MONEY,), usd(1), {}, 1000)
        (row,) = (hold[0] for hold in store._ledger._live["a"].holds)
        pending = Pending([])
        for at_ms in range(MOST_ENTRIES + 1):
            pending.charged("x", row, 2, at_ms)
        return pending.cut(0, 0).entries

    assert [entry[1:] for entry in on(tmp_path / "usage.db", body)] == [
        ("summed", "acme|usd", "2027-01-15", 2 * MOST_ENTRIES + 2)
    ]


def test_a_backup_of_a_running_store_is_a_store(tmp_path):
    path, copy, clock = tmp_path / "usage.db", tmp_path / "copy.db", ManualClock()

    async def spend(store):
        await store.reserve("a", (MONEY,), usd(100), {}, 10**9)
        store.settle("a", usd(30))
        await store.backup(copy)
        await store.reserve("b", (MONEY,), usd(1000), {}, 10**9)
        with pytest.raises(StoreUnavailable, match="usage database"):
            await store.backup(tmp_path / "absent" / "copy.db")

    async def left(store):
        assert (await store.verify()).mismatches == ()
        return (await store.peek((MONEY,)))[0].remaining

    on(path, spend, clock)
    assert on(copy, left, clock) == 9970
    assert on(path, left, clock) == 8970


def test_a_closed_store_answers_nobody(tmp_path):
    async def body(store):
        await store.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.verify()

    on(tmp_path / "usage.db", body)
