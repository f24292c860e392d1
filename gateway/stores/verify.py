"""Does the ledger explain the counters? checkpoint + entries since + what is open must be what each budget counts."""

import sqlite3

from gateway.stores.base import LedgerReport, Mismatch
from gateway.stores.codec import holds_from

_SUMS = """
SELECT key, label, SUM(amount) FROM (
  SELECT key, label, amount FROM checkpoint UNION ALL SELECT key, label, amount FROM entry
) GROUP BY key, label
"""


def verify(connection: sqlite3.Connection) -> LedgerReport:
    """Compare every budget's counter with its history, in one read transaction. Raises sqlite3.Error."""
    run = connection.execute
    run("BEGIN")
    try:
        explained = {(key, label): amount for key, label, amount in run(_SUMS)}
        for (text,) in run("SELECT holds FROM reservation"):
            for spec, label, amount in holds_from(text):
                if label is not None:
                    place = (spec.key + "|audit" if spec.shadow else spec.key, label)
                    explained[place] = explained.get(place, 0) + amount
        counted = {(key, label): charged for key, label, charged in run("SELECT key, label, charged FROM budget")}
        entries, last = run("SELECT COUNT(*), COALESCE(MAX(seq), 0) FROM entry").fetchone()
    finally:
        run("COMMIT")
    mismatches = tuple(
        Mismatch(*place, amount, explained.get(place, 0))
        for place, amount in sorted(counted.items())
        if amount != explained.get(place, 0)
    )
    return LedgerReport(len(counted), entries, last, mismatches)
