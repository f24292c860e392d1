"""The embedded store: decisions in memory, a durable journal in SQLite, one owner process.

A writer thread owns the connection. Every `interval_s` it takes one consistent cut of all changes and commits it.
Nobody waits for that, except a budget that is about to pass its durable ceiling (see pending.py): then the caller
waits for one commit, about 0.1 ms without an fsync. It happens on the first request after an idle time.

What a death costs. `kill -9`: budgets lose nothing; rows untouched for `close_after_s` and written since are exact,
the others count their ceiling as spent. Rates fall back to the last commit, `interval_s` ago at most. Power loss: the
same, but as of the last fsync, `sync_s` ago at most. A clean close writes exact values. Open reservations of the dead
process expire as usual. A settle that comes while the disk fails is applied in memory and written when it recovers.

A failing disk closes budgets once their ceilings are used up (StoreUnavailable); rates and slots go on.
"""

import sqlite3
import threading
import time
from asyncio import wrap_future
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from gateway.core.clock import Clock
from gateway.core.ports import Events, NoEvents
from gateway.core.units import Amounts
from gateway.engine.budget import Row
from gateway.engine.ledger import Ledger
from gateway.engine.place import Hold
from gateway.engine.reservation import Reservation
from gateway.engine.spec import Spec
from gateway.engine.verdict import Held, Reading, Verdict
from gateway.stores.base import LedgerReport, StoreUnavailable
from gateway.stores.jobs import Job, do, stale
from gateway.stores.journal import SUMMED_AT_ONCE, Journal
from gateway.stores.pending import Cut, Pending
from gateway.stores.restore import restore

PATIENCE_S = 2.0
"""How long a caller waits for a ceiling before the disk counts as failed."""
RETRY_S = 1.0
COMPACT_EVERY = SUMMED_AT_ONCE // 2
"""Entries of the ledger between two looks at how many there are."""


class SqliteStore:
    """A ledger whose budgets survive the process."""

    name = "sqlite"

    def __init__(
        self,
        path: Path,
        clock: Clock,
        events: Events | None = None,
        *,
        interval_s: float = 0.05,
        close_after_s: float = 5.0,
        sync_s: float = 1.0,
    ) -> None:
        self._path = path
        self._clock = clock
        self._events = events or NoEvents()
        self._interval_s = interval_s
        self._close_after_s = close_after_s
        self._sync_s = sync_s
        # Guards the ledger and what is pending; waited on for ceilings, notified after each commit.
        self._lock = threading.Condition(threading.Lock())
        self._pending = Pending([])
        self._ledger = Ledger(events, self, ceiling=0)
        self._ledger.states.dropped = self._pending.dropped
        self._urgent = self._failing = False
        self._uncompacted = COMPACT_EVERY
        self._synced_s = self._committed_s = time.monotonic()
        self._dirty = False
        self._jobs: list[tuple[Job, Future[object]]] = []
        self._closing = True
        self._writer: threading.Thread | None = None

    @property
    def degraded(self) -> bool:
        return self._failing

    async def open(self) -> None:
        """Own the file and take up where the last owner stopped."""
        journal = Journal(self._path)
        try:
            restore(journal.load(), self._ledger, self._clock.now_ms())
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            journal.close()
            raise StoreUnavailable(f"usage database {self._path}: damaged: {error}", transient=False) from error
        self._closing = False
        self._writer = threading.Thread(target=self._write_until_closed, args=(journal,), name="usage-journal")
        self._writer.start()

    async def reserve(
        self, reservation_id: str, specs: Sequence[Spec], amounts: Amounts, on_expiry: Amounts, ttl_ms: int
    ) -> Verdict:
        with self._lock:
            self._require_open()
            return self._ledger.reserve(reservation_id, specs, amounts, on_expiry, ttl_ms, self._clock.now_ms())

    async def top_up(self, reservation_id: str, amounts: Amounts) -> Verdict:
        with self._lock:
            self._require_open()
            return self._ledger.top_up(reservation_id, amounts, self._clock.now_ms())

    def settle(self, reservation_id: str, actual: Amounts) -> None:
        with self._lock:
            self._ledger.settle(reservation_id, actual, self._clock.now_ms())

    def renew(self, reservation_ids: Iterable[str], ttl_ms: int) -> None:
        with self._lock:
            self._ledger.renew(reservation_ids, ttl_ms, self._clock.now_ms())

    async def peek(self, specs: Sequence[Spec]) -> tuple[Reading, ...]:
        with self._lock:
            return self._ledger.peek(specs, self._clock.now_ms())

    async def held(self, limit: int = 1000) -> list[Held]:
        with self._lock:
            return self._ledger.held(limit)

    async def verify(self) -> LedgerReport:
        """Whether the ledger explains every budget's counter. Raises StoreUnavailable."""
        report = await self._ask(lambda journal: journal.verify(lambda: self._write(journal)))
        assert isinstance(report, LedgerReport)
        return report

    async def backup(self, path: Path) -> None:
        """Copy the file as it is now; the copy is one file. Raises StoreUnavailable."""
        await self._ask(lambda journal: journal.copy_to(path, lambda: self._write(journal)))

    async def _ask(self, job: Job) -> object:
        """Let the writer thread do something with the file after a commit; what takes long lets others in between."""
        done: Future[object] = Future()
        with self._lock:
            self._require_open()
            self._jobs.append((job, done))
            self._urgent = True
            self._lock.notify_all()
        try:
            return await wrap_future(done)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"usage database {self._path}: {error}") from error

    async def close(self) -> None:
        """Write exact values and let go of the file."""
        if self._writer is None:
            return
        with self._lock:
            self._closing = True
            self._lock.notify_all()
        self._writer.join()
        self._writer = None

    def _require_open(self) -> None:
        if self._closing:
            raise StoreUnavailable("the usage database is closed", transient=False)

    # The ledger's Recorder; always called under the lock.

    def ensure(self, needs: Sequence[tuple[Row, int]]) -> None:
        wanted = [(row, self._pending.need(row, amount)) for row, amount in needs]
        if not self._commit_now(wanted):
            raise StoreUnavailable("the usage database cannot be written; budgets are closed until it can")

    def overrun(self, rows: Sequence[Row]) -> None:
        self._commit_now([(row, self._pending.need(row, 0)) for row in rows])

    def changed(self, holds: Iterable[Hold]) -> None:
        self._pending.changed(holds)

    def charged(self, reservation_id: str, row: Row, amount: int, now_ms: int) -> None:
        self._pending.charged(reservation_id, row, amount, now_ms)

    def opened(self, reservation: Reservation) -> None:
        self._pending.opened(reservation)

    def closed(self, reservation: Reservation) -> None:
        self._pending.closed(reservation)

    def _commit_now(self, wanted: list[tuple[Row, int]]) -> bool:
        """Wait, without the lock, until the ceilings are on disk; False if the disk does not take them."""

        def there() -> bool:
            return all(row.ceiling >= ceiling for row, ceiling in wanted)

        if self._failing or self._closing:
            return False
        self._urgent = True
        self._lock.notify_all()
        self._lock.wait_for(lambda: there() or self._failing, PATIENCE_S)
        if not there():
            # Also when the writer hangs: nobody else is to wait until a commit has gone through again.
            self._failing = True
        return there()

    # The writer thread.

    def _write_until_closed(self, journal: Journal) -> None:
        closing = False
        while not closing:
            with self._lock:
                if not (self._urgent or self._closing):
                    self._lock.wait(RETRY_S if self._failing else self._interval_s)
                closing = self._closing
                jobs, self._jobs = self._jobs, []
            self._write(journal, closing=closing)
            for job, done in jobs:
                do(stale if self._failing else job, journal, done)
            if not jobs:
                self._compact(journal)
        journal.close()

    def _write(self, journal: Journal, *, closing: bool = False) -> None:
        """One commit of all that has changed, if there is any or the last one has still to be synced."""
        with self._lock:
            self._urgent = False
            cut = self._cut(everything=closing)
        now_s = time.monotonic()
        sync = closing or now_s - self._synced_s >= self._sync_s
        if (not cut.empty or (self._dirty and sync)) and self._commit(journal, cut, sync=sync):
            self._dirty = not sync
            self._synced_s = now_s if sync else self._synced_s
            self._uncompacted += len(cut.entries)

    def _compact(self, journal: Journal) -> None:
        """Sum up what the ledger need not keep, faster than it grows; a failure shows in the next commit."""
        if self._uncompacted >= COMPACT_EVERY:
            self._uncompacted = 0
            with suppress(sqlite3.Error):
                journal.compact()

    def _cut(self, *, everything: bool) -> Cut:
        now_s = time.monotonic()
        cut = self._pending.cut(now_s, now_s + 1 if everything else now_s - self._close_after_s)
        self._ledger.states.dropped = self._pending.dropped
        return cut

    def _commit(self, journal: Journal, cut: Cut, *, sync: bool) -> bool:
        try:
            journal.write(cut.batch(), sync=sync)
        except (sqlite3.Error, OSError) as error:
            with self._lock:
                self._pending.put_back(cut)
                self._failing = True
                self._lock.notify_all()
            self._events.emit("store.commit_failed", store=self.name, error=f"{self._path}: {error}")
            return False
        with self._lock:
            for row, ceiling in cut.ceilings:
                row.ceiling = ceiling
            recovered, self._failing = self._failing, False
            self._lock.notify_all()
        if recovered:
            self._events.emit("store.back", store=self.name, seconds=round(time.monotonic() - self._committed_s, 1))
        self._committed_s = time.monotonic()
        return True
