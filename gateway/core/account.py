"""Who is calling: the principal, as policies and limits see it."""

from dataclasses import dataclass, field
from typing import Final

CLEAR: Final = "clear"
WATCHED: Final = "watched"
LIMITED: Final = "limited"
BLOCKED: Final = "blocked"
STANDINGS: Final = (CLEAR, WATCHED, LIMITED, BLOCKED)
"""What people can make of an account, mildest first."""


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
    owner_country: str = ""
    """Where those who own the account in the end are; empty where nobody said."""
    attested_age: int = 0
    """Age in whole years that was attested for its users; 0 where nobody said."""
    standing: str = CLEAR
    """As people set it, one of STANDINGS: ask `standing_at`."""
    standing_until_ms: int = 0
    """The first moment at which the account is clear again; of no meaning for one that is."""

    def standing_at(self, now_ms: int) -> str:
        """The standing in force: what was set and has run out is clear."""
        return self.standing if now_ms < self.standing_until_ms else CLEAR


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: the account and the public id of the key it used (never the secret)."""

    account: Account
    key_id: str
