"""Does the ledger explain the counters? checkpoint + entries since + what is open must be what each budget counts."""

import sqlite3
from collections.abc import Callable, Iterable

from gateway.engine.states import state_key
from gateway.stores.base import LedgerReport, Mismatch
from gateway.stores.codec import holds_from

_CHECKPOINT = "SELECT key, label, amount FROM checkpoint"
_ENTRIES = "SELECT key, label, SUM(amount) FROM entry WHERE seq > ? AND seq <= ? GROUP BY key, label"
_LAST = "SELECT COALESCE(MAX(seq), 0) FROM entry"
ENTRIES_AT_ONCE = 5_000

_Place = tuple[str, str]


def verify(connection: sqlite3.Connection, between: Callable[[], None] = lambda: None) -> LedgerReport:
    """Compare every budget's counter with its history. Raises sqlite3.Error.

    Entries are never changed, so that they are summed up in slices, and `between` two of them more may be written.
    Only the newest and the counters are read together, in one transaction.
    """
    run = connection.execute
    explained: dict[_Place, int] = {(key, label): amount for key, label, amount in run(_CHECKPOINT)}
    (done,) = run("SELECT COALESCE(MIN(seq), 1) - 1 FROM entry").fetchone()
    while run(_LAST).fetchone()[0] - done > ENTRIES_AT_ONCE:
        _add(explained, run(_ENTRIES, (done, done + ENTRIES_AT_ONCE)))
        done += ENTRIES_AT_ONCE
        between()
    run("BEGIN")
    try:
        (last,) = run(_LAST).fetchone()
        _add(explained, run(_ENTRIES, (done, last)))
        for (text,) in run("SELECT holds FROM reservation"):
            held = holds_from(text)
            _add(explained, ((state_key(one.spec), one.label, one.amount) for one in held if one.label is not None))
        counted = {(key, label): charged for key, label, charged in run("SELECT key, label, charged FROM budget")}
        (entries,) = run("SELECT COUNT(*) FROM entry").fetchone()
    finally:
        run("COMMIT")
    mismatches = tuple(
        Mismatch(*place, amount, explained.get(place, 0))
        for place, amount in sorted(counted.items())
        if amount != explained.get(place, 0)
    )
    return LedgerReport(len(counted), entries, last, mismatches)


def _add(sums: dict[_Place, int], amounts: Iterable[tuple[str, str, int]]) -> None:
    for key, label, amount in amounts:
        sums[key, label] = sums.get((key, label), 0) + amount
