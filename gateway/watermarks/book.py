"""Which marker is in use for a model family now: of the epoch under way, and only if its keys were committed to.

A mark whose keys nobody promised beforehand proves nothing later, so without a matching commitment there is none. The
commitment of the next epoch may be made while the gateway runs: `refresh` finds it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.watermarks.epochs import (
    BadCommitment,
    Epoch,
    check,
    commitment_path,
    epoch_at,
    epoch_keys,
    read_commitment,
)
from gateway.watermarks.keys import Master
from gateway.watermarks.marking import Marker
from gateway.watermarks.occasion import Skip
from gateway.watermarks.pairs import PairTable

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Current:
    """The marker in use."""

    epoch: str
    marker: Marker


@dataclass(slots=True)
class MarkBook:
    """Markers by epoch and model family."""

    master: Master = field(repr=False)
    directory: Path
    epochs: Sequence[Epoch]
    tables: Mapping[str, PairTable]
    """By model family."""
    lists: int = 1
    provider_quarters: int = 1
    _ready: dict[tuple[str, str], Current] = field(default_factory=dict)

    def at(self, family: str, now_ms: int) -> Current | Skip:
        """The marker for this family now, or why there is none."""
        if family not in self.tables:
            return "table"
        epoch = epoch_at(self.epochs, now_ms)
        if epoch is None:
            return "epoch"
        return self._ready.get((epoch.id, family), "uncommitted")

    def refresh(self, now_ms: int) -> list[str]:
        """Look for the commitments of the epoch under way and of one that begins within a day.

        What is wrong, one line each. Takes about a tenth of a second for each that is new, so it has a thread of its
        own; readers see a new marker at once and whole. Markers of epochs that are over go: each keeps up to 15 MB.
        """
        troubles = []
        near = [epoch for epoch in self.epochs if epoch.from_ms - DAY_MS <= now_ms < epoch.until_ms]
        for epoch in near:
            for family, table in self.tables.items():
                if (epoch.id, family) not in self._ready:
                    trouble = self._admit(epoch.id, family, table)
                    if trouble is not None:
                        troubles.append(trouble)
        names = {epoch.id for epoch in near}
        for place in [place for place in self._ready if place[0] not in names]:
            del self._ready[place]
        return troubles

    def _admit(self, epoch: str, family: str, table: PairTable) -> str | None:
        path = commitment_path(self.directory, epoch, family)
        what = f"epoch {epoch}, family {family}"
        try:
            commitment = read_commitment(path)
        except FileNotFoundError:
            return f"{what}: nothing was committed to; run `gateway watermark commit`"
        except (BadCommitment, OSError) as error:
            return f"{what}: {error}"
        if check(self.master, commitment, table.digest) != "verified":
            return f"{what}: {path.name} promises other keys or another pair table"
        self._ready[epoch, family] = Current(epoch, self._marker(epoch, family, table))
        return None

    def _marker(self, epoch: str, family: str, table: PairTable) -> Marker:
        account, provider = (epoch_keys(self.master, epoch, family, layer) for layer in ("account", "provider"))
        return Marker(
            table,
            account.codeword_root,
            provider.codeword_root,
            lists=self.lists,
            provider_quarters=self.provider_quarters,
        )
