"""Opening a SQLite file of ours: one owner, a write-ahead log, and the format that this version reads.

SQLite before 3.51.3 can corrupt a WAL file under two connections, so there is one, and exclusive locking keeps every
other process out for as long as the owner lives; the kernel frees the lock of a dead one.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gateway.stores.base import StoreUnavailable

PAGES_AT_ONCE = 512
"""Of a copy: 2 MiB."""


def open_file(path: Path, what: str, schema: str, version: str) -> sqlite3.Connection:
    """The one connection to `path`, made with `schema` when it is new. `what` names it in errors.

    Usable from any thread, one at a time. Raises StoreUnavailable with a sentence an operator can act on.
    """
    if not path.parent.is_dir():
        raise StoreUnavailable(f"{what} {path}: the directory {path.parent} does not exist; create it", transient=False)
    try:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("BEGIN IMMEDIATE")
            _check_format(connection, f"{what} {path}", schema, version)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{what} {path}: {_explain(error)}", transient=False) from error
    return connection


def copy_database(
    connection: sqlite3.Connection, target: Path, then: str = "", between: Callable[[], None] = lambda: None
) -> None:
    """A whole copy as of the last commit, readable by its owner only; `then` is run in it.

    `between` is called every few milliseconds and may write through `connection`: SQLite keeps the copy in step.
    Raises sqlite3.Error or OSError.
    """
    try:
        with open(target, "wb", opener=private) as file, closing(sqlite3.connect(target)) as copy:

            def step(*_: int) -> None:
                os.fsync(file.fileno())  # piece by piece: at the end it would be one long wait
                between()

            connection.backup(copy, pages=PAGES_AT_ONCE, progress=step)
            copy.execute(then)
            copy.commit()
    except BaseException:
        target.unlink(missing_ok=True)  # half a copy is none
        raise


def private(path: str, flags: int) -> int:
    """An opener for files that only their owner may read."""
    return os.open(path, flags, 0o600)


def _check_format(connection: sqlite3.Connection, name: str, schema: str, version: str) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        for statement in schema.split(";\n"):
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('format', ?)", (version,))
        return
    found = None
    if "meta" in tables:
        found = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
    if found is None:
        raise StoreUnavailable(f"{name}: the file is another program's", transient=False)
    if found[0] != version:
        hint = "; gateway migrate brings it up to date" if found[0] < version else ""
        raise StoreUnavailable(
            f"{name}: it has format {found[0]}, this version reads format {version}{hint}", transient=False
        )


def _explain(error: sqlite3.Error) -> str:
    if "locked" in str(error):
        return "another process owns it; one gateway process may use a database at a time"
    if "not a database" in str(error):
        return "the file is not a SQLite database"
    return f"SQLite says: {error}"
