"""Who is calling: the principal, as policies and limits see it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """A billing owner. Attributes are facts for policies to match on."""

    id: str
    org: str
    tier: str
    country: str = ""
    verified: bool = False
    declared_purpose: str = ""
    tags: frozenset[str] = field(default_factory=frozenset)
    suspended: bool = False
    created_ms: int = 0
    """Unix milliseconds, 0 where nobody said."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: the account and the public id of the key it used (never the secret)."""

    account: Account
    key_id: str
