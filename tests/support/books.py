"""Accounts and keys as books keep them, and the books to keep them in."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from gateway.core.account import Account
from gateway.core.redis_target import parse
from gateway.identity.keys import digest
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import Ruling, StoredAccount, StoredKey, StoredSwitch
from gateway.stores.book.memory import MemoryBook
from gateway.stores.book.redis import RedisBook
from gateway.stores.book.sqlite import SqliteBook
from tests.support.people import NOW, PEPPER
from tests.support.redis_server import PATIENT


def account(name: str = "acme", **facts) -> StoredAccount:
    return StoredAccount(Account(**{"id": name, "org": name, "tier": "free", **facts}))


def stored_key(key_id: str = "k1", of: str = "acme", secret: str = "S" * 27, **facts) -> StoredKey:
    """A key whose text is `people.key(key_id, secret)`."""
    hashed = digest(secret.encode(), PEPPER)
    return StoredKey(**{"id": f"{key_id:0<12}", "account": of, "digest": hashed, "pepper": "p1", **facts})


def ruling(standing: str, **facts) -> Ruling:
    """One that ends a minute after `people.NOW`."""
    return Ruling(
        **{"standing": standing, "reason": "why", "by": "ada", "since_ms": 0, "until_ms": NOW + 60_000} | facts
    )


def switch(policy: str = "all", **facts) -> StoredSwitch:
    """One that ends a minute after `people.NOW`."""
    known = {"policy": policy, "reason": "why", "by": "ada", "since_ms": NOW, "until_ms": NOW + 60_000}
    return StoredSwitch(**known | facts)


def open_again(kind: str, folder: Path, url: str = "") -> Callable[[], object]:
    """Makes a book over the same place each time; of memory it is the same book."""
    if kind == "memory":
        book = MemoryBook()
        return lambda: book
    if kind == "sqlite":
        return lambda: SqliteBook(folder / "usage.db.accounts")
    return lambda: RedisBook(parse(url), PATIENT)


def with_book(make: Callable[[], object], body) -> None:
    """Run `body(book)` on an open book and close it."""

    async def run():
        book = make()
        await book.open()
        try:
            await body(book)
        finally:
            await book.close()

    asyncio.run(run())


class HeldBook:
    """A book in front of another: it can be down, and its look-ups wait while `gate` is closed.

    A look-up reads first and answers when the gate opens, so that a test can put a change in between.
    """

    name = "held"

    def __init__(self, book) -> None:
        self.book = book
        self.down = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.finds: list[str] = []

    async def find(self, key_id: str):
        self._require_up()
        self.finds.append(key_id)
        found = await self.book.find(key_id)
        await self.gate.wait()
        self._require_up()
        return found

    async def changes(self, since: int):
        self._require_up()
        return await self.book.changes(since)

    def _require_up(self) -> None:
        if self.down:
            raise StoreUnavailable("down")

    def __getattr__(self, name: str):
        return getattr(self.book, name)
