"""Work on a usage database that nobody owns: put a copy in its place, bring an older format up to date.

Everything here takes the file's lock first, so that a running gateway is never disturbed.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib import resources
from pathlib import Path

from gateway.stores.base import StoreUnavailable
from gateway.stores.codec import holds_from
from gateway.stores.journal import FORMAT, NAME, Journal


def format_of(path: Path) -> str:
    """The format version of a database. Raises StoreUnavailable when it is none, is damaged, or has an owner."""
    with closing(_owned(path)) as connection:
        return _format(connection, path)


def restore_copy(copy: Path, path: Path) -> None:
    """Check `copy` and put it in the place of `path`, whole or not at all. Raises StoreUnavailable."""
    with closing(_owned(copy)) as connection:
        found = _format(connection, copy)
        damage = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if damage != "ok":
        raise StoreUnavailable(f"{NAME} {copy}: damaged: {damage}", transient=False)
    if found != FORMAT:
        raise StoreUnavailable(f"{NAME} {copy}: it has format {found}: migrate it first", transient=False)
    if path.exists():
        _owned(path).close()  # whoever runs on it is not to lose it under its feet
    new = path.with_name(path.name + ".restoring")
    _copy(copy, new)
    for stale in (f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(stale).unlink(missing_ok=True)
    new.replace(path)


def migrate(path: Path) -> str:
    """Bring a database to this version's format; returns the one it had. A copy of the old stays beside it.

    Raises StoreUnavailable, and then nothing was changed.
    """
    with closing(_owned(path)) as connection:
        found = _format(connection, path)
        if found == FORMAT:
            return found
        step = _STEPS.get(found)
        if step is None:
            raise StoreUnavailable(f"{NAME} {path}: it has format {found}, this version reads up to {FORMAT}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _copy(path, path.with_name(f"{path.name}.format-{found}"))
        connection.execute("BEGIN EXCLUSIVE")
        step(connection)
        connection.execute("UPDATE meta SET value = ? WHERE name = 'format'", (FORMAT,))
        connection.execute("COMMIT")
    Journal(path).close()  # readable now, or it says why not
    return found


def _to_2(connection: sqlite3.Connection) -> None:
    """Format 2 adds what is new and the ledger, which begins with what each budget has used so far."""
    schema = resources.files("gateway.stores").joinpath("schema.sql").read_text(encoding="utf-8")
    for statement in schema.split(";\n"):
        if any(f"CREATE TABLE {table} " in statement for table in ("novelty", "prompt", "entry", "checkpoint")):
            connection.execute(statement)
    used = {
        (key, label): charged for key, label, charged in connection.execute("SELECT key, label, charged FROM budget")
    }
    for (text,) in connection.execute("SELECT holds FROM reservation"):
        for spec, label, amount in holds_from(text):
            place = (spec.key + "|audit" if spec.shadow else spec.key, label or "")
            if place in used:
                used[place] -= amount
    connection.executemany(
        "INSERT INTO checkpoint VALUES (?, ?, ?)", [(*place, amount) for place, amount in used.items()]
    )


_STEPS: dict[str, Callable[[sqlite3.Connection], None]] = {"1": _to_2}


def _owned(path: Path) -> sqlite3.Connection:
    """A connection that holds the file's lock."""
    if not path.is_file():
        raise StoreUnavailable(f"{NAME} {path}: no such file", transient=False)
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        connection.close()
        why = "a gateway runs on it: stop it first" if "locked" in str(error) else f"SQLite says: {error}"
        raise StoreUnavailable(f"{NAME} {path}: {why}", transient=False) from error
    return connection


def _format(connection: sqlite3.Connection, path: Path) -> str:
    try:
        return str(connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        raise StoreUnavailable(f"{NAME} {path}: it is not a usage database", transient=False) from error


def _copy(source: Path, target: Path) -> None:
    """A copy that is on disk when this returns, readable by its owner only."""
    try:
        with source.open("rb") as old, open(target, "wb", opener=_private) as new:
            shutil.copyfileobj(old, new)
            new.flush()
            os.fsync(new.fileno())
    except OSError as error:
        target.unlink(missing_ok=True)
        raise StoreUnavailable(f"{target}: {error.strerror}", transient=False) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
