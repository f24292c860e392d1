"""What a write does, decided in one place for every book: from changes and the rows there are to rows to write."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.stores.book.base import (
    RULINGS,
    BookConflict,
    Change,
    Counts,
    Drop,
    Entry,
    Kind,
    Put,
    Ref,
    StoredAccount,
    StoredKey,
    StoredStanding,
    require_few,
)

STILL_HAS_KEYS: Final = "it still has keys"
LISTED: Final = (Kind.STANDING, Kind.SWITCH)
"""Kinds that `rows` lists. Whoever follows the book keeps all of them, and so hears of new ones too."""
_NEWS: Final = (Kind.ORG, *LISTED)
"""A row of these is known before it is there: an org by the accounts that name it, the others by all."""


@dataclass(frozen=True, slots=True)
class Step:
    """One row to write; no entry: to take away. `known` rows go into the log of changes, new ones do not."""

    ref: Ref
    entry: Entry | None
    known: bool
    owner: str = ""
    """The account of a key."""


def needed(changes: Sequence[Change]) -> list[Ref]:
    """The rows that `plan` must see. Raises ValueError for a batch that no caller should make."""
    require_few("changes in one write", len(changes))
    refs = dict.fromkeys(change.ref for change in changes)
    if len(refs) < len(changes):
        raise ValueError("expected one change of a row in one write")
    for change in changes:
        if isinstance(change, Drop) and change.ref[0] is Kind.STANDING:
            raise ValueError("a standing is never dropped: expected one that is clear")
        if isinstance(change, Put) and isinstance(change.entry, StoredKey):
            refs[Kind.ACCOUNT, change.entry.account] = None
    return list(refs)


def plan(changes: Sequence[Change], current: Mapping[Ref, Entry], has_keys: Callable[[str], bool]) -> list[Step]:
    """The steps of one write. Raises BookConflict. `has_keys` is asked of accounts that are to be dropped."""
    rows = dict(current)
    steps: dict[Ref, Step] = {}
    for change in changes:
        old = rows.get(change.ref)
        _expect(change, old)
        new = None if isinstance(change, Drop) else _merged(change.entry, old)
        if isinstance(new, StoredKey) and (Kind.ACCOUNT, new.account) not in rows:
            raise BookConflict(change.ref, f"no account '{new.account}'")
        if new is None and old is not None and change.ref[0] is Kind.ACCOUNT:
            account_id = change.ref[1]
            if has_keys(account_id) or any(step.owner == account_id for step in steps.values()):
                raise BookConflict(change.ref, STILL_HAS_KEYS)
        if new is None:
            rows.pop(change.ref, None)
        else:
            rows[change.ref] = new
        if new != old:
            either = new or old
            owner = either.account if isinstance(either, StoredKey) else ""
            known = change.ref in current or change.ref[0] in _NEWS
            steps[change.ref] = Step(change.ref, new, known, owner)
    return list(steps.values())


def _expect(change: Change, old: Entry | None) -> None:
    found = 0 if old is None else old.version
    if change.expected is not None and change.expected != found:
        there = f"found version {found}" if found else "there is none"
        wanted = f"expected version {change.expected}" if change.expected else "expected none of this name"
        raise BookConflict(change.ref, f"{wanted}, {there}")


def _merged(new: Entry, old: Entry | None) -> Entry:
    """What is to be written where `old` stands: versions, dates of birth, secrets, revocations and rulings stay."""
    if old is None:
        return new
    new = replace(new, version=old.version)
    if isinstance(new, StoredKey) and isinstance(old, StoredKey):
        if (new.account, new.digest, new.pepper) != (old.account, old.digest, old.pepper):
            raise BookConflict(new.ref, "it exists with another secret or for another account")
        return replace(new, revoked=new.revoked or old.revoked, created_ms=old.created_ms)
    if isinstance(new, StoredAccount) and isinstance(old, StoredAccount) and not new.account.created_ms:
        return replace(new, account=replace(new.account, created_ms=old.account.created_ms))
    if isinstance(new, StoredStanding) and isinstance(old, StoredStanding):
        same = new.ruling == old.ruling
        return replace(new, before=old.before if same else (old.ruling, *old.before)[: RULINGS - 1])
    return new


def with_version(entry: Entry, version: int) -> Entry:
    """The same row as it is after the write that got this revision."""
    return replace(entry, version=version)


def counted(before: Counts, steps: Sequence[Step], current: Mapping[Ref, Entry]) -> Counts:
    """How many accounts there are after the steps of one write, where there were `before`."""
    accounts, suspended = before.accounts, before.suspended
    for step in steps:
        if step.ref[0] is Kind.ACCOUNT:
            old, new = current.get(step.ref), step.entry
            accounts += (new is not None) - (old is not None)
            suspended += _suspended(new) - _suspended(old)
    return Counts(accounts, suspended)


def _suspended(entry: Entry | None) -> bool:
    return isinstance(entry, StoredAccount) and entry.account.suspended


def require_listed(kind: Kind) -> None:
    """Raises ValueError: accounts and keys have lists of their own."""
    if kind not in LISTED:
        raise ValueError(f"expected one of {', '.join(LISTED)}, found {kind}")
