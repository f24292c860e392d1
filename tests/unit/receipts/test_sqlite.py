"""The file behind the receipts: what survives, what is deleted, what happens when the disk fails."""

import asyncio
import sqlite3
import stat
from contextlib import closing

import pytest

from gateway.core.clock import ManualClock
from gateway.receipts import sqlite
from gateway.receipts.claims import Claims, digest_of
from gateway.receipts.file import ReceiptFile
from gateway.receipts.sqlite import SqliteReceipts
from gateway.receipts.store import Receipt
from gateway.stores.base import StoreUnavailable
from tests.support.receipts import ALWAYS, signers_of

SIGNER = signers_of([ALWAYS]).at(0)


def receipt(number, issued_at=1_800_000_000):
    claims = Claims(f"req-{number}", "acme", "sim-small", issued_at, digest_of(b"%d" % number), "stream")
    return Receipt(claims, SIGNER.sign(claims.payload()))


def store(folder, **more):
    return SqliteReceipts(folder / "r.sqlite", ManualClock(), retention_s=3600, **{"interval_s": 0.0, **more})


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


def rows(folder):
    with closing(sqlite3.connect(folder / "r.sqlite")) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM receipt ORDER BY seq")]


def test_a_close_writes_what_waits_and_another_owner_finds_it(tmp_path):
    some = [receipt(number) for number in range(7)]

    async def body():
        one = store(tmp_path, interval_s=60.0)
        await one.open()
        for each in some:
            one.put(each)
        await one.close()
        one.put(receipt(99))
        assert one.dropped == 1, "after its end"
        again = store(tmp_path)
        await again.open()
        assert [await again.get(each.claims.id) for each in some] == some
        await again.close()

    asyncio.run(body())
    assert rows(tmp_path) == [each.claims.id for each in some]


def test_it_is_written_behind_without_a_close(tmp_path):
    async def body():
        one = store(tmp_path)
        await one.open()
        one.put(receipt(1))
        await until(lambda: not one._waiting)
        assert await one.get("req-1") == receipt(1)
        await one.close()

    asyncio.run(body())


def test_old_ones_are_deleted_even_when_none_are_issued(tmp_path, monkeypatch):
    """The retention is a promise about what is on the disk."""
    monkeypatch.setattr(sqlite, "IDLE_S", 0.0)
    clock = ManualClock(1_800_000_000_000)

    async def body():
        one = SqliteReceipts(tmp_path / "r.sqlite", clock, retention_s=3600, interval_s=0.0)
        await one.open()
        for number in range(3):
            one.put(receipt(number))
        await until(lambda: not one._waiting)
        clock.advance(3601)
        left = [1]
        async with asyncio.timeout(20):
            while left:
                left = await one._beside(lambda: one._file._connection.execute("SELECT id FROM receipt").fetchall())
        await one.close()

    asyncio.run(body())
    assert rows(tmp_path) == []


def test_nobody_else_can_read_or_open_it(tmp_path):
    async def body():
        one = store(tmp_path)
        await one.open()
        with pytest.raises(StoreUnavailable, match="another process owns it"):
            await store(tmp_path).open()
        await one.close()

    asyncio.run(body())
    assert stat.S_IMODE((tmp_path / "r.sqlite").stat().st_mode) == 0o600


def test_a_file_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "r.sqlite").write_bytes(b"no database at all, and long enough to be looked at" * 20)

    async def body():
        with pytest.raises(StoreUnavailable, match="not a SQLite database"):
            await store(tmp_path).open()

    asyncio.run(body())


class Failing(ReceiptFile):
    """A file on a disk that takes nothing for a while."""

    full = True

    def add(self, receipts):
        if type(self).full:
            raise sqlite3.OperationalError("disk I/O error")
        super().add(receipts)


def test_what_a_failing_disk_does_not_take_is_written_later(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(sqlite, "ReceiptFile", Failing)
    monkeypatch.setattr(sqlite, "RETRY_S", 0.0)
    monkeypatch.setattr(Failing, "full", True)

    async def body():
        one = store(tmp_path)
        await one.open()
        one.put(receipt(1))
        await until(lambda: one.failing)
        assert await one.get("req-1") == receipt(1)
        Failing.full = False
        await until(lambda: not one.failing)
        assert one.dropped == 0
        await one.close()

    asyncio.run(body())
    assert rows(tmp_path) == ["req-1"]
    assert caplog.text.count("receipts cannot be written") == 1


def test_a_disk_that_never_recovers_costs_no_close(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "ReceiptFile", Failing)

    async def body():
        one = store(tmp_path)
        await one.open()
        one.put(receipt(1))
        await one.close()
        assert one.dropped == 1

    asyncio.run(body())


def test_more_lookups_than_it_takes_are_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "MOST_LOOKUPS", 2)

    async def body():
        one = store(tmp_path)
        await one.open()
        found = await asyncio.gather(*(one.get(f"req-{number}") for number in range(5)), return_exceptions=True)
        assert sum(isinstance(each, StoreUnavailable) for each in found) == 3
        assert await one.get("req-1") is None
        await one.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await one.get("req-1")

    asyncio.run(body())


def test_a_damaged_row_is_no_answer(tmp_path):
    async def body():
        one = store(tmp_path)
        await one.open()
        await one._beside(lambda: one._file._connection.execute("INSERT INTO receipt VALUES (1, 'req-1', 0, 'x.y.z')"))
        with pytest.raises(StoreUnavailable):
            await one.get("req-1")
        await one.close()

    asyncio.run(body())


# the file alone


@pytest.fixture
def file(tmp_path):
    one = ReceiptFile(tmp_path / "f.sqlite")
    yield one
    one.close()


def left(file):
    return [number for number in range(40) if file.find(f"req-{number}") is not None]


def test_old_receipts_are_deleted_some_at_a_time(file):
    file.add([receipt(number, issued_at=number) for number in range(20)])
    assert file.forget(before_s=12, most=1000, at_once=5) == 5
    assert len(left(file)) == 15
    while file.forget(before_s=12, most=1000, at_once=5):
        pass
    assert left(file) == list(range(12, 20))


def test_old_ones_behind_young_ones_are_deleted_too(file):
    """A clock that ran ahead for a while."""
    file.add([receipt(1, issued_at=9_999), receipt(2, issued_at=5)])
    file.forget(before_s=10, most=1000)
    assert left(file) == [1]


def test_beyond_the_bound_the_oldest_go(file):
    file.add([receipt(number, issued_at=100) for number in range(20)])
    assert file.forget(before_s=0, most=30) == 0
    assert file.forget(before_s=0, most=6, at_once=10) == 10
    assert file.forget(before_s=0, most=6, at_once=10) == 4
    assert left(file) == list(range(14, 20))
    assert file.forget(before_s=0, most=6) == 0


def test_an_empty_file_has_nothing_to_forget(file):
    assert file.forget(before_s=1 << 40, most=1) == 0


def test_a_batch_is_written_whole_or_not_at_all(file):
    bad = Receipt(Claims("req-9", "a", "m", None, "d", "body"), "x.y.z")
    with pytest.raises(sqlite3.IntegrityError):
        file._all_or_nothing(
            "INSERT INTO receipt (id, issued_at, jws) VALUES (?, ?, ?)",
            [("req-1", 1, receipt(1).jws), (bad.claims.id, None, bad.jws)],
        )
    assert left(file) == []
    file.add([receipt(1)])
    file.add([receipt(1), receipt(2)])
    assert left(file) == [1, 2]
