"""The SQLite file of the ledger: whole batches in, everything out. Knows rows, not the engine."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from gateway.engine.states import Dropped
from gateway.stores.base import LedgerReport
from gateway.stores.sqlite_file import copy_database, open_file
from gateway.stores.verify import verify

NAME = "usage database"
FORMAT = "3"
ENTRIES_KEPT = 1_000_000
"""Older entries of the ledger are summed up in its checkpoint: about 100 MB of disk."""
SUMMED_AT_ONCE = 5_000
"""About 10 ms."""

BucketRow = tuple[str, str, int, int]
"""key, spec, level, tick."""
BudgetRow = tuple[str, str, str, int, int, int, int]
"""key, label, spec, start, end, charged, ceiling."""
ReservationRow = tuple[str, int, int, str, str]
"""id, reserved at, expires at, holds, on_expiry."""


NoveltyRow = tuple[str, str, int, str]
"""key, spec, newest sub-window, tokens."""
PromptRow = tuple[str, int, int, int]
"""key, prompt, sub-window, tokens paid for it."""


EntryRow = tuple[int, str, str, str, int]
"""at (ms), what was charged (a reservation's id, or why otherwise), key, label, amount."""

_SUM_UP = """
INSERT INTO checkpoint (key, label, amount)
SELECT key, label, SUM(amount) FROM entry WHERE seq <= ? GROUP BY key, label
ON CONFLICT (key, label) DO UPDATE SET amount = checkpoint.amount + excluded.amount
"""


@dataclass(slots=True)
class Batch:
    """One group commit. `dropped` is applied first: one period of a budget, or a whole key."""

    dropped: list[Dropped] = field(default_factory=list)
    buckets: list[BucketRow] = field(default_factory=list)
    budgets: list[BudgetRow] = field(default_factory=list)
    opened: list[ReservationRow] = field(default_factory=list)
    closed: list[tuple[str]] = field(default_factory=list)
    novelties: list[NoveltyRow] = field(default_factory=list)
    prompts: list[PromptRow] = field(default_factory=list)
    forgotten: list[tuple[str, int]] = field(default_factory=list)
    """key, and the last sub-window whose prompts have left its window."""
    entries: list[EntryRow] = field(default_factory=list)


@dataclass(slots=True)
class Image:
    """Everything in the file."""

    buckets: list[BucketRow]
    budgets: list[BudgetRow]
    reservations: list[ReservationRow]
    novelties: list[NoveltyRow]
    prompts: list[PromptRow]
    """The one used longest ago first."""


class Journal:
    """The open file. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        schema = resources.files("gateway.stores").joinpath("schema.sql").read_text(encoding="utf-8")
        self._connection = open_file(path, NAME, schema, FORMAT)

    def load(self) -> Image:
        run = self._connection.execute
        return Image(
            run("SELECT key, spec, level, tick FROM bucket").fetchall(),
            run("SELECT key, label, spec, start_ms, end_ms, charged, ceiling FROM budget ORDER BY start_ms").fetchall(),
            run("SELECT id, reserved_at_ms, expires_at_ms, holds, on_expiry FROM reservation ORDER BY 2, 1").fetchall(),
            run("SELECT key, spec, newest, tokens FROM novelty").fetchall(),
            run("SELECT key, prompt, sub, paid FROM prompt ORDER BY sub").fetchall(),
        )

    def write(self, batch: Batch, *, sync: bool) -> None:
        """Commit a batch. It survives the death of the process; with `sync` that of the machine too."""
        connection = self._connection
        connection.execute(f"PRAGMA synchronous={'FULL' if sync else 'NORMAL'}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._write(connection, batch)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _write(self, connection: sqlite3.Connection, batch: Batch) -> None:
        many = connection.executemany
        whole = [(drop.key,) for drop in batch.dropped if not drop.label]
        many("DELETE FROM bucket WHERE key = ?", whole)
        many("DELETE FROM budget WHERE key = ?", whole)
        many("DELETE FROM novelty WHERE key = ?", whole)
        many("DELETE FROM prompt WHERE key = ?", whole)
        many("DELETE FROM budget WHERE key = ? AND label = ?", [drop[:2] for drop in batch.dropped if drop.label])
        many("DELETE FROM reservation WHERE id = ?", batch.closed)
        many("INSERT OR REPLACE INTO bucket VALUES (?, ?, ?, ?)", batch.buckets)
        many("INSERT OR REPLACE INTO budget VALUES (?, ?, ?, ?, ?, ?, ?)", batch.budgets)
        many("INSERT OR REPLACE INTO novelty VALUES (?, ?, ?, ?)", batch.novelties)
        many("INSERT OR REPLACE INTO prompt VALUES (?, ?, ?, ?)", batch.prompts)
        many("DELETE FROM prompt WHERE key = ? AND sub <= ?", batch.forgotten)
        many("INSERT OR REPLACE INTO reservation VALUES (?, ?, ?, ?, ?)", batch.opened)
        many("INSERT INTO entry (at_ms, charged_by, key, label, amount) VALUES (?, ?, ?, ?, ?)", batch.entries)

    def compact(self, keep: int = ENTRIES_KEPT, at_most: int = SUMMED_AT_ONCE) -> None:
        """Sum up the oldest entries in the checkpoint, in one transaction, if more than `keep` are there.

        At most `at_most` at a time: whoever waits for a commit waits for this.
        """
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        try:
            first, newest = run("SELECT (SELECT MIN(seq) FROM entry), (SELECT MAX(seq) FROM entry)").fetchone()
            last = 0 if newest is None else min(newest - keep, first + at_most - 1)
            run(_SUM_UP, (last,))
            run("DELETE FROM entry WHERE seq <= ?", (last,))
            run("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                run("ROLLBACK")
            raise

    def verify(self, between: Callable[[], None] = lambda: None) -> LedgerReport:
        """Whether the ledger explains every counter; see stores/verify.py. `between` may write, but not compact."""
        return verify(self._connection, between)

    def copy_to(self, path: Path, between: Callable[[], None]) -> None:
        """A whole copy of the file with all that `between` writes. Raises sqlite3.Error or OSError.

        What a ceiling promises beyond its counter would count as spent in the copy: nobody spends there.
        """
        copy_database(self._connection, path, "UPDATE budget SET ceiling = charged", between)

    def close(self) -> None:
        self._connection.close()
