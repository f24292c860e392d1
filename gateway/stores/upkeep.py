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

from gateway.engine.states import state_key
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.codec import FORMAT as ACCOUNTS_FORMAT
from gateway.stores.book.open import SUFFIX
from gateway.stores.codec import holds_from
from gateway.stores.journal import FORMAT, NAME, Journal
from gateway.stores.sqlite_file import copy_database, private


def format_of(path: Path) -> str:
    """The format version of a database. Raises StoreUnavailable when it is none, is damaged, or has an owner."""
    with closing(_owned(path)) as connection:
        return _format(connection, path)


def restore_copy(copy: Path, path: Path) -> Path:
    """Check `copy` and put it in its place, whole or not at all; returns that place. Raises StoreUnavailable.

    A copy of usage goes to `path`, one of the accounts beside it. What is in that place may be damaged, which is what
    copies are for; only one that is in use is left alone.
    """
    with closing(_owned(copy)) as connection:
        found = _format(connection, copy)
        damage = _damage(connection)
        accounts = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'key_by_account'").fetchone()
    current = FORMAT
    if accounts is not None:
        path, current = path.with_name(path.name + SUFFIX), ACCOUNTS_FORMAT
    if damage != "ok":
        raise StoreUnavailable(f"{NAME} {copy}: damaged: {damage}", transient=False)
    if found != current:
        raise StoreUnavailable(f"{NAME} {copy}: it has format {found}: migrate it first", transient=False)
    new = path.with_name(path.name + ".restoring")
    _copy(copy, new)
    _give_to_owner(new, path)
    try:
        # As late as can be: whoever runs on it is not to lose it under its feet.
        if path.exists():
            _refuse_in_use(path)
    except StoreUnavailable:
        new.unlink()
        raise
    for stale in (f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(stale).unlink(missing_ok=True)
    new.replace(path)
    return path


def migrate(path: Path) -> str:
    """Bring a database to this version's format; returns the one it had. A copy of the old stays beside it.

    Raises StoreUnavailable, and then nothing was changed. The copy is made through the connection: a file that is
    opened beside it would, when it is closed, take all locks of this process with it (POSIX).
    """
    with closing(_owned(path)) as connection:
        found = _format(connection, path)
        if found == FORMAT:
            return found
        step = _STEPS.get(found)
        if step is None:
            raise StoreUnavailable(f"{NAME} {path}: it has format {found}, this version reads up to {FORMAT}")
        try:
            copy_database(connection, path.with_name(f"{path.name}.format-{found}"))
            connection.execute("BEGIN EXCLUSIVE")
            step(connection)
            connection.execute("UPDATE meta SET value = ? WHERE name = 'format'", (FORMAT,))
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"{NAME} {path}: it cannot be migrated: {error}", transient=False) from error
    Journal(path).close()  # readable now, or it says why not
    return found


def _from_1(connection: sqlite3.Connection) -> None:
    """Format 1 had nothing on what is new and no ledger, which begins with what each budget has used so far."""
    schema = resources.files("gateway.stores").joinpath("schema.sql").read_text(encoding="utf-8")
    for statement in schema.split(";\n"):
        if any(f"CREATE TABLE {table} " in statement for table in ("novelty", "prompt", "entry", "checkpoint")):
            connection.execute(statement)
    used = {
        (key, label): charged for key, label, charged in connection.execute("SELECT key, label, charged FROM budget")
    }
    for (text,) in connection.execute("SELECT holds FROM reservation"):
        for held in holds_from(text):
            place = state_key(held.spec), held.label or ""
            if place in used:
                used[place] -= held.amount
    connection.executemany(
        "INSERT INTO checkpoint VALUES (?, ?, ?)", [(*place, amount) for place, amount in used.items()]
    )


def _from_2(connection: sqlite3.Connection) -> None:
    """Format 2 took a prompt's output for paid whatever had come of it: what is still asked again counts once more."""
    connection.execute("ALTER TABLE prompt ADD COLUMN paid INTEGER NOT NULL DEFAULT 0")


_STEPS: dict[str, Callable[[sqlite3.Connection], None]] = {"1": _from_1, "2": _from_2}
"""From each former format to this one."""


def _owned(path: Path) -> sqlite3.Connection:
    """A connection that holds the file's lock."""
    if not path.is_file():
        raise StoreUnavailable(f"{NAME} {path}: no such file", transient=False)
    try:
        return _locked(path)
    except sqlite3.Error as error:
        why = "a gateway runs on it: stop it first" if _in_use(error) else f"SQLite says: {error}"
        if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
            why = "this user must be able to write to it and to its folder"
        raise StoreUnavailable(f"{NAME} {path}: {why}", transient=False) from error


def _refuse_in_use(path: Path) -> None:
    try:
        _locked(path).close()
    except sqlite3.Error as error:
        if _in_use(error):
            raise StoreUnavailable(f"{NAME} {path}: a gateway runs on it: stop it first", transient=False) from error


def _locked(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _in_use(error: sqlite3.Error) -> bool:
    return error.sqlite_errorcode == sqlite3.SQLITE_BUSY


def _damage(connection: sqlite3.Connection) -> str:
    """What is wrong with the pages of a database, `ok` for nothing."""
    try:
        return str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        return str(error)


def _format(connection: sqlite3.Connection, path: Path) -> str:
    try:
        return str(connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        raise StoreUnavailable(f"{NAME} {path}: it is not a usage database", transient=False) from error


def _give_to_owner(new: Path, place: Path) -> None:
    """What root puts in place belongs to whom the former file, or else the folder, belongs: the gateway's user."""
    if os.geteuid() == 0:
        owner = (place if place.exists() else place.parent).stat()
        os.chown(new, owner.st_uid, owner.st_gid)


def _copy(source: Path, target: Path) -> None:
    """A copy that is on disk when this returns, readable by its owner only."""
    try:
        with source.open("rb") as old, open(target, "wb", opener=private) as new:
            shutil.copyfileobj(old, new)
            new.flush()
            os.fsync(new.fileno())
    except OSError as error:
        target.unlink(missing_ok=True)
        raise StoreUnavailable(f"{target}: {error.strerror}", transient=False) from error
