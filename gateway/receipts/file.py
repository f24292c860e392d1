"""The SQLite file of receipts: rows in, one row out, old rows gone. Used by one thread at a time."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Final

from gateway.receipts.store import Receipt, receipt_of
from gateway.stores.sqlite_file import open_file, private

NAME: Final = "receipts database"
FORMAT: Final = "1"
DELETED_AT_ONCE: Final = 5_000
"""Rows; about 20 ms, in which a lookup waits."""


class ReceiptFile:
    """The open file. Raises StoreUnavailable where it cannot be opened, sqlite3.Error from then on."""

    def __init__(self, path: Path) -> None:
        schema = resources.files("gateway.receipts").joinpath("schema.sql").read_text(encoding="utf-8")
        with suppress(OSError), open(path, "ab", opener=private):
            pass  # who was answered when is nobody else's business; SQLite would let all users read a new file
        self._connection = open_file(path, NAME, schema, FORMAT)
        # A lost power supply may cost the newest receipts here; their owners have them.
        self._connection.execute("PRAGMA synchronous=NORMAL")

    def add(self, receipts: Sequence[Receipt]) -> None:
        """In one transaction; those that are there already stay as they are."""
        rows = [(receipt.claims.id, receipt.claims.issued_at, receipt.jws) for receipt in receipts]
        self._all_or_nothing("INSERT OR IGNORE INTO receipt (id, issued_at, jws) VALUES (?, ?, ?)", rows)

    def find(self, receipt_id: str) -> Receipt | None:
        """Raises ValueError where the row is damaged."""
        row = self._connection.execute("SELECT jws FROM receipt WHERE id = ?", (receipt_id,)).fetchone()
        return None if row is None else receipt_of(row[0])

    def forget(self, before_s: int, most: int, at_once: int = DELETED_AT_ONCE) -> int:
        """Delete receipts from before `before_s`, and the oldest beyond `most`; how many, at most `at_once` of each.

        What was deleted makes room for what comes; the file does not shrink.
        """
        run = self._connection.execute
        old = "DELETE FROM receipt WHERE seq IN (SELECT seq FROM receipt WHERE issued_at < ? LIMIT ?)"
        deleted = run(old, (before_s, at_once)).rowcount
        first, last = run("SELECT (SELECT MIN(seq) FROM receipt), (SELECT MAX(seq) FROM receipt)").fetchone()
        if last is not None and last - first >= most:
            until = min(last - most, first + at_once - 1)
            deleted += run("DELETE FROM receipt WHERE seq <= ?", (until,)).rowcount
        return deleted

    def close(self) -> None:
        self._connection.close()

    def _all_or_nothing(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(statement, rows)
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
