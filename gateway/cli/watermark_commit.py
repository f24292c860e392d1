"""`gateway watermark commit`: writes down what is promised of each epoch, before it begins, and how to publish it."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.config_cmd import config_path
from gateway.config import load_config
from gateway.config.watermark import WatermarkEntry
from gateway.core.clock import Clock, SystemClock
from gateway.mark_files import load_mark_files
from gateway.watermarks.epochs import BadCommitment, Commitment, commitment_for, commitment_path, write_commitment
from gateway.yamlio import YamlProblems

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_TO_PUBLISH = """\
The files hold no secret. Before the epoch begins, publish them (or the roots) where you cannot change them afterwards,
or have each file time-stamped (RFC 3161), and keep the answer beside it:
  openssl ts -query -data FILE -sha256 -cert -out FILE.tsq"""


@dataclass(frozen=True, slots=True)
class Made:
    """One commitment and its file."""

    path: Path
    commitment: Commitment
    new: bool
    late: bool
    """Whether the epoch had begun when it was made."""


def add_parser(verbs: "Subparsers") -> None:
    """Add the verb `commit`."""
    verb = verbs.add_parser(
        "commit",
        help="promise the keys of epochs to come",
        epilog="example: gateway watermark commit --config gateway.yaml",
    )
    verb.add_argument("--epoch", metavar="ID", help="only this one; default: every epoch that is not over")
    verb.add_argument("--config", type=Path, metavar="FILE", help="gateway.yaml; else GATEWAY_CONFIG")
    verb.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace, clock: Clock | None = None) -> int:
    """Write the files; 1 where one promises something else already, or a file cannot be read."""
    path = config_path(args)
    if path is None or not path.is_file():
        print(f"gateway watermark commit: {path or 'no settings'}: no such file", file=sys.stderr)
        return 2
    try:
        entry = load_config(path, os.environ).settings.watermark
        if entry is None:
            print("gateway watermark commit: the settings have no watermark", file=sys.stderr)
            return 2
        if args.epoch is not None and args.epoch not in {epoch.id for epoch in entry.epochs}:
            print(f"gateway watermark commit: the settings have no epoch {args.epoch}", file=sys.stderr)
            return 2
        made = list(commit(entry, args.epoch, (clock or SystemClock()).now_ms()))
    except (YamlProblems, BadCommitment) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"gateway watermark commit: {error}", file=sys.stderr)
        return 1
    _show(made, as_json=args.json)
    return 0


def commit(entry: WatermarkEntry, only: str | None, now_ms: int) -> Iterator[Made]:
    """One commitment for each epoch and pair table, made as they are asked for.

    Raises YamlProblems, OSError, and BadCommitment where a file promises something else.
    """
    files = load_mark_files(entry)
    for epoch in files.epochs:
        if (only is None and epoch.until_ms <= now_ms) or only not in (None, epoch.id):
            continue
        for family, table in files.tables.items():
            commitment = commitment_for(files.master, epoch.id, family, table.digest, now_ms)
            path = commitment_path(entry.directory, epoch.id, family)
            new = write_commitment(path, commitment)
            yield Made(path, commitment, new, new and epoch.from_ms <= now_ms)


def _show(made: list[Made], *, as_json: bool) -> None:
    rows = [
        {
            "file": str(one.path),
            "sha256": sha256(one.path.read_bytes()).hexdigest(),
            "epoch": one.commitment.epoch,
            "family": one.commitment.family,
            "account_root": one.commitment.account_root,
            "provider_root": one.commitment.provider_root,
            "new": one.new,
        }
        for one in made
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
    for row in rows if not as_json else ():
        print(f"{row['file']}{'' if row['new'] else ' (was there, promises the same)'}")
        print(f"  account root   {row['account_root']}\n  provider root  {row['provider_root']}")
        print(f"  sha256         {row['sha256']}")
    for one in made:
        if one.late:
            warning = f"warning: epoch {one.commitment.epoch} has begun: texts from before now were not promised for"
            print(warning, file=sys.stderr)
    if not made:
        print("nothing to promise: no pair table, or every epoch is over", file=sys.stderr)
    elif not as_json:
        print(_TO_PUBLISH, file=sys.stderr)
