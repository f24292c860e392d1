"""What a process has of the book: it follows changes, says what stands in two places, and lets go whole."""

import asyncio

import pytest

from gateway.accounts import Accounts
from gateway.core.clock import ManualClock
from gateway.core.ports import NoEvents
from gateway.identity.keys import Pepper
from gateway.observe.metrics import Metrics
from gateway.policy.compile import PolicySet
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import Put, StoredStanding
from gateway.stores.book.memory import MemoryBook
from tests.support.books import HeldBook, account, ruling, stored_key
from tests.support.people import NOW, PEPPER, directory


def scene(body) -> None:
    """Run `body(accounts, book)`; the file has acme-prod and held."""

    async def run():
        book = HeldBook(MemoryBook())
        file = directory()
        accounts = Accounts(book, ManualClock(), lambda: file, most_keys=100, stale_s=60)
        accounts.configure([Pepper("p1", PEPPER)])
        await accounts.start()
        try:
            await body(accounts, book)
        finally:
            await accounts.close()

    asyncio.run(run())


def test_it_follows_the_book(monkeypatch):
    monkeypatch.setattr("gateway.identity.lookup.POLL_S", 0.0)

    async def body(accounts, book):
        await book.write([Put(account()), Put(stored_key())])
        await accounts.lookup.find(stored_key().id)
        await book.write([Put(stored_key(revoked=True))])
        async with asyncio.timeout(20):
            while accounts.lookup.cached(stored_key().id) is not None:
                await asyncio.sleep(0)
        assert (await accounts.lookup.find(stored_key().id)).revoked

    scene(body)


def test_what_stands_in_both_places_is_said():
    async def body(accounts, book):
        assert await accounts.in_both() == []
        await book.write([Put(account("acme-prod")), Put(account("other"))])
        assert await accounts.in_both() == [
            "1 id(s) are in accounts.yaml and in the store; the file is used: account acme-prod"
        ]
        await book.write([Put(stored_key("good", of="other"))])
        assert "2 id(s)" in (await accounts.in_both())[0]
        assert "key good00000000" in (await accounts.in_both())[0]

    scene(body)


def test_a_book_that_is_away_has_nothing_to_say():
    async def body(accounts, book):
        async def away(_refs):
            raise StoreUnavailable("down")

        book.get = away
        assert await accounts.in_both() == []

    scene(body)


def test_accounts_of_both_places_are_counted_by_standing():
    async def body(accounts, book):
        assert accounts.by_standing() == {"clear": 1, "blocked": 1}
        await book.write([Put(account(name, suspended=name == "c")) for name in "abcd"])
        for name, word in (("a", "limited"), ("b", "blocked"), ("acme-prod", "watched")):
            await book.write([Put(StoredStanding(name, ruling(word, until_ms=NOW + 60_000)))])
        await accounts.lookup.poll()
        await accounts.count()
        assert accounts.by_standing() == {"watched": 1, "limited": 1, "clear": 1, "blocked": 3}

        async def away():
            raise StoreUnavailable("down")

        book.count = away
        await accounts.count()
        assert accounts.by_standing().total() == 6, "the last count stays"

    scene(body)


def test_counts_go_on_in_the_background(monkeypatch):
    monkeypatch.setattr("gateway.accounts.COUNT_S", 0.0)

    async def body(accounts, book):
        metrics = Metrics("1", [])
        accounts.report_to(lambda: PolicySet(()), metrics, NoEvents())
        await book.write([Put(account(name)) for name in "abc"])
        async with asyncio.timeout(20):
            while 'gateway_accounts{standing="clear"} 4.0' not in metrics.render().decode():
                await asyncio.sleep(0)

    scene(body)


def test_a_count_that_fails_oddly_is_logged_and_tried_again(monkeypatch, caplog):
    monkeypatch.setattr("gateway.accounts.COUNT_S", 0.0)

    async def body(accounts, book):
        async def broken():
            book.count = book.book.count
            raise ValueError("damaged")

        book.count = broken
        await book.write([Put(account("a"))])
        async with asyncio.timeout(20):
            while accounts.by_standing()["clear"] != 2:
                await asyncio.sleep(0)

    scene(body)
    assert [record.message for record in caplog.records] == ["accounts could not be counted"]


def test_a_book_that_does_not_open_starts_nothing():
    async def run():
        class Shut(MemoryBook):
            async def open(self):
                raise StoreUnavailable("shut", transient=False)

        accounts = Accounts(Shut(), ManualClock(), directory, most_keys=100, stale_s=60)
        with pytest.raises(StoreUnavailable, match="shut"):
            await accounts.start()
        assert accounts._tasks == ()

    asyncio.run(run())
