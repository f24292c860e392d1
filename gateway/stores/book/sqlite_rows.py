"""The SQLite file of a book: rows and revisions in tables. Used by one thread at a time."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from gateway.stores.book.base import (
    LOG_LENGTH,
    Change,
    Changes,
    Counts,
    Entry,
    Found,
    Kind,
    Ref,
    StoredAccount,
    StoredKey,
    StoredOrg,
    Written,
)
from gateway.stores.book.codec import FORMAT, body_of, entry_of
from gateway.stores.book.plan import Step, counted, needed, plan
from gateway.stores.sqlite_file import copy_database, open_file


class BookFile:
    """The open file. Every call raises sqlite3.Error when the disk fails, ValueError when a row is damaged."""

    def __init__(self, path: Path) -> None:
        schema = resources.files("gateway.stores.book").joinpath("schema.sql").read_text(encoding="utf-8")
        self._connection = open_file(path, "accounts database", schema, FORMAT)
        found = dict(self._connection.execute("SELECT name, value FROM meta"))
        self._revision = int(found.get("revision", 0))
        self._floor = int(found.get("floor", 0))
        counted_already = "accounts" in found and "suspended" in found
        self.counts = Counts(int(found["accounts"]), int(found["suspended"])) if counted_already else self._count()

    def _count(self) -> Counts:
        """One look at all accounts, for a file that was written before they were counted."""
        query = (
            "SELECT count(*), coalesce(sum(json_extract(body, '$.suspended') IS 1), 0) FROM entry WHERE kind='account'"
        )
        return Counts(*self._connection.execute(query).fetchone())

    def find(self, key_id: str) -> Found:
        key = self._row((Kind.KEY, key_id))
        if not isinstance(key, StoredKey):
            return Found(self._revision)
        owner = self._row((Kind.ACCOUNT, key.account))
        if not isinstance(owner, StoredAccount):
            return Found(self._revision)
        org = self._row((Kind.ORG, owner.account.org))
        return Found(self._revision, key, owner.account, isinstance(org, StoredOrg) and org.suspended)

    def get(self, refs: Sequence[Ref]) -> dict[Ref, Entry]:
        found = ((ref, self._row(ref)) for ref in refs)
        return {ref: entry for ref, entry in found if entry is not None}

    def _row(self, ref: Ref) -> Entry | None:
        query = "SELECT version, body FROM entry WHERE kind = ? AND id = ?"
        row = self._connection.execute(query, ref).fetchone()
        return None if row is None else entry_of(ref, *row)

    def accounts(self, after: str, limit: int) -> list[StoredAccount]:
        return [row for row in self.rows(Kind.ACCOUNT, after, limit) if isinstance(row, StoredAccount)]

    def rows(self, kind: Kind, after: str, limit: int) -> list[Entry]:
        query = "SELECT id, version, body FROM entry WHERE kind = ? AND id > ? ORDER BY id LIMIT ?"
        return [entry_of((kind, row[0]), *row[1:]) for row in self._connection.execute(query, (kind, after, limit))]

    def keys(self, account_id: str, after: str, limit: int) -> list[StoredKey]:
        query = (
            "SELECT id, version, body FROM entry WHERE kind = 'key' AND owner = ? AND id > ? ORDER BY owner, id LIMIT ?"
        )
        found = self._connection.execute(query, (account_id, after, limit))
        rows = (entry_of((Kind.KEY, row[0]), *row[1:]) for row in found)
        return [row for row in rows if isinstance(row, StoredKey)]

    def write(self, changes: Sequence[Change]) -> Written:
        """Commit to disk before it returns: a revocation that was answered survives a power cut."""
        current = self.get(needed(changes))
        steps = plan(changes, current, lambda account: bool(self.keys(account, "", 1)))
        if not steps:
            return Written(self._revision, 0)
        revision, floor = self._revision + 1, self._floor
        counts = counted(self.counts, steps, current)
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for step in steps:
                self._apply(step, revision)
            floor = self._trim(floor)
            meta = [("revision", revision), ("floor", floor)]
            meta += [("accounts", counts.accounts), ("suspended", counts.suspended)]
            connection.executemany(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)", [(name, str(one)) for name, one in meta]
            )
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._revision, self._floor, self.counts = revision, floor, counts
        return Written(revision, len(steps))

    def _apply(self, step: Step, revision: int) -> None:
        run = self._connection.execute
        if step.entry is None:
            run("DELETE FROM entry WHERE kind = ? AND id = ?", step.ref)
        else:
            run("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?)",
                (*step.ref, step.owner, revision, body_of(step.entry)))  # fmt: skip
        if step.known:
            run("INSERT OR REPLACE INTO change VALUES (?, ?, ?)", (*step.ref, revision))

    def _trim(self, floor: int) -> int:
        """Forget the oldest changes beyond LOG_LENGTH, whole revisions at a time; the newest revision forgotten."""
        query = "SELECT revision FROM change ORDER BY revision DESC LIMIT 1 OFFSET ?"
        row = self._connection.execute(query, (LOG_LENGTH,)).fetchone()
        if row is None:
            return floor
        self._connection.execute("DELETE FROM change WHERE revision <= ?", row)
        return int(row[0])

    def changes(self, since: int) -> Changes:
        if since == self._revision:
            return Changes(self._revision, frozenset())
        if not self._floor <= since <= self._revision:
            return Changes(self._revision, None)
        rows = self._connection.execute("SELECT kind, id FROM change WHERE revision > ?", (since,))
        return Changes(self._revision, frozenset((Kind(kind), row_id) for kind, row_id in rows))

    def copy_to(self, path: Path) -> None:
        copy_database(self._connection, path)

    def close(self) -> None:
        self._connection.close()
