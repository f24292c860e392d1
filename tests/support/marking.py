"""A running gateway that marks: a toy model, an epoch under way, its commitment, and one policy."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.watermarks.epochs import commitment_for, commitment_path, epoch_keys, write_commitment
from gateway.watermarks.keys import Master
from gateway.watermarks.pairs import PairTable, write_table
from tests.support.marked_model import MarkedModel, marked_model, table_of
from tests.support.running import PRICES, Running, running

MASTER = Master(bytes(range(32)))
EPOCH = "now"
FAMILY = "toy"
POLICY = """\
version: 1
id: marks
title: Marked answers
status: stable
mode: {mode}
owner: tests
description: Marks everything.
match: all
watermark: {block}
"""
STRONG = "{scheme: pairs, strength: 2.0}"


def codeword_root() -> bytes:
    return epoch_keys(MASTER, EPOCH, FAMILY, "account").codeword_root


def write_book(folder: Path, table: PairTable, *, committed: bool = True, master: Master = MASTER) -> dict:
    """The files of `watermark:`, and the settings that name them. `master` is the one on disk, MASTER's is promised."""
    folder.mkdir(parents=True, exist_ok=True)
    secret = folder / "watermark.key"
    secret.write_text(master.secret.hex())
    secret.chmod(0o600)
    write_table(folder / "toy.json", table)
    if committed:
        made = commitment_for(MASTER, EPOCH, FAMILY, table.digest, 1_700_000_000_000)
        write_commitment(commitment_path(folder / "marks", EPOCH, FAMILY), made)
    return {
        "secret_file": str(secret),
        "directory": str(folder / "marks"),
        "instance": "one",
        "epochs": [{"id": EPOCH, "from": _day(-10), "until": _day(30)}],
        "tables": {FAMILY: str(folder / "toy.json")},
    }


def _day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


@contextlib.contextmanager
def marking(
    folder: Path,
    *,
    block: str = STRONG,
    mode: str = "enforce",
    fault: str = "",
    entries: int = 1024,
    committed: bool = True,
    master: Master = MASTER,
    table: PairTable | None = None,
    model: dict | None = None,
    **book: object,
) -> Iterator[tuple[Running, MarkedModel]]:
    """A gateway before a toy model. `book` is laid over the `watermark:` settings."""
    table = table or table_of()
    settings = write_book(folder, table, committed=committed, master=master) | book
    models = {
        "toy": {"upstreams": ["main"], "context": 32768, "max_output": 4096, "prices": PRICES, "family": FAMILY}
        | (model or {})
    }
    with (
        marked_model(table, fault) as server,
        running(
            folder,
            upstream=server.url,
            upstream_settings={"kind": "llamacpp", "logit_bias_entries": entries, "dialects": ["chat", "completions"]},
            models=models,
            policies={"marks": POLICY.format(mode=mode, block=block)},
            settings={"watermark": settings},
        ) as gateway,
    ):
        yield gateway, server
