"""A directory with a few accounts, and the keys that open it."""

from gateway.core.account import Account, Principal
from gateway.identity.directory import Directory, KeyRecord
from gateway.identity.keys import check_digits, digest

PEPPER = b"pepper-of-the-tests-pepper-of-the-tests"
OLD_PEPPER = b"an-older-pepper-an-older-pepper-an-older"
NOW = 1_800_000_000_000


def key(key_id: str, secret: str = "S" * 27) -> str:
    body = f"sk-ex-{key_id:0<12}_{secret}"
    return body + check_digits(body)


def record(
    account: Account, key_id: str, *, pepper: bytes = PEPPER, expires_ms: int | None = None, revoked: bool = False
) -> tuple[str, KeyRecord]:
    padded = f"{key_id:0<12}"
    stored = KeyRecord(Principal(account, padded), digest(b"S" * 27, pepper), pepper, expires_ms, revoked)
    return padded, stored


def directory() -> Directory:
    """Keys good, old (older pepper), late (expired), gone (revoked) and held (its account is suspended)."""
    acme = Account("acme-prod", "acme", "developer")
    held = Account("held", "held", "free", suspended=True)
    keys = dict(
        [
            record(acme, "good"),
            record(acme, "old", pepper=OLD_PEPPER),
            record(acme, "late", expires_ms=NOW),
            record(acme, "gone", revoked=True),
            record(held, "held"),
        ]
    )
    return Directory.of({"acme-prod": acme, "held": held}, keys, PEPPER)
