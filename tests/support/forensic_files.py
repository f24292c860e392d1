"""What the detector's verbs need on disk: secret, pair table, commitment, account log, settings with two admins."""

from collections.abc import Iterable
from pathlib import Path
from random import Random

from gateway.identity.admins import new_admin_token, token_hash
from gateway.watermarks.account_log import AccountLog
from gateway.watermarks.epochs import commitment_for, commitment_path, epoch_keys, write_commitment
from gateway.watermarks.keys import Master
from gateway.watermarks.marking import Manner, Marker
from gateway.watermarks.pairs import PairTable, write_table
from tests.support.config_dir import write_config
from tests.support.marked_model import table_of

MASTER = Master(bytes(range(100, 132)))
FAMILY = "toy"
BEGUN, LATER = "2026-q4", "2027-q1"
NOW_MS = 1_795_000_000_000
"""2026-11-18."""
ACCOUNTS = tuple(f"acct-{number}" for number in range(30))
TABLE = table_of(400, FAMILY)
FORENSIC, READER = new_admin_token(), new_admin_token()
SETTINGS = f"""\
admins:
  - {{name: ada, role: forensic, token_sha256: {token_hash(FORENSIC)}}}
  - {{name: bob, role: operate, token_sha256: {token_hash(READER)}}}
watermark:
  secret_file: watermark.key
  directory: marks
  epochs:
    - {{id: {BEGUN}, from: 2026-10-01, until: 2027-01-01}}
    - {{id: {LATER}, from: 2027-01-01, until: 2027-04-01}}
  tables: {{{FAMILY}: toy.json}}
"""


def write_forensic(folder: Path, accounts: Iterable[str] = ACCOUNTS, *, promised: Master | None = MASTER) -> Path:
    """Returns the path of gateway.yaml. `promised` are the keys that were committed to; None: nothing was."""
    (folder / "watermark.key").write_text(MASTER.secret.hex())
    (folder / "watermark.key").chmod(0o600)
    write_table(folder / "toy.json", TABLE)
    if promised is not None:
        made = commitment_for(promised, BEGUN, FAMILY, TABLE.digest, 1_790_000_000_000)
        write_commitment(commitment_path(folder / "marks", BEGUN, FAMILY), made)
    log = AccountLog(folder / "marks", "one", lambda: NOW_MS)
    for account in accounts:
        log.note(account, BEGUN, FAMILY, 0)
    log.close()
    return write_config(folder, more=SETTINGS)


def prose(seed: int, length: int = 1200, account: str | None = None, table: PairTable = TABLE) -> str:
    """Words of the table at random; with the account's favoured word of a pair three times in four."""
    rng = Random(seed)
    favoured: frozenset[int] = frozenset()
    if account is not None:
        roots = [epoch_keys(MASTER, BEGUN, FAMILY, layer).codeword_root for layer in ("account", "provider")]
        favoured = Marker(table, *roots).mark(account, 0, 0, Manner(1024, 1.0)).tokens()
    out = []
    for _ in range(length):
        pair = rng.choice(table.pairs)
        sides = [(pair.first_token, pair.first), (pair.second_token, pair.second)]
        weights = [3 if token in favoured else 1 for token, _ in sides]
        out.append(rng.choices(sides, weights)[0][1])
    return " ".join(out)
