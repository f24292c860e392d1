"""Accounts and keys between their forms: as files and the admin API write them, and as a book keeps them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from gateway.core import reasons
from gateway.core.account import Account
from gateway.core.refusal import Refusal
from gateway.identity.directory import AccountEntry, OrgEntry
from gateway.scalars import Line, Moment, Name
from gateway.stores.book.base import StoredAccount, StoredKey
from gateway.validate import Strict, build, dotted
from gateway.yamlio import Place, Problem, YamlProblems

M = TypeVar("M", bound=BaseModel)


class AccountBody(AccountEntry):
    """An account as it is sent to the admin API: an entry of accounts.yaml."""

    version: int | None = Field(default=None, ge=0, description="The version that is replaced; 0: a new account.")


class OrgBody(OrgEntry):
    """An org as it is sent to the admin API."""


class NewKeyBody(Strict):
    """What a new key may be given."""

    label: Line = Field(default="", description="What the key is for; shown to operators.")
    expires: Moment | None = Field(default=None, description="A date (midnight UTC) or a time with its offset.")


class RotateBody(Strict):
    """How a key is replaced."""

    label: Line | None = Field(default=None, description="Of the new key; absent: that of the old one.")
    expires: Moment | None = Field(default=None, description="Of the new key; absent: that of the old one.")
    grace_s: int = Field(default=86_400, ge=0, le=2_592_000, description="Seconds that the old key works on.")


class Named(Strict):
    """An id by itself, to check it."""

    id: Name


class Body:
    """A JSON body as a document to check: the place of a problem is the path to the member, there are no lines."""

    source = "body"

    def __init__(self, value: Any) -> None:
        self.value = value

    def place(self, path: Sequence[str | int], *, key: bool = False) -> Place:  # noqa: ARG002 - Document's signature
        return Place(dotted(path) or self.source, 1, 1)


def told(problem: Problem) -> str:
    """A problem of a body in one sentence that names the place once."""
    return problem.message if problem.source in problem.message else f"{problem.source}: {problem.message}"


def checked(value: Any, model: type[M]) -> M | Refusal:
    """A body in the form of a model, or what was expected instead."""
    try:
        return build(Body(value), model)
    except YamlProblems as error:
        return Refusal(reasons.INVALID_FIELD, "; ".join(told(problem) for problem in error.problems[:5]))


def account_entry(account: Account) -> dict[str, Any]:
    """An account as an entry of accounts.yaml has it, in JSON types."""
    return {
        "org": account.org if account.org != account.id else None,
        "tier": account.tier,
        "country": account.country,
        "owner_country": account.owner_country,
        "verified": account.verified,
        "attested_age": account.attested_age,
        "declared_purpose": account.declared_purpose,
        "tags": sorted(account.tags),
        "created": moment_text(account.created_ms or None),
        "suspended": account.suspended,
    }


def account_shown(stored: StoredAccount) -> dict[str, Any]:
    """An account of a book as the admin API shows it."""
    shown = {"id": stored.account.id, **account_entry(stored.account), "source": "store", "version": stored.version}
    return {**shown, "org": stored.account.org}


def key_shown(key: StoredKey) -> dict[str, Any]:
    """A key as the admin API shows it: never its hash."""
    return {
        "id": key.id,
        "account": key.account,
        "label": key.label,
        "created": moment_text(key.created_ms or None),
        "expires": moment_text(key.expires_ms),
        "revoked": key.revoked,
        "pepper": key.pepper,
    }


def moment_text(ms: int | None) -> str | None:
    """A moment as people write it."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
