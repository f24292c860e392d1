"""The SQLite file: one connection, whole batches, a format version. Knows rows, not the ledger.

SQLite before 3.51.3 can corrupt a WAL file under two connections, so there is one, and exclusive locking keeps every
other process out for as long as the owner lives; the kernel frees the lock of a dead one.
"""

import sqlite3
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from gateway.stores.base import StoreUnavailable

FORMAT = "2"

BucketRow = tuple[str, str, int, int]
"""key, spec, level, tick."""
BudgetRow = tuple[str, str, str, int, int, int, int]
"""key, label, spec, start, end, charged, ceiling."""
ReservationRow = tuple[str, int, int, str, str]
"""id, reserved at, expires at, holds, on_expiry."""


NoveltyRow = tuple[str, str, int, str]
"""key, spec, newest sub-window, tokens."""
PromptRow = tuple[str, int, int]
"""key, prompt, sub-window."""


@dataclass(slots=True)
class Batch:
    """One group commit. `dropped` is applied first: (key, period label), or (key, "") for the whole key."""

    dropped: list[tuple[str, str]] = field(default_factory=list)
    buckets: list[BucketRow] = field(default_factory=list)
    budgets: list[BudgetRow] = field(default_factory=list)
    opened: list[ReservationRow] = field(default_factory=list)
    closed: list[tuple[str]] = field(default_factory=list)
    novelties: list[NoveltyRow] = field(default_factory=list)
    prompts: list[PromptRow] = field(default_factory=list)
    forgotten: list[tuple[str, int]] = field(default_factory=list)
    """key, and the last sub-window whose prompts have left its window."""


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
        self._path = path
        if not path.parent.is_dir():
            raise StoreUnavailable(
                f"usage database {path}: the directory {path.parent} does not exist; create it", transient=False
            )
        try:
            self._connection = self._connect()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"usage database {path}: {_explain(error)}", transient=False) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            self._check_format(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_format(self, connection: sqlite3.Connection) -> None:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            schema = resources.files("gateway.stores").joinpath("schema.sql").read_text(encoding="utf-8")
            for statement in schema.split(";\n"):
                connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES ('format', ?)", (FORMAT,))
            return
        found = None
        if "meta" in tables:
            found = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
        if found is None:
            raise StoreUnavailable(f"usage database {self._path}: the file is another program's", transient=False)
        if found[0] != FORMAT:
            raise StoreUnavailable(
                f"usage database {self._path}: it has format {found[0]}, this version reads format {FORMAT}",
                transient=False,
            )

    def load(self) -> Image:
        run = self._connection.execute
        return Image(
            run("SELECT key, spec, level, tick FROM bucket").fetchall(),
            run("SELECT key, label, spec, start_ms, end_ms, charged, ceiling FROM budget ORDER BY start_ms").fetchall(),
            run("SELECT id, reserved_at_ms, expires_at_ms, holds, on_expiry FROM reservation ORDER BY 2, 1").fetchall(),
            run("SELECT key, spec, newest, tokens FROM novelty").fetchall(),
            run("SELECT key, prompt, sub FROM prompt ORDER BY sub").fetchall(),
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
        whole = [(key,) for key, label in batch.dropped if not label]
        many("DELETE FROM bucket WHERE key = ?", whole)
        many("DELETE FROM budget WHERE key = ?", whole)
        many("DELETE FROM novelty WHERE key = ?", whole)
        many("DELETE FROM prompt WHERE key = ?", whole)
        many("DELETE FROM budget WHERE key = ? AND label = ?", [drop for drop in batch.dropped if drop[1]])
        many("DELETE FROM reservation WHERE id = ?", batch.closed)
        many("INSERT OR REPLACE INTO bucket VALUES (?, ?, ?, ?)", batch.buckets)
        many("INSERT OR REPLACE INTO budget VALUES (?, ?, ?, ?, ?, ?, ?)", batch.budgets)
        many("INSERT OR REPLACE INTO novelty VALUES (?, ?, ?, ?)", batch.novelties)
        many("INSERT OR REPLACE INTO prompt VALUES (?, ?, ?)", batch.prompts)
        many("DELETE FROM prompt WHERE key = ? AND sub <= ?", batch.forgotten)
        many("INSERT OR REPLACE INTO reservation VALUES (?, ?, ?, ?, ?)", batch.opened)

    def close(self) -> None:
        self._connection.close()


def _explain(error: sqlite3.Error) -> str:
    if "locked" in str(error):
        return "another process owns it; one gateway process may use a database at a time"
    if "not a database" in str(error):
        return "the file is not a SQLite database"
    return f"SQLite says: {error}"
