"""Receipts in a SQLite file of their own: written behind the answers, in groups, by one thread that owns the file.

Nobody's answer waits for the disk. A killed process loses what it issued in its last `interval_s` here; the callers
have their receipts all the same. A disk that fails is tried again; meanwhile receipts wait in memory, up to a bound.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from gateway.core.clock import Clock
from gateway.receipts.file import DELETED_AT_ONCE, ReceiptFile
from gateway.receipts.store import Receipt
from gateway.stores.base import StoreUnavailable

MOST_WAITING: Final = 50_000
"""Receipts in memory that are still to be written, about 50 MB."""
MOST_KEPT: Final = 20_000_000
"""Rows, about 11 GB. The oldest go first."""
BATCH: Final = 5_000
MOST_LOOKUPS: Final = 64
"""Lookups under way at once."""
PATIENCE_S: Final = 2.0
RETRY_S: Final = 1.0
IDLE_S: Final = 600.0
"""How often old receipts are deleted while none are issued."""

T = TypeVar("T")

log = logging.getLogger("gateway")


class SqliteReceipts:
    """Receipts that survive the process."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        retention_s: int,
        interval_s: float = 0.25,
        most_waiting: int = MOST_WAITING,
        most_kept: int = MOST_KEPT,
    ) -> None:
        self._path = path
        self._clock = clock
        self._retention_s = retention_s
        self._interval_s = interval_s
        self._most_waiting = most_waiting
        self._most_kept = most_kept
        self._waiting: dict[str, Receipt] = {}
        self._news = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="receipts")
        self._file: ReceiptFile | None = None
        self._writer: asyncio.Task[None] | None = None
        self._lookups = 0
        self.failing = False
        """The last write failed."""
        self.dropped = 0

    async def open(self) -> None:
        try:
            self._file = await self._beside(lambda: ReceiptFile(self._path))
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        self._writer = asyncio.create_task(self._write_behind())

    def put(self, receipt: Receipt) -> None:
        if self._writer is None or len(self._waiting) >= self._most_waiting:
            self.dropped += 1
            return
        self._waiting[receipt.claims.id] = receipt
        self._news.set()

    async def get(self, receipt_id: str) -> Receipt | None:
        receipt = self._waiting.get(receipt_id) or await self._find(receipt_id)
        return None if receipt is None or receipt.claims.issued_at < self._horizon_s() else receipt

    async def close(self) -> None:
        if self._file is None:
            return
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
            self._writer = None
        while self._waiting and await self._write(self._file):
            pass
        self.dropped += len(self._waiting)
        await self._beside(self._file.close)
        self._file = None
        self._thread.shutdown()

    async def _find(self, receipt_id: str) -> Receipt | None:
        file = self._file
        if file is None or self._lookups >= MOST_LOOKUPS:
            raise StoreUnavailable("too many receipts are being looked up" if file else "the receipts are closed")
        self._lookups += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._beside(lambda: file.find(receipt_id))
        except (sqlite3.Error, ValueError, TimeoutError) as error:
            raise StoreUnavailable(f"receipts database {self._path}: {error or 'it takes too long'}") from error
        finally:
            self._lookups -= 1

    async def _write_behind(self) -> None:
        assert self._file is not None
        while True:
            try:
                async with asyncio.timeout(IDLE_S):
                    await self._news.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(RETRY_S if self.failing else self._interval_s)
            self._news.clear()
            if await self._write(self._file):
                await self._forget(self._file)
            if self._waiting:
                self._news.set()

    async def _write(self, file: ReceiptFile) -> bool:
        """Commit what waits, up to a batch. What the disk does not take goes on waiting."""
        batch = list(islice(self._waiting.values(), BATCH))
        try:
            if batch:
                await self._beside(lambda: file.add(batch))
        except sqlite3.Error as error:
            if not self.failing:
                log.warning("receipts cannot be written", extra={"fields": {"error": f"{self._path}: {error}"}})
            self.failing = True
            return False
        if self.failing:
            log.info("receipts are written again", extra={"fields": {"waited": len(self._waiting)}})
        self.failing = False
        for receipt in batch:
            self._waiting.pop(receipt.claims.id, None)
        return True

    async def _forget(self, file: ReceiptFile) -> None:
        """Delete what is too old; more per round than a round writes, so that it keeps up."""
        before_s, most = self._horizon_s(), self._most_kept
        try:
            deleted = await self._beside(lambda: file.forget(before_s, most))
        except sqlite3.Error as error:
            log.warning("old receipts cannot be deleted", extra={"fields": {"error": f"{self._path}: {error}"}})
            return
        if deleted >= DELETED_AT_ONCE:
            self._news.set()  # there may be more

    def _horizon_s(self) -> int:
        return self._clock.now_ms() // 1000 - self._retention_s

    async def _beside(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)
