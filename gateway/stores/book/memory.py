"""The book of one process that forgets on exit."""

from collections.abc import Iterable, Sequence
from heapq import nsmallest
from pathlib import Path
from typing import cast

from gateway.stores.base import StoreUnavailable
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
    require_few,
)
from gateway.stores.book.plan import Step, counted, needed, plan, require_listed, with_version


class MemoryBook:
    """Dictionaries. Nothing suspends and nothing fails; one event loop owns it."""

    name = "memory"

    def __init__(self) -> None:
        self._rows: dict[Ref, Entry] = {}
        self._keys_of: dict[str, dict[str, None]] = {}
        self._log: dict[Ref, int] = {}
        """The last change of each row that changed lately, oldest first."""
        self._revision = self._floor = 0
        self._counts = Counts(0, 0)

    async def open(self) -> None:
        """Nothing to load."""

    async def find(self, key_id: str) -> Found:
        key = self._rows.get((Kind.KEY, key_id))
        if not isinstance(key, StoredKey):
            return Found(self._revision)
        account = cast("StoredAccount", self._rows[Kind.ACCOUNT, key.account]).account
        org = self._rows.get((Kind.ORG, account.org))
        return Found(self._revision, key, account, isinstance(org, StoredOrg) and org.suspended)

    async def get(self, refs: Sequence[Ref]) -> dict[Ref, Entry]:
        require_few("rows", len(refs))
        return {ref: self._rows[ref] for ref in refs if ref in self._rows}

    async def accounts(self, after: str, limit: int) -> list[StoredAccount]:
        require_few("accounts", limit)
        ids = nsmallest(limit, (one for kind, one in self._rows if kind is Kind.ACCOUNT and one > after))
        return [cast("StoredAccount", self._rows[Kind.ACCOUNT, one]) for one in ids]

    async def keys(self, account_id: str, after: str, limit: int) -> list[StoredKey]:
        require_few("keys", limit)
        ids = nsmallest(limit, (one for one in self._keys_of.get(account_id, ()) if one > after))
        return [cast("StoredKey", self._rows[Kind.KEY, one]) for one in ids]

    async def rows(self, kind: Kind, after: str, limit: int) -> list[Entry]:
        require_listed(kind)
        require_few("rows", limit)
        ids = nsmallest(limit, (one for one_kind, one in self._rows if one_kind is kind and one > after))
        return [self._rows[kind, one] for one in ids]

    async def count(self) -> Counts:
        return self._counts

    async def write(self, changes: Sequence[Change]) -> Written:
        refs = needed(changes)
        current = {ref: self._rows[ref] for ref in refs if ref in self._rows}
        steps = plan(changes, current, lambda account: bool(self._keys_of.get(account)))
        if steps:
            self._revision += 1
            self._counts = counted(self._counts, steps, current)
            for step in steps:
                self._apply(step)
            self._trim()
        return Written(self._revision, len(steps))

    def _apply(self, step: Step) -> None:
        kind, row_id = step.ref
        if step.entry is None:
            del self._rows[step.ref]
        else:
            self._rows[step.ref] = with_version(step.entry, self._revision)
        if kind is Kind.KEY:
            keys = self._keys_of.setdefault(step.owner, {})
            if step.entry is None:
                keys.pop(row_id, None)
            else:
                keys[row_id] = None
            if not keys:
                del self._keys_of[step.owner]
        if step.known:
            self._log.pop(step.ref, None)
            self._log[step.ref] = self._revision

    def _trim(self) -> None:
        while len(self._log) > LOG_LENGTH:
            oldest = next(iter(self._log))
            self._floor = self._log.pop(oldest)

    async def changes(self, since: int) -> Changes:
        if not self._floor <= since <= self._revision:
            return Changes(self._revision, None)
        return Changes(self._revision, frozenset(self._since(since)))

    def _since(self, since: int) -> Iterable[Ref]:
        for ref in reversed(self._log):
            if self._log[ref] <= since:
                return
            yield ref

    async def backup(self, path: Path) -> None:  # noqa: ARG002 - the contract's
        raise StoreUnavailable("accounts in memory have no file", transient=False)

    async def close(self) -> None:
        """Nothing to flush."""
