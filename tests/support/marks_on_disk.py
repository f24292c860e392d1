"""A configuration with marks on disk: settings, secret, two epochs and a pair table."""

from pathlib import Path

from gateway.watermarks.pairs import Pair, PairTable, write_table
from tests.support.config_dir import write_config

SECRET = "5ec2e7" * 10 + "0000"
MARKS = """\
watermark:
  secret_file: watermark.key
  directory: marks
  instance: tests
  epochs:
    - {id: first, from: 2027-01-01, until: 2027-02-01}
    - {id: second, from: 2027-01-31, until: 2027-04-01}
  tables: {gemma-3: gemma-3.json}
"""


def small_table(model: str = "gemma-3", pairs: int = 4) -> PairTable:
    names = [chr(ord("a") + at) * 3 for at in range(2 * pairs)]
    rows = [Pair(names[2 * i], names[2 * i + 1], 2 * i, 2 * i + 1, 10.0, 9.5) for i in range(pairs)]
    return PairTable(model, tuple(rows))


def write_marks(folder: Path, marks: str = MARKS, **more: str) -> Path:
    """Returns the path of gateway.yaml. The middle of the first epoch is 2027-01-15, which is ManualClock's start."""
    (folder / "watermark.key").write_text(SECRET + "\n")
    (folder / "watermark.key").chmod(0o600)
    write_table(folder / "gemma-3.json", small_table())
    return write_config(folder, more=marks, **more)
