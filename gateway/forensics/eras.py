"""Whose keys a text is tested with: an era for each epoch and model family, with the accounts marked then."""

from dataclasses import dataclass, field
from typing import Any

from gateway.watermarks.commitment import Checked, EpochKeys
from gateway.watermarks.keys import seed_of
from gateway.watermarks.scheme import Scheme


@dataclass(frozen=True, slots=True, order=True)
class Suspect:
    """One codeword of one account. `roll` counts how often the account's seed was replaced before it."""

    account: str
    roll: int = 0

    @property
    def label(self) -> str:
        """Its name among the hypotheses; no account id has a space."""
        return f"{self.account} roll {self.roll}" if self.roll else self.account


@dataclass(frozen=True, slots=True)
class Era:
    """One epoch of one model family. Raises ValueError without a suspect, and for one that stands there twice."""

    epoch: str
    family: str
    scheme: Scheme
    keys: EpochKeys
    provider_seed: bytes = field(repr=False)
    suspects: tuple[Suspect, ...]
    key_id: str
    """The Merkle root of the accounts' keys and decoys, in hex: names the keys without showing them."""
    commitment: Checked = "not_given"
    committed: dict[str, Any] | None = None
    """The commitment as it was published, for the report."""
    table: str = ""
    """The digest of what the scheme counts (the pair table)."""

    def __post_init__(self) -> None:
        if not self.suspects or len(set(self.suspects)) < len(self.suspects):
            raise ValueError("an era has one suspect at least, and none twice")

    @property
    def name(self) -> str:
        return f"{self.epoch}/{self.family}"

    def seed(self, suspect: Suspect) -> bytes:
        return seed_of(self.keys.codeword_root, suspect.account, suspect.roll)
