"""Settings of marks, fingerprints and receipts: one secret, one folder, and when each epoch's keys are in use."""

import re
import socket
from itertools import pairwise
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from gateway.config.paths import FilePath
from gateway.scalars import Name, Seconds, Size, moment_ms
from gateway.validate import Strict

DAY_MS: Final = 86_400_000
LONGEST_MS: Final = 92 * DAY_MS
OVERLAP_MS: Final = DAY_MS

FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""What may be part of a file's name on any file system."""
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9._-]")


def _moment(text: str) -> str:
    moment_ms(text)
    return text


Moment = Annotated[str, AfterValidator(_moment)]
"""Kept as it was written, so that `gateway config show` prints a date."""


class EpochEntry(Strict):
    """One span of time with keys of its own. It begins on its first moment and is over on `until`."""

    id: FileName = Field(description="Its name, in file names and reports; keys are derived from it.")
    from_: Moment = Field(alias="from", description="First moment: a date (midnight UTC), or a time with its offset.")
    until: Moment = Field(description="Its end, as `from`: 1 to 92 days after it.")

    @property
    def from_ms(self) -> int:
        return moment_ms(self.from_)

    @property
    def until_ms(self) -> int:
        return moment_ms(self.until)

    @model_validator(mode="after")
    def _long_enough(self) -> "EpochEntry":
        if not DAY_MS <= self.until_ms - self.from_ms <= LONGEST_MS:
            days = (self.until_ms - self.from_ms) / DAY_MS
            raise ValueError(f"expected an epoch of 1 to 92 days, found {days:g}")
        return self


class WatermarkEntry(Strict):
    """Present: policies may ask for marks, fingerprints and receipts. Absent: none of it exists."""

    secret_file: FilePath = Field(
        description="File with the master secret, readable by its owner only: `gateway watermark keygen` makes it."
    )
    directory: FilePath = Field(description="Folder for commitments, account logs, fingerprints and receipts.")
    instance: FileName | None = Field(
        default=None, description="This process among those that share the folder; absent: the host's name."
    )
    epochs: tuple[EpochEntry, ...] = Field(
        min_length=1, max_length=400, description="When which keys are in use, in order of time."
    )
    tables: dict[FileName, FilePath] = Field(
        default={}, description="Pair table of each model family, as `gateway watermark pairs` makes it."
    )
    lists: int = Field(default=1, ge=1, le=4, description="Lists of signs that an account has; a request uses one.")
    provider_quarters: int = Field(
        default=1, ge=0, le=2, description="Quarters of the pairs that carry the provider's mark, not the account's."
    )
    rolls: dict[Name, Annotated[int, Field(ge=0, le=1_000_000)]] = Field(
        default={}, description="How often the seed of an account was replaced, by account."
    )
    retention: Seconds = Field(
        default=7_776_000,
        description="How long fingerprints are kept after their epoch, and receipts after their issue: `90d`.",
    )
    queue_bytes: Size = Field(
        default=64 << 20, ge=64 << 10, description="Answers that wait to be fingerprinted; beyond, they are left out."
    )
    probe_s: float = Field(
        default=3600, ge=0, description="Seconds between self-tests of the marks; 0: only at the start."
    )

    @property
    def instance_name(self) -> str:
        """`instance`, or the host's name as a file name."""
        host = _FOREIGN.sub("-", socket.gethostname()).strip("-._")[:64]
        return self.instance or host or "gateway"

    @property
    def gaps(self) -> list[tuple[str, str]]:
        """Neighbouring epochs between which there is none: nothing is marked then."""
        return [(one.id, two.id) for one, two in pairwise(self.epochs) if one.until_ms < two.from_ms]

    @model_validator(mode="after")
    def _in_order(self) -> "WatermarkEntry":
        # Upper and lower case are one name on some file systems.
        if len({epoch.id.casefold() for epoch in self.epochs}) < len(self.epochs):
            raise ValueError("epochs: two of them have the same id")
        for one, two in pairwise(self.epochs):
            if two.from_ms <= one.from_ms or two.until_ms <= one.until_ms:
                raise ValueError(f"epochs: expected {two.id} to begin and to end after {one.id}, or to stand before it")
            if one.until_ms - two.from_ms > OVERLAP_MS:
                raise ValueError(f"epochs: expected {two.id} to begin at most one day before the end of {one.id}")
        for one, _, three in zip(self.epochs, self.epochs[1:], self.epochs[2:], strict=False):
            if one.until_ms > three.from_ms:
                raise ValueError(f"epochs: expected {one.id} to be over before {three.id} begins")
        files = {f"{epoch.id}-{family}".casefold() for epoch in self.epochs for family in self.tables}
        if len(files) < len(self.epochs) * len(self.tables):
            raise ValueError("epochs and tables: an epoch and a family would share a file name with others: rename one")
        return self
