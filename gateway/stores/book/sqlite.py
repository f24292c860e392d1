"""The embedded book: a SQLite file of its own beside the usage database, worked by one thread.

Its own file, because the usage journal's writer holds that connection all the time and commits every 50 ms, while
SQLite before 3.51.3 must not have two connections to one WAL file; and because accounts are worth a backup of their
own. Calls queue for the thread; a look-up takes some 50 µs of it, and the queue is as long as its callers are many.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import (
    Change,
    Changes,
    Counts,
    Entry,
    Found,
    Kind,
    Ref,
    StoredAccount,
    StoredKey,
    Written,
    require_few,
)
from gateway.stores.book.plan import require_listed
from gateway.stores.book.sqlite_rows import BookFile

T = TypeVar("T")


class SqliteBook:
    """Accounts that survive the process. One process owns the file."""

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BookFile | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="accounts-file")
        try:
            self._file = await self._on_thread(lambda: BookFile(self._path))
        except BaseException:
            self._thread.shutdown()
            self._thread = None
            raise

    async def find(self, key_id: str) -> Found:
        return await self._call(lambda file: file.find(key_id))

    async def get(self, refs: Sequence[Ref]) -> dict[Ref, Entry]:
        require_few("rows", len(refs))
        return await self._call(lambda file: file.get(refs))

    async def accounts(self, after: str, limit: int) -> list[StoredAccount]:
        require_few("accounts", limit)
        return await self._call(lambda file: file.accounts(after, limit))

    async def keys(self, account_id: str, after: str, limit: int) -> list[StoredKey]:
        require_few("keys", limit)
        return await self._call(lambda file: file.keys(account_id, after, limit))

    async def rows(self, kind: Kind, after: str, limit: int) -> list[Entry]:
        require_listed(kind)
        require_few("rows", limit)
        return await self._call(lambda file: file.rows(kind, after, limit))

    async def count(self) -> Counts:
        return await self._call(lambda file: file.counts)

    async def write(self, changes: Sequence[Change]) -> Written:
        return await self._call(lambda file: file.write(changes))

    async def changes(self, since: int) -> Changes:
        return await self._call(lambda file: file.changes(since))

    async def backup(self, path: Path) -> None:
        """Everybody else waits for it: about a second for a million keys."""
        await self._call(lambda file: file.copy_to(path))

    async def close(self) -> None:
        thread, self._thread = self._thread, None
        file, self._file = self._file, None
        if thread is not None:
            if file is not None:
                thread.submit(file.close)
            thread.shutdown()  # after what is queued

    async def _call(self, work: Callable[[BookFile], T]) -> T:
        file = self._file
        if file is None:
            raise StoreUnavailable("the accounts database is closed", transient=False)
        try:
            return await self._on_thread(lambda: work(file))
        except sqlite3.Error as error:
            raise StoreUnavailable(f"accounts database {self._path}: SQLite says: {error}") from error
        except OSError as error:
            raise StoreUnavailable(f"accounts database {self._path}: {error}") from error

    async def _on_thread(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            raise StoreUnavailable("the accounts database is closed", transient=False)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
