"""accounts.yaml: who may call, as one immutable snapshot that is swapped as a whole."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, StringConstraints

from gateway.core.account import Account, Principal
from gateway.identity.keys import ID_LENGTH, Pepper
from gateway.scalars import Line, Moment, Name
from gateway.validate import Document, Strict, build, nearest
from gateway.yamlio import Problem, YamlProblems, load_file

KeyId = Annotated[str, StringConstraints(pattern=rf"^[0-9A-Za-z]{{{ID_LENGTH}}}$")]


class OrgEntry(Strict):
    """An organisation that accounts belong to."""

    suspended: bool = Field(default=False, description="Refuses every account of the org.")


class AccountEntry(Strict):
    """A billing owner and the facts that policies match on."""

    org: Name | None = Field(default=None, description="A name from `orgs`; absent: the account is an org of its own.")
    tier: Name = Field(description="Named class of account; policies give tiers their limits.")
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$", description="ISO 3166 code of two capital letters.")
    owner_country: str = Field(
        default="", pattern=r"^([A-Z]{2})?$", description="The same, of those who own the account in the end."
    )
    verified: bool = Field(default=False, description="Whether somebody checked who they are.")
    attested_age: int = Field(
        default=0, ge=0, le=150, description="Age in whole years that was attested for its users; 0: unknown."
    )
    declared_purpose: Line = Field(default="", description="What they said they use the models for.")
    tags: tuple[Name, ...] = Field(default=(), description="Further facts for policies to match on.")
    created: Moment | None = Field(default=None, description="When the account was opened: a date, or a time.")
    suspended: bool = Field(default=False, description="Refuses every key of the account.")


class KeyEntry(Strict):
    """A key as it is stored: its hash, never the key."""

    account: Name = Field(description="A name from `accounts`.")
    hash: str = Field(pattern=r"^[0-9a-f]{64}$", description="HMAC-SHA-256 of the secret with the pepper, in hex.")
    pepper: Name = Field(description="Id of the pepper that made the hash.")
    label: Line = Field(default="", description="What the key is for; shown to operators.")
    expires: Moment | None = Field(default=None, description="A date (midnight UTC) or a time with its offset.")
    revoked: bool = Field(default=False, description="Refuses the key from the next reload on.")


class AccountsFile(Strict):
    """The whole of accounts.yaml."""

    orgs: dict[Name, OrgEntry | None] | None = Field(default=None, description="Organisations by id.")
    accounts: dict[Name, AccountEntry] = Field(description="Accounts by id.")
    keys: dict[KeyId, KeyEntry] | None = Field(
        default=None, description="Keys by public id; `gateway keys new` adds one."
    )


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A stored key, ready to compare. The principal is made once, not for each request."""

    principal: Principal
    digest: bytes = field(repr=False)
    pepper: bytes = field(repr=False)
    expires_ms: int | None = None
    revoked: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Directory:
    """Accounts and keys at one moment. `nobody` is compared when a key is unknown, so that this takes as long."""

    accounts: Mapping[str, Account]
    keys: Mapping[str, KeyRecord]
    nobody: KeyRecord
    suspended_orgs: frozenset[str] = frozenset()

    @staticmethod
    def of(
        accounts: Mapping[str, Account],
        keys: Mapping[str, KeyRecord],
        pepper: bytes,
        suspended_orgs: Iterable[str] = (),
    ) -> "Directory":
        nobody = KeyRecord(Principal(Account("", "", ""), ""), os.urandom(32), pepper)
        return Directory(
            MappingProxyType(dict(accounts)), MappingProxyType(dict(keys)), nobody, frozenset(suspended_orgs)
        )


def load_directory(path: Path, peppers: Sequence[Pepper]) -> Directory:
    """Read accounts.yaml. Raises YamlProblems."""
    return directory_of(load_file(path), peppers)


def directory_of(loaded: Document, peppers: Sequence[Pepper]) -> Directory:
    """The directory in a loaded document. Raises YamlProblems."""
    file = build(loaded, AccountsFile)
    problems: list[Problem] = []

    def fault(message: str, *path: str | int) -> None:
        place = loaded.place(path)
        problems.append(Problem(place.source, place.line, place.column, message))

    accounts = _accounts(file, fault)
    values = {pepper.id: pepper.value for pepper in peppers}
    keys: dict[str, KeyRecord] = {}
    for key_id, entry in (file.keys or {}).items():
        if entry.account not in accounts:
            fault(f"unknown account '{entry.account}'{nearest(entry.account, accounts)}", "keys", key_id, "account")
        elif entry.pepper not in values:
            fault(f"no pepper '{entry.pepper}' is configured{nearest(entry.pepper, values)}", "keys", key_id, "pepper")
        else:
            keys[key_id] = KeyRecord(
                principal=Principal(accounts[entry.account], key_id),
                digest=bytes.fromhex(entry.hash),
                pepper=values[entry.pepper],
                expires_ms=entry.expires,
                revoked=entry.revoked,
                label=entry.label,
            )
    if problems:
        raise YamlProblems(problems)
    suspended = (name for name, org in (file.orgs or {}).items() if org is not None and org.suspended)
    return Directory.of(accounts, keys, peppers[0].value if peppers else os.urandom(32), suspended)


def account_of(name: str, entry: AccountEntry, *, org_suspended: bool = False) -> Account:
    """The account that an entry describes."""
    return Account(
        id=name,
        org=entry.org or name,
        tier=entry.tier,
        country=entry.country,
        owner_country=entry.owner_country,
        attested_age=entry.attested_age,
        verified=entry.verified,
        declared_purpose=entry.declared_purpose,
        tags=frozenset(entry.tags),
        suspended=entry.suspended or org_suspended,
        created_ms=entry.created or 0,
    )


def _accounts(file: AccountsFile, fault: Callable[..., None]) -> dict[str, Account]:
    orgs = file.orgs or {}
    accounts: dict[str, Account] = {}
    for name, entry in file.accounts.items():
        if entry.org is not None and entry.org not in orgs:
            fault(f"unknown org '{entry.org}'{nearest(entry.org, orgs)}", "accounts", name, "org")
        if entry.org is None and name in orgs:
            fault(f"the account has no org and its name is that of an org: expected org: {name}", "accounts", name)
        org_entry = orgs.get(entry.org or name)
        accounts[name] = account_of(name, entry, org_suspended=org_entry is not None and org_entry.suspended)
    return accounts
