"""Eras from what the gateway left on disk: the master secret's keys, commitments, pair tables and account logs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gateway.forensics.eras import Era, Suspect
from gateway.watermarks.account_log import log_folder
from gateway.watermarks.account_notes import Logs, read_logs
from gateway.watermarks.commitment import Checked
from gateway.watermarks.epochs import Commitment, commitment_for, commitment_path, epoch_keys, read_commitment
from gateway.watermarks.keys import Master, seed_of
from gateway.watermarks.marking import PROVIDER
from gateway.watermarks.pairs import PairTable
from gateway.watermarks.scheme import PairScheme


@dataclass(frozen=True, slots=True)
class Holdings:
    """Where the keys and the records are."""

    master: Master = field(repr=False)
    directory: Path
    tables: Mapping[str, PairTable]
    """By model family."""
    lists: int = 1
    provider_quarters: int = 1


@dataclass(frozen=True, slots=True)
class Loaded:
    """The eras that can be tested, and what must be said about them."""

    eras: tuple[Era, ...]
    heads: dict[str, str]
    """File of the account log → hash of its last line."""
    notes: tuple[str, ...]
    """What is not as it should be, one sentence each."""


class NothingToTest(ValueError):  # noqa: N818 - a state of the world, not a mistake
    """No era is left; the message says what to give."""


def load_eras(
    holdings: Holdings, epochs: Sequence[str], families: Sequence[str], accounts: Sequence[Suspect] | None = None
) -> Loaded:
    """The era of each epoch and family that has suspects: `accounts`, or all that the dated logs name.

    Raises NothingToTest, BadCommitment for a file that is none, and OSError where a file cannot be read.
    """
    logs = read_logs(log_folder(holdings.directory))
    notes = [f"the account log's chain is broken: {line}" for line in logs.broken]
    eras = []
    for epoch in epochs:
        for family in families:
            suspects = tuple(accounts) if accounts is not None else _logged(logs, epoch, family)
            if suspects:
                eras.append(era_of(holdings, epoch, family, suspects, _published(holdings, epoch, family)))
            else:
                notes.append(f"{epoch}/{family}: not tested: the account logs name nobody")
    if not eras:
        raise NothingToTest("the account logs name nobody in these epochs and families: give --accounts FILE")
    notes += [f"{era.name}: {_NOTES[era.commitment]}" for era in eras if era.commitment in _NOTES]
    return Loaded(tuple(eras), logs.heads, tuple(notes))


_NOTES: dict[Checked, str] = {
    "not_given": "no commitment was found: an outsider cannot tell that the keys are older than the text",
    "mismatch": "the keys or the pair table are not those of the commitment: nobody is named",
}


def _logged(logs: Logs, epoch: str, family: str) -> tuple[Suspect, ...]:
    return tuple(Suspect(account, roll) for account, roll in logs.issued(epoch, family))


def _published(holdings: Holdings, epoch: str, family: str) -> Commitment | None:
    try:
        return read_commitment(commitment_path(holdings.directory, epoch, family))
    except FileNotFoundError:
        return None


def era_of(
    holdings: Holdings, epoch: str, family: str, suspects: tuple[Suspect, ...], published: Commitment | None
) -> Era:
    """One era with its keys, checked against what was published. About a tenth of a second: all decoys are made."""
    table = holdings.tables[family]
    own = commitment_for(holdings.master, epoch, family, table.digest, 0)
    provider = epoch_keys(holdings.master, epoch, family, "provider")
    checked: Checked = "not_given"
    if published is not None:
        checked = "verified" if own.promises_as(published) else "mismatch"
    return Era(
        epoch=epoch,
        family=family,
        scheme=PairScheme(table, lists=holdings.lists, provider_quarters=holdings.provider_quarters),
        keys=epoch_keys(holdings.master, epoch, family, "account"),
        provider_seed=seed_of(provider.codeword_root, PROVIDER),
        suspects=suspects,
        key_id=own.account_root,
        commitment=checked,
        committed=None if published is None else asdict(published),
        table=table.digest,
    )
