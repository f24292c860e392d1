"""The contract of every book: rows with versions, one atomic write, and what changed since.

A book is a dumb, careful notebook. It keeps accounts, keys, orgs, standings and switches, each with the revision that
wrote it last, and checks what a writer expects to find. What a rotation or a suspension is, `identity` knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from gateway.core.account import Account

MAX_BATCH: Final = 1000
"""Changes in one write, and rows in one page of a list."""
LOG_LENGTH: Final = 10_000
"""Ids of which the book remembers when they changed last. Who asks about an earlier time must forget all it knows."""
RULINGS: Final = 20
"""Rulings on one account that are kept."""


class Kind(StrEnum):
    """What a row is."""

    ACCOUNT = "account"
    KEY = "key"
    ORG = "org"
    STANDING = "standing"
    """Named after its account, which may stand in a file."""
    SWITCH = "switch"
    """Named after its policy."""


Ref = tuple[Kind, str]
"""Names a row."""


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account. `account.suspended` is its own; its org may be suspended besides."""

    account: Account
    version: int = 0
    """The revision that wrote the row; 0 before it is written."""

    @property
    def ref(self) -> Ref:
        return Kind.ACCOUNT, self.account.id


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key by its public id: a hash of its secret, never the key. Times are Unix milliseconds."""

    id: str
    account: str
    digest: bytes = field(repr=False)
    pepper: str
    """Id of the pepper that made the hash."""
    label: str = ""
    expires_ms: int | None = None
    revoked: bool = False
    created_ms: int = 0
    version: int = 0

    @property
    def ref(self) -> Ref:
        return Kind.KEY, self.id


@dataclass(frozen=True, slots=True)
class StoredOrg:
    """What is known of an org. An org without a row is one like any other."""

    id: str
    suspended: bool = False
    version: int = 0

    @property
    def ref(self) -> Ref:
        return Kind.ORG, self.id


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a person made of an account, and why. Times are Unix milliseconds; a clear account has no end (0)."""

    standing: str
    reason: str
    by: str
    since_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class StoredStanding:
    """The newest ruling on an account. It is never dropped: a clear account has one too, if ever it was not."""

    account: str
    ruling: Ruling
    before: tuple[Ruling, ...] = ()
    """Those before it, newest first. The book itself puts them here: no writer can take one away or change it."""
    version: int = 0

    @property
    def ref(self) -> Ref:
        return Kind.STANDING, self.account


@dataclass(frozen=True, slots=True)
class StoredSwitch:
    """A policy that a person has switched off, or `all` of them. Over at `until_ms`, or when somebody lifted it."""

    policy: str
    reason: str
    by: str
    since_ms: int
    until_ms: int
    lifted_by: str = ""
    """Who ended it before its time, at `until_ms` by the clock of whoever was told."""
    version: int = 0

    @property
    def ref(self) -> Ref:
        return Kind.SWITCH, self.policy

    def runs(self, now_ms: int) -> bool:
        return not self.lifted_by and now_ms < self.until_ms


Entry = StoredAccount | StoredKey | StoredOrg | StoredStanding | StoredSwitch


@dataclass(frozen=True, slots=True)
class Put:
    """Write a row, new or not. `expected` is the version that must be there: 0 none, None whatever there is."""

    entry: Entry
    expected: int | None = None

    @property
    def ref(self) -> Ref:
        return self.entry.ref


@dataclass(frozen=True, slots=True)
class Drop:
    """Take a row away. An account that still has keys stays."""

    ref: Ref
    expected: int | None = None


Change = Put | Drop


class BookConflict(Exception):  # noqa: N818 - it says what was found, somebody else came first
    """A write that would undo what its writer has not seen. Nothing was written."""

    def __init__(self, ref: Ref, message: str) -> None:
        super().__init__(f"{ref[0]} {ref[1]}: {message}")
        self.ref = ref
        self.message = message


@dataclass(frozen=True, slots=True)
class Found:
    """What one look at a key saw, all at the same `revision`. Without an account there is no key."""

    revision: int
    key: StoredKey | None = None
    account: Account | None = None
    org_suspended: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows that were changed or dropped after a revision; None when that is too long ago to tell."""

    revision: int
    refs: frozenset[Ref] | None


@dataclass(frozen=True, slots=True)
class Written:
    """The revision after a write, and how many rows it really changed."""

    revision: int
    changed: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many accounts there are, and how many of them are suspended themselves, not by their org."""

    accounts: int
    suspended: int


class AccountBook(Protocol):
    """Accounts, keys and what is said of them. Every call raises StoreUnavailable when the place does not answer."""

    name: str

    async def open(self) -> None:
        """Make ready. Raises StoreUnavailable with a sentence an operator can act on."""
        ...

    async def find(self, key_id: str) -> Found:
        """A key with its account and whether its org is suspended, in one call."""
        ...

    async def get(self, refs: Sequence[Ref]) -> dict[Ref, Entry]:
        """Those of at most MAX_BATCH rows that exist."""
        ...

    async def accounts(self, after: str, limit: int) -> list[StoredAccount]:
        """Accounts whose ids follow `after`, in the order of their ids."""
        ...

    async def keys(self, account_id: str, after: str, limit: int) -> list[StoredKey]:
        """Keys of one account whose ids follow `after`, in the order of their ids."""
        ...

    async def rows(self, kind: Kind, after: str, limit: int) -> list[Entry]:
        """Standings or switches whose ids follow `after`, in the order of their ids."""
        ...

    async def count(self) -> Counts:
        """Without a look at each account."""
        ...

    async def write(self, changes: Sequence[Change]) -> Written:
        """All of at most MAX_BATCH changes, or none. What is there already is not written again.

        A revoked key stays revoked, and a standing keeps the rulings before it. Raises BookConflict.
        """
        ...

    async def changes(self, since: int) -> Changes:
        """What was changed or dropped after the revision `since`.

        Accounts and keys that are new are not named: nobody knew them.
        """
        ...

    async def backup(self, path: Path) -> None:
        """Copy everything to a new file. Raises StoreUnavailable, also where there is no file to copy."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


def require_few(what: str, count: int) -> None:
    """Every call is bounded. Raises ValueError: asking for more is a mistake in the caller."""
    if count > MAX_BATCH:
        raise ValueError(f"expected at most {MAX_BATCH} {what}, found {count}")
