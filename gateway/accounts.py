"""Accounts and keys outside accounts.yaml, wired: the book, the look-ups of requests, what operators change."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from gateway.config import Settings
from gateway.core.clock import Clock
from gateway.identity.directory import Directory
from gateway.identity.key_register import KeyRegister
from gateway.identity.keys import Pepper
from gateway.identity.lookup import KeyLookup
from gateway.identity.register import Register
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import MAX_BATCH, AccountBook, Kind, Ref
from gateway.stores.book.open import open_book
from gateway.usage_store import redis_dial

_MOST_COMPARED: Final = 20 * MAX_BATCH
_SHOWN: Final = 5


def accounts_of(settings: Settings, clock: Clock, directory: Callable[[], Directory]) -> "Accounts":
    """Those of the store that the settings name. Raises SecretMissing for a certificate of no use."""
    book = open_book(settings.store, redis_dial(settings))
    own = settings.accounts
    return Accounts(book, clock, directory, most_keys=own.cached_keys, stale_s=own.stale_s)


class Accounts:
    """What a gateway process has of the book. `start` before requests, `close` after the last."""

    def __init__(
        self, book: AccountBook, clock: Clock, directory: Callable[[], Directory], *, most_keys: int, stale_s: float
    ) -> None:
        """`directory` is the file's, as it is at each moment: it wins over the book."""
        self.book = book
        self._directory = directory
        self._peppers: tuple[Pepper, ...] = ()
        self.lookup = KeyLookup(book, clock, most_keys=most_keys, stale_s=stale_s)
        self.register = Register(book, self.lookup, clock, directory)
        self.keys = KeyRegister(self.register, clock, lambda: self._peppers)
        self._following: asyncio.Task[None] | None = None

    @property
    def peppers(self) -> tuple[Pepper, ...]:
        """Those of the settings; the first one makes new hashes."""
        return self._peppers

    def configure(self, peppers: Sequence[Pepper]) -> None:
        """Peppers and the file's suspended orgs, after they were read."""
        self._peppers = tuple(peppers)
        self.lookup.configure(self._peppers, self._directory().suspended_orgs)

    async def start(self) -> None:
        """Open the book and begin to follow its changes. Raises StoreUnavailable."""
        await self.book.open()
        await self.lookup.poll()
        self._following = asyncio.create_task(self.lookup.follow())

    async def in_both(self) -> list[str]:
        """A sentence for an operator if ids stand in the file and in the book; nothing while the book is away."""
        directory = self._directory()
        refs: list[Ref] = [(Kind.ACCOUNT, name) for name in directory.accounts]
        refs += [(Kind.KEY, key_id) for key_id in directory.keys]
        found: list[str] = []
        try:
            for at in range(0, min(len(refs), _MOST_COMPARED), MAX_BATCH):
                found += [f"{kind} {name}" for kind, name in await self.book.get(refs[at : at + MAX_BATCH])]
        except StoreUnavailable:
            return []
        if not found:
            return []
        names = ", ".join(found[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")
        return [f"{len(found)} id(s) are in accounts.yaml and in the store; the file is used: {names}"]

    async def close(self) -> None:
        """After the last request."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        await self.lookup.close()
        await self.book.close()
