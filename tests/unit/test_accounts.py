"""What a process has of the book: it follows changes, says what stands in two places, and lets go whole."""

import asyncio

import pytest

from gateway.accounts import Accounts
from gateway.core.clock import ManualClock
from gateway.identity.keys import Pepper
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import Put
from gateway.stores.book.memory import MemoryBook
from tests.support.books import HeldBook, account, stored_key
from tests.support.people import PEPPER, directory


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


def test_a_book_that_does_not_open_starts_nothing():
    async def run():
        class Shut(MemoryBook):
            async def open(self):
                raise StoreUnavailable("shut", transient=False)

        accounts = Accounts(Shut(), ManualClock(), directory, most_keys=100, stale_s=60)
        with pytest.raises(StoreUnavailable, match="shut"):
            await accounts.start()
        assert accounts._following is None

    asyncio.run(run())
