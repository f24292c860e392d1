"""Rows of a book as compact JSON, and back. What has its default is left out, so that new members need no migration."""

import json
from typing import Any, Final

from gateway.core.account import Account
from gateway.stores.book.base import (
    Entry,
    Kind,
    Ref,
    Ruling,
    StoredAccount,
    StoredKey,
    StoredOrg,
    StoredStanding,
    StoredSwitch,
)

FORMAT: Final = "1"

_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def body_of(entry: Entry) -> str:
    """All of a row but its id and version."""
    if isinstance(entry, StoredAccount):
        account = entry.account
        members: dict[str, Any] = {
            "org": account.org,
            "tier": account.tier,
            "country": account.country,
            "verified": account.verified,
            "purpose": account.declared_purpose,
            "tags": sorted(account.tags),
            "suspended": account.suspended,
            "created": account.created_ms,
            "owner_country": account.owner_country,
            "age": account.attested_age,
        }
    elif isinstance(entry, StoredKey):
        members = {
            "account": entry.account,
            "hash": entry.digest.hex(),
            "pepper": entry.pepper,
            "label": entry.label,
            "revoked": entry.revoked,
            "created": entry.created_ms,
        }
    elif isinstance(entry, StoredStanding):
        members = {"ruling": _listed(entry.ruling), "before": [_listed(ruling) for ruling in entry.before]}
    elif isinstance(entry, StoredSwitch):
        members = {
            "reason": entry.reason,
            "by": entry.by,
            "since": entry.since_ms,
            "until": entry.until_ms,
            "lifted_by": entry.lifted_by,
        }
    else:
        members = {"suspended": entry.suspended}
    members = {name: value for name, value in members.items() if value}
    if isinstance(entry, StoredKey) and entry.expires_ms is not None:
        members["expires"] = entry.expires_ms  # 0 is a moment too: long ago
    return _dumps(members)


def entry_of(ref: Ref, version: int, body: str) -> Entry:
    """The row again. Raises ValueError, KeyError or TypeError for what no book of this format wrote."""
    kind, row_id = ref
    members: dict[str, Any] = json.loads(body)
    if kind is Kind.ACCOUNT:
        return StoredAccount(_account(row_id, members), version)
    if kind is Kind.KEY:
        return StoredKey(
            id=row_id,
            account=members["account"],
            digest=bytes.fromhex(members["hash"]),
            pepper=members["pepper"],
            label=members.get("label", ""),
            expires_ms=members.get("expires"),
            revoked=members.get("revoked", False),
            created_ms=members.get("created", 0),
            version=version,
        )
    if kind is Kind.STANDING:
        before = tuple(Ruling(*ruling) for ruling in members.get("before", ()))
        return StoredStanding(row_id, Ruling(*members["ruling"]), before, version)
    if kind is Kind.SWITCH:
        return StoredSwitch(
            policy=row_id,
            reason=members.get("reason", ""),
            by=members.get("by", ""),
            since_ms=members.get("since", 0),
            until_ms=members.get("until", 0),
            lifted_by=members.get("lifted_by", ""),
            version=version,
        )
    return StoredOrg(row_id, members.get("suspended", False), version)


def _listed(ruling: Ruling) -> list[str | int]:
    return [ruling.standing, ruling.reason, ruling.by, ruling.since_ms, ruling.until_ms]


def _account(account_id: str, members: dict[str, Any]) -> Account:
    return Account(
        id=account_id,
        org=members["org"],
        tier=members["tier"],
        country=members.get("country", ""),
        verified=members.get("verified", False),
        declared_purpose=members.get("purpose", ""),
        tags=frozenset(members.get("tags", ())),
        suspended=members.get("suspended", False),
        created_ms=members.get("created", 0),
        owner_country=members.get("owner_country", ""),
        attested_age=members.get("age", 0),
    )
