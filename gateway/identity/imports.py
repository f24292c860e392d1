"""A whole accounts.yaml into the book: checked as the file is, written in batches; once more, and nothing changes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core.refusal import Refusal
from gateway.identity.directory import AccountsFile, KeyEntry, account_of, directory_of
from gateway.identity.keys import Pepper
from gateway.identity.register import Register
from gateway.stores.book.base import MAX_BATCH, Change, Kind, Put, StoredAccount, StoredKey, StoredOrg
from gateway.validate import Document, build

SHOWN: Final = 10
"""Names of a longer list that an answer shows."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a document held, how many rows that changed, and how many accounts accounts.yaml has too: it wins."""

    orgs: int
    accounts: int
    keys: int
    changed: int
    in_file: int
    first_in_file: tuple[str, ...]


def changes_of(loaded: Document, peppers: Sequence[Pepper], now_ms: int) -> list[Change]:
    """The writes that a document stands for, accounts before their keys. Raises YamlProblems for the whole of it."""
    directory_of(loaded, peppers)  # makes every check of the file: names that must exist, peppers
    file = build(loaded, AccountsFile)
    changes: list[Change] = [
        Put(StoredOrg(name, entry is not None and entry.suspended)) for name, entry in (file.orgs or {}).items()
    ]
    changes += [Put(StoredAccount(account_of(name, entry))) for name, entry in file.accounts.items()]
    changes += [Put(_stored(key_id, entry, now_ms)) for key_id, entry in (file.keys or {}).items()]
    return changes


def _stored(key_id: str, entry: KeyEntry, now_ms: int) -> StoredKey:
    digest = bytes.fromhex(entry.hash)
    return StoredKey(key_id, entry.account, digest, entry.pepper, entry.label, entry.expires, entry.revoked, now_ms)


async def write_all(register: Register, changes: Sequence[Change]) -> Imported | Refusal:
    """Write batch by batch. A batch that is refused is none of it written; those before it are, and may come again."""
    changed = 0
    for at in range(0, len(changes), MAX_BATCH):
        written = await register.write(changes[at : at + MAX_BATCH])
        if isinstance(written, Refusal):
            written.message += f"; {at} of {len(changes)} rows were written before: correct it and import all again"
            return written
        changed += written.changed
    counts = Counter(change.ref[0] for change in changes)
    known = register.directory().accounts
    in_file = [
        row_id for kind, row_id in (change.ref for change in changes) if kind is Kind.ACCOUNT and row_id in known
    ]
    return Imported(
        counts[Kind.ORG], counts[Kind.ACCOUNT], counts[Kind.KEY], changed, len(in_file), tuple(in_file[:SHOWN])
    )
