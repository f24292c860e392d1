"""Epochs, and what is promised of each before its first use: a small public file beside the secret one.

A commitment holds no secret. It is published or time-stamped before the epoch begins; later it proves that the keys
were not chosen for the text at hand.
"""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

from gateway.core.jsonio import loads
from gateway.watermarks.commitment import EpochKeys
from gateway.watermarks.folders import make_private
from gateway.watermarks.keys import KeyPath, Layer, Master
from gateway.watermarks.moments import moment_of, moment_text

FORMAT: Final = 1
SCHEME: Final = "pairs/1"
SCHEME_VERSION: Final = 1
MOST_BYTES: Final = 16_384

_FOLDER: Final = "commitments"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_MOST_DECOYS: Final = 1_000_000


class BadCommitment(ValueError):  # noqa: N818 - named for what it is about
    """A file that is no commitment, or is one of other keys; the message names the file."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """A span of time with keys of its own, Unix milliseconds; `until_ms` no longer belongs to it."""

    id: str
    from_ms: int
    until_ms: int


def epoch_at(epochs: Iterable[Epoch], now_ms: int) -> Epoch | None:
    """The epoch whose keys mark now: of those under way the one that began last. None in a gap."""
    under_way = [epoch for epoch in epochs if epoch.from_ms <= now_ms < epoch.until_ms]
    return max(under_way, key=lambda epoch: epoch.from_ms, default=None)


def epoch_after(epochs: Iterable[Epoch], now_ms: int) -> Epoch | None:
    """The epoch that begins next."""
    return min((epoch for epoch in epochs if epoch.from_ms > now_ms), key=lambda epoch: epoch.from_ms, default=None)


def epoch_keys(master: Master, epoch: str, family: str, layer: Layer) -> EpochKeys:
    """The keys of an epoch, model family and layer: the root of the codewords, and that of the decoys."""
    return EpochKeys(
        master.root(KeyPath("codeword", SCHEME_VERSION, family, epoch, layer)),
        master.root(KeyPath("decoy", SCHEME_VERSION, family, epoch, layer)),
    )


@dataclass(frozen=True, slots=True)
class Commitment:
    """What was promised of an epoch and a family. The roots are Merkle roots (`commitment.py`), in hex."""

    scheme: str
    epoch: str
    family: str
    account_root: str
    provider_root: str
    decoys: int
    table: str
    """The digest of the pair table: other pairs would be another mark."""
    made_at: str

    @property
    def made_ms(self) -> int:
        return moment_of(self.made_at)

    def promises_as(self, other: "Commitment") -> bool:
        """Whether both promise the same; when they were made does not matter."""
        return _promise(self) == _promise(other)


def commitment_for(master: Master, epoch: str, family: str, table_digest: str, now_ms: int) -> Commitment:
    """The commitment to publish. Takes about a tenth of a second: it makes all decoys of both layers."""
    account, provider = (epoch_keys(master, epoch, family, layer) for layer in _LAYERS)
    return Commitment(
        scheme=SCHEME,
        epoch=epoch,
        family=family,
        account_root=account.commitment().hex(),
        provider_root=provider.commitment().hex(),
        decoys=account.decoys,
        table=table_digest,
        made_at=moment_text(now_ms),
    )


_LAYERS: Final[tuple[Layer, Layer]] = ("account", "provider")


def check(master: Master, commitment: Commitment, table_digest: str | None = None) -> Literal["verified", "mismatch"]:
    """Are these the keys, the decoys and (where it is given) the pair table that were promised?"""
    table = commitment.table if table_digest is None else table_digest
    own = commitment_for(master, commitment.epoch, commitment.family, table, commitment.made_ms)
    return "verified" if own.promises_as(commitment) else "mismatch"


def commitment_path(directory: Path, epoch: str, family: str) -> Path:
    """Where it lies in the folder of the settings."""
    return directory / _FOLDER / f"{epoch}-{family}.json"


def read_commitment(path: Path) -> Commitment:
    """Read one file. Raises BadCommitment; OSError where it cannot be read (FileNotFoundError: none was made)."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    try:
        if len(data) > MOST_BYTES:
            raise BadCommitment(f"larger than {MOST_BYTES} bytes")
        commitment = _commitment(loads(data))
        if path.name != commitment_path(path, commitment.epoch, commitment.family).name:
            raise BadCommitment(f"is that of epoch {commitment.epoch}, family {commitment.family}, under a wrong name")
    except ValueError as error:
        raise BadCommitment(f"{path}: {error}") from None
    return commitment


def write_commitment(path: Path, commitment: Commitment) -> bool:
    """Write it and make it last; False where the file already promises the same.

    Raises BadCommitment where a file promises something else, or is none: a promise is never replaced.
    """
    make_private(path.parent)
    document = json.dumps({"format": FORMAT} | asdict(commitment), indent=2)
    try:
        with path.open("xb") as file:
            file.write(document.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        if not read_commitment(path).promises_as(commitment):
            raise BadCommitment(f"{path}: promises other keys or another pair table, and is kept as it is") from None
        return False
    return True


def _promise(commitment: Commitment) -> dict[str, Any]:
    return asdict(commitment) | {"made_at": ""}


def _commitment(document: Any) -> Commitment:
    names = {field.name for field in fields(Commitment)}
    if not isinstance(document, dict) or document.keys() != names | {"format"}:
        raise BadCommitment(f"expected an object with format, {', '.join(sorted(names))}")
    if document.pop("format") != FORMAT or document["scheme"] != SCHEME:
        raise BadCommitment(f"expected format {FORMAT} and scheme {SCHEME}")
    for name in names - {"decoys"}:
        if not isinstance(document[name], str) or not 0 < len(document[name]) <= 128:
            raise BadCommitment(f"{name}: expected text of 1 to 128 characters")
    for name in ("account_root", "provider_root", "table"):
        if not _DIGEST.fullmatch(document[name]):
            raise BadCommitment(f"{name}: expected 64 hex digits")
    decoys = document["decoys"]
    if type(decoys) is not int or not 1 <= decoys <= _MOST_DECOYS:
        raise BadCommitment(f"decoys: expected 1 to {_MOST_DECOYS}")
    moment_of(document["made_at"])
    return Commitment(**document)
