"""What is special to the journal: restarts, ownership, ceilings, a failing disk."""

import asyncio
import resource
import shutil
import sqlite3
from contextlib import contextmanager

import pytest

from gateway.core.clock import ManualClock
from gateway.core.units import Unit, prompt_amount
from gateway.engine import distinct
from gateway.engine.distinct import SUB_WINDOWS, sub_window_ms
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec
from gateway.stores import pending, restore
from gateway.stores.base import StoreUnavailable
from gateway.stores.journal import FORMAT, Journal
from gateway.stores.sqlite import SqliteStore

RATE = RateSpec("acme|tokens", Unit.TOTAL_TOKENS, 600, 60, 100)
MONEY = BudgetSpec("acme|usd", Unit.USD, 10_000, Period.MONTH, "Europe/Berlin")
SLOTS = SlotSpec("acme|slots", 2)
ALL = (RATE, MONEY, SLOTS)
TTL = 30_000


class Recorded:
    def __init__(self):
        self.names = []

    def emit(self, name, **fields):
        self.names.append(name)


@contextmanager
def full_disk():
    """No file may grow: what ENOSPC does, without a file system of our own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def want(tokens=0, usd=0):
    return {Unit.TOTAL_TOKENS: tokens, Unit.USD: usd}


def store_at(path, clock=None, events=None, **options):
    return SqliteStore(path, clock or ManualClock(), events, **options)


async def remaining(store, *specs):
    return [reading.remaining for reading in await store.peek(specs or ALL)]


def test_a_clean_restart_restores_exact_values_and_open_reservations(tmp_path):
    path = tmp_path / "usage.db"
    clock = ManualClock()

    async def first():
        store = store_at(path, clock)
        await store.open()
        await store.reserve("done", ALL, want(50, 700), want(), TTL)
        store.settle("done", want(30, 500))
        await store.reserve("open", ALL, want(20, 1000), want(5), TTL)
        await store.close()

    async def second():
        store = store_at(path, clock)
        await store.open()
        assert await remaining(store) == [50, 8500, 1]
        assert [held.id for held in await store.held()] == ["open"]
        with pytest.raises(ValueError, match="used once"):
            await store.reserve("open", ALL, want(1, 1), want(), TTL)
        clock.advance(TTL / 1000)
        store.renew([], TTL)
        assert await remaining(store) == [95, 8500, 2]  # expiry commits 5 of 20 tokens, all of the money
        await store.close()

    async def third():
        store = store_at(path, clock)
        await store.open()
        assert await store.held() == []
        assert await remaining(store) == [95, 8500, 2]
        await store.close()

    asyncio.run(first())
    asyncio.run(second())
    asyncio.run(third())


def test_a_copy_of_the_file_at_any_moment_never_undercharges(tmp_path):
    """The file as a killed process leaves it: after each admission, before anything else is written."""

    async def run():
        store = store_at(tmp_path / "usage.db", interval_s=3600)  # no group commit comes to help
        await store.open()
        spent = 0
        for i in range(60):
            await store.reserve(f"r{i}", (MONEY,), want(usd=100), want(), TTL)
            spent += 100
            if i % 2:
                store.settle(f"r{i}", want(usd=150))
                spent += 50
            copy = tmp_path / f"copy{i}"
            copy.mkdir()
            for file in tmp_path.glob("usage.db*"):
                shutil.copy(file, copy / file.name)
            heir = store_at(copy / "usage.db")
            await heir.open()
            left = (await remaining(heir, MONEY))[0]
            # Blocks double while no group commit comes by: what is over-charged stays in proportion to what was spent.
            assert 10_000 - 4 * spent - 900 <= left <= 10_000 - spent
            await heir.close()
        await store.close()

    asyncio.run(run())


def test_a_second_owner_is_refused_with_a_reason(tmp_path):
    async def run():
        owner = store_at(tmp_path / "usage.db")
        await owner.open()
        with pytest.raises(StoreUnavailable, match="another process owns it") as caught:
            await store_at(tmp_path / "usage.db").open()
        assert not caught.value.transient
        await owner.close()
        heir = store_at(tmp_path / "usage.db")
        await heir.open()
        await heir.close()

    asyncio.run(run())


def _foreign(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE music (title TEXT)")
    connection.close()


def _newer(path):
    journal = Journal(path)
    journal._connection.execute("UPDATE meta SET value = '9' WHERE name = 'format'")
    journal.close()


def _broken_row(path):
    journal = Journal(path)
    journal._connection.execute("INSERT INTO bucket VALUES ('k', '[\"what\"]', 1, 1)")
    journal.close()


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (_foreign, "another program's"),
        (_newer, f"format 9, this version reads format {FORMAT}"),
        (lambda path: path.write_bytes(b"not a database at all" * 100), "not a SQLite database"),
        (_broken_row, "damaged"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, prepare, sentence):
    path = tmp_path / "usage.db"
    prepare(path)
    with pytest.raises(StoreUnavailable, match=sentence):
        asyncio.run(store_at(path).open())


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(StoreUnavailable, match=r"directory .*nowhere does not exist"):
        asyncio.run(store_at(tmp_path / "nowhere" / "usage.db").open())


def test_a_failing_disk_closes_budgets_but_not_rates_and_recovers(tmp_path):
    async def run():
        events = Recorded()
        store = store_at(tmp_path / "usage.db", events=events)
        await store.open()
        await store.reserve("before", ALL, want(10, 10), want(), TTL)
        assert not store.degraded
        with full_disk():
            with pytest.raises(StoreUnavailable, match="budgets are closed") as caught:
                await store.reserve("a", ALL, want(10, 5000), want(), TTL)
            assert caught.value.transient
            assert (await remaining(store))[:2] == [90, 9990]
            assert (await store.reserve("b", (RATE, SLOTS), want(10), want(), TTL)).granted
            store.settle("before", want(10, 6000))
            assert (await remaining(store))[:2] == [80, 4000]
            assert "store.commit_failed" in events.names
            assert store.degraded
            with pytest.raises(StoreUnavailable, match="the last commit failed"):
                await store.backup(tmp_path / "copy.db")
        await store.close()
        assert events.names[-1] == "store.back"
        assert not store.degraded, "the last commit went through"
        heir = store_at(tmp_path / "usage.db")
        await heir.open()
        assert (await remaining(heir))[:2] == [80, 4000]
        await heir.close()

    asyncio.run(run())


def test_more_than_an_integer_of_sqlite_can_hold_uses_the_budget_up_and_nothing_else(tmp_path):
    path = tmp_path / "usage.db"

    async def spend():
        store = store_at(path)
        await store.open()
        assert (await store.reserve("a", [MONEY], want(usd=1), {}, TTL)).granted
        store.settle("a", want(usd=1 << 80))
        other = BudgetSpec("other|usd", Unit.USD, 100, Period.MONTH)
        assert (await store.reserve("b", [other], want(usd=1), {}, TTL)).granted
        await store.close()

    async def look():
        store = store_at(path)
        await store.open()
        [left] = await remaining(store, MONEY)
        await store.close()
        return left

    asyncio.run(spend())
    assert asyncio.run(look()) == MONEY.amount - ((1 << 63) - 1)


def test_the_closed_store_refuses(tmp_path):
    async def run():
        store = store_at(tmp_path / "usage.db")
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.reserve("a", ALL, want(1, 1), want(), TTL)
        await store.open()
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.top_up("a", want(1))

    asyncio.run(run())


PROMPTS = DistinctSpec("acme|prompts", Unit.DISTINCT_PROMPTS, 3, 3600)
UNIQUE = DistinctSpec("acme|unique", Unit.UNIQUE_OUTPUT_TOKENS, 100, 3600)
NOVEL = (PROMPTS, UNIQUE)
WINDOW_S = SUB_WINDOWS * sub_window_ms(3600) / 1000


def asks(prompt, tokens=0):
    return {Unit.DISTINCT_PROMPTS: prompt_amount(prompt), Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(prompt, tokens)}


def test_what_was_asked_is_remembered_over_restarts_and_forgotten_in_time(tmp_path):
    path, clock = tmp_path / "usage.db", ManualClock()

    async def session(body):
        store = store_at(path, clock)
        await store.open()
        try:
            await body(store)
        finally:
            await store.close()

    async def first(store):
        for prompt in (1, 2**64 - 1):
            await store.reserve(f"first{prompt}", NOVEL, asks(prompt, 40), {}, TTL)
            store.settle(f"first{prompt}", asks(prompt, 20))
        await store.reserve("open", NOVEL, asks(7, 40), {}, TTL)

    async def second(store):
        assert await remaining(store, *NOVEL) == [0, 20]
        assert (await store.reserve("again", NOVEL, asks(2**64 - 1, 20), {}, TTL)).granted
        assert (await store.reserve("new", NOVEL, asks(8, 1), {}, TTL)).failing == (0,)
        clock.advance(WINDOW_S - 100)
        assert (await store.reserve("renewed", NOVEL, asks(7), {}, TTL)).granted
        clock.advance(100)
        store.renew([], TTL)

    async def third(store):
        assert await remaining(store, *NOVEL) == [2, 100]

    for body in (first, second, third):
        asyncio.run(session(body))
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT DISTINCT prompt FROM prompt").fetchall() == [(7,)]
    raw.close()


def test_what_is_paid_and_what_is_held_for_a_prompt_survives_a_restart(tmp_path):
    """Two open requests on one prompt: their ends charge what they would have charged without the restart."""
    path, clock = tmp_path / "usage.db", ManualClock()

    async def session(body):
        store = store_at(path, clock)
        await store.open()
        try:
            await body(store)
        finally:
            await store.close()

    async def first(store):
        await store.reserve("broken off", (UNIQUE,), asks(1, 30), {}, TTL)
        store.settle("broken off", asks(1, 5))
        for name in ("settled", "expires"):
            await store.reserve(name, (UNIQUE,), asks(1, 40), {}, TTL)
        assert await remaining(store, UNIQUE) == [100 - 5 - 35 - 35]

    async def second(store):
        assert await remaining(store, UNIQUE) == [25]
        store.settle("settled", asks(1, 10))
        assert await remaining(store, UNIQUE) == [100 - 10 - 35]

    async def third(store):
        assert await remaining(store, UNIQUE) == [55]
        clock.advance(TTL / 1000)
        store.renew([], TTL)
        assert await remaining(store, UNIQUE) == [60]
        assert (await store.reserve("paid", (UNIQUE,), asks(1, 40), {}, TTL)).readings[0].remaining == 60

    async def fourth(store):
        assert (await store.reserve("longer", (UNIQUE,), asks(1, 41), {}, TTL)).readings[0].remaining == 59

    for body in (first, second, third, fourth):
        asyncio.run(session(body))


def test_after_a_leap_of_the_clock_the_file_says_what_memory_says(tmp_path):
    path, clock = tmp_path / "usage.db", ManualClock()

    async def session(body):
        store = store_at(path, clock)
        await store.open()
        try:
            await body(store)
        finally:
            await store.close()

    async def ahead(store):
        for prompt in (1, 2):
            await store.reserve(str(prompt), NOVEL, asks(prompt, 30), {}, TTL)
            store.settle(str(prompt), asks(prompt, 10))
        await store.reserve("open", (UNIQUE,), asks(2, 40), {}, TTL)

    async def back(store):
        clock.step(-10 * WINDOW_S)
        assert (await store.reserve("again", NOVEL, asks(2, 10), {}, TTL)).granted
        store.settle("again", asks(2, 0))

    async def later(store):
        assert await remaining(store, *NOVEL) == [1, 50]
        store.settle("open", asks(2, 15))
        assert await remaining(store, *NOVEL) == [1, 75]
        clock.advance(WINDOW_S)
        assert await remaining(store, *NOVEL) == [3, 100]

    for body in (ahead, back, later):
        asyncio.run(session(body))
    with sqlite3.connect(path) as raw:
        subs = raw.execute("SELECT DISTINCT sub FROM prompt").fetchall()
    raw.close()
    assert len(subs) == 1


def test_no_more_prompts_come_back_than_are_remembered(tmp_path, monkeypatch):
    for module in (distinct, pending, restore):
        monkeypatch.setattr(module, "MAX_REMEMBERED", 3)
    path, clock = tmp_path / "usage.db", ManualClock()

    async def run():
        store = store_at(path, clock)
        await store.open()
        for prompt in range(1, 9):
            await store.reserve(str(prompt), (UNIQUE,), asks(prompt, 10), {}, TTL)
            store.settle(str(prompt), asks(prompt, 10))
            await store.verify()  # after a commit
            if prompt in {1, 2, 3, 7}:  # the others share a sub-window
                clock.advance(sub_window_ms(3600) / 1000)
        await store.close()
        with sqlite3.connect(path) as raw:
            kept = raw.execute("SELECT prompt FROM prompt ORDER BY prompt").fetchall()
        raw.close()
        assert [prompt for (prompt,) in kept] == [4, 5, 6, 7, 8]
        again = store_at(path, clock)
        await again.open()
        come_back, left = len(again._ledger.states.by_key["acme|unique"].seen), await remaining(again, UNIQUE)
        await again.close()
        assert (come_back, left) == (3, [20])

    asyncio.run(run())


def test_after_a_leap_of_the_clock_nothing_is_left_in_the_file_that_memory_has_forgotten(tmp_path, monkeypatch):
    for module in (distinct, pending, restore):
        monkeypatch.setattr(module, "MAX_REMEMBERED", 3)
    path, clock = tmp_path / "usage.db", ManualClock()

    async def run():
        store = store_at(path, clock)
        await store.open()
        try:
            for prompt in range(1, 6):  # in one sub-window: the file keeps all five until it has left
                await store.reserve(str(prompt), (UNIQUE,), asks(prompt, 1), {}, TTL)
                await store.verify()
            clock.step(-10 * WINDOW_S)
            await store.reserve("back", (UNIQUE,), asks(5, 1), {}, TTL)
        finally:
            await store.close()

    asyncio.run(run())
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT prompt FROM prompt ORDER BY prompt").fetchall() == [(3,), (4,), (5,)]
    raw.close()


def test_prompts_that_a_failed_commit_had_are_written_by_the_next(tmp_path):
    path = tmp_path / "usage.db"

    async def run():
        events = Recorded()
        store = store_at(path, events=events, interval_s=0.01)
        await store.open()
        shadow = DistinctSpec(PROMPTS.key, PROMPTS.unit, 3, PROMPTS.window_s, shadow=True)
        await store.reserve("shadowed", (shadow,), asks(3), {}, TTL)
        await store.reserve("a", (UNIQUE,), asks(1, 50), {}, TTL)
        with full_disk():
            store.settle("a", asks(1, 20))
            await store.reserve("b", NOVEL, asks(2), {}, TTL)  # promoted: all prompts of the shadow are new to the file
            for _ in range(2000):
                if store.degraded:
                    break
                await asyncio.sleep(0.01)
            assert store.degraded
        await store.close()
        again = store_at(path)
        await again.open()
        assert (await remaining(again, *NOVEL)) == [1, 80]
        assert (await again.reserve("c", (UNIQUE,), asks(1, 20), {}, TTL)).readings[0].remaining == 80
        await again.close()

    asyncio.run(run())
