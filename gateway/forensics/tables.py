"""Pair tables as bytes, for bundles: the room of marks reads and writes files only."""

from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.watermarks.pairs import PairTable, read_table, write_table


def table_bytes(table: PairTable) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.json"
        write_table(path, table)
        return path.read_bytes()


def table_of(data: bytes) -> PairTable:
    """Raises BadTable."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.json"
        path.write_bytes(data)
        return read_table(path)
