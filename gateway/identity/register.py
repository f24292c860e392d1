"""What operators do to accounts in the book. Each is one atomic write, and this process knows it at once.

What stands in accounts.yaml is changed there: the file wins over the book, so a change here would have no effect, and
is refused. Nobody overwrites what they have not seen: every write names the version it read.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from gateway.core import reasons
from gateway.core.clock import Clock
from gateway.core.refusal import Refusal
from gateway.identity.directory import Directory, account_of
from gateway.identity.entries import (
    AccountBody,
    Named,
    OrgBody,
    account_entry,
    checked,
)
from gateway.identity.lookup import KeyLookup
from gateway.stores.base import StoreUnavailable
from gateway.stores.book.base import (
    MAX_BATCH,
    AccountBook,
    BookConflict,
    Change,
    Drop,
    Kind,
    Put,
    StoredAccount,
    StoredOrg,
    Written,
)

TRIES: Final = 5
"""Of a read and a write, when others write the same row in between."""
_ROUNDS: Final = 1000
"""Pages of keys that go with an account."""


class Register:
    """Accounts and orgs. Each operation raises StoreUnavailable when the book does not answer."""

    def __init__(self, book: AccountBook, lookup: KeyLookup, clock: Clock, directory: Callable[[], Directory]) -> None:
        self.book = book
        self.directory = directory
        self._lookup = lookup
        self._clock = clock

    async def account(self, account_id: str) -> StoredAccount | Refusal:
        found = (await self.book.get([(Kind.ACCOUNT, account_id)])).get((Kind.ACCOUNT, account_id))
        return found if isinstance(found, StoredAccount) else Refusal(reasons.UNKNOWN_ROUTE, "no such account")

    async def accounts(self, after: str, limit: int) -> list[StoredAccount]:
        return await self.book.accounts(after, limit)

    async def put_account(self, account_id: str, body: Any) -> StoredAccount | Refusal:
        """Create an account or replace all that is known of it."""
        fault = self.own_account(account_id) or _bad_name(account_id)
        entry = fault or checked(body, AccountBody)
        if isinstance(entry, Refusal):
            return entry
        assert isinstance(entry, AccountBody)
        old = await self.account(account_id)
        account = account_of(account_id, entry)
        if isinstance(old, Refusal) and not account.created_ms:
            account = replace(account, created_ms=self._clock.now_ms())
        written = await self.write([Put(StoredAccount(account), entry.version)])
        return written if isinstance(written, Refusal) else await self.account(account_id)

    async def patch_account(self, account_id: str, body: Any) -> StoredAccount | Refusal:
        """Change the members that are named; null takes one back to its default."""
        fault = self.own_account(account_id)
        if fault is None and not isinstance(body, dict):
            fault = Refusal(reasons.INVALID_FIELD, "expected a JSON object of what is to change")
        if fault is not None:
            return fault
        for _ in range(TRIES):
            old = await self.account(account_id)
            if isinstance(old, Refusal):
                return old
            merged = {
                name: value for name, value in {**account_entry(old.account), **body}.items() if value is not None
            }
            entry = checked(merged, AccountBody)
            if isinstance(entry, Refusal):
                return entry
            expected = old.version if entry.version is None else entry.version
            outcome = await self.write([Put(StoredAccount(account_of(account_id, entry)), expected)])
            if isinstance(outcome, Written):
                return await self.account(account_id)
            if entry.version is not None:
                return outcome
        return contended()

    async def delete_account(self, account_id: str) -> int | Refusal:
        """Take an account away with all its keys; how many keys that were."""
        old = self.own_account(account_id) or await self.account(account_id)
        if isinstance(old, Refusal):
            return old
        gone = 0
        for _ in range(_ROUNDS):
            keys = await self.book.keys(account_id, "", MAX_BATCH)
            drops: list[Change] = [Drop(key.ref) for key in keys] or [Drop((Kind.ACCOUNT, account_id))]
            outcome = await self.write(drops)
            if isinstance(outcome, Written) and not keys:
                return gone
            gone += len(keys)
        return contended()

    async def put_org(self, org_id: str, body: Any) -> StoredOrg | Refusal:
        entry = _bad_name(org_id) or checked(body, OrgBody)
        if isinstance(entry, Refusal):
            return entry
        written = await self.write([Put(StoredOrg(org_id, entry.suspended))])
        return written if isinstance(written, Refusal) else await self.org(org_id)

    async def org(self, org_id: str) -> StoredOrg:
        found = (await self.book.get([(Kind.ORG, org_id)])).get((Kind.ORG, org_id))
        return found if isinstance(found, StoredOrg) else StoredOrg(org_id)

    async def write(self, changes: Sequence[Change]) -> Written | Refusal:
        """At most MAX_BATCH changes, or none; what was in memory of these rows is forgotten."""
        try:
            written = await self.book.write(changes)
        except BookConflict as conflict:
            return Refusal(reasons.INVALID_FIELD, f"nothing was changed: {conflict}")
        refs = [change.ref for change in changes]
        self._lookup.changed(refs, written.revision)
        with contextlib.suppress(StoreUnavailable):  # it is written; the next poll brings it here
            await self._lookup.mirror.follow(refs)
        return written

    async def known(self, account_id: str) -> Refusal | None:
        """Why nothing can be said of an account: there is none of this name, neither in the file nor in the book."""
        if account_id in self.directory().accounts:
            return None
        found = await self.account(account_id)
        return found if isinstance(found, Refusal) else None

    def own_account(self, account_id: str) -> Refusal | None:
        """Why an account is not changed here, if it stands in the file."""
        if account_id in self.directory().accounts:
            return Refusal(reasons.INVALID_FIELD, f"the account '{account_id}' is in accounts.yaml: change it there")
        return None


def contended() -> Refusal:
    """Somebody else won every time."""
    return Refusal(reasons.OVERLOADED, "others are changing the same row: try again", retry_after_ms=1000)


def _bad_name(name: str) -> Refusal | None:
    checked_name = checked({"id": name}, Named)
    return checked_name if isinstance(checked_name, Refusal) else None
