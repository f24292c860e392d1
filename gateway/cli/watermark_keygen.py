"""`gateway watermark keygen`: makes the master secret of marks, fingerprints and receipts."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.watermarks.secret import write_secret

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(verbs: "Subparsers") -> None:
    """Add the verb `keygen`."""
    verb = verbs.add_parser(
        "keygen", help="make the master secret", epilog="example: gateway watermark keygen watermark.key"
    )
    verb.add_argument("file", type=Path, metavar="FILE", help="a new file, readable by its owner only")


def run(args: argparse.Namespace) -> int:
    """Write the file; 1 where it exists or cannot be written."""
    try:
        write_secret(args.file)
    except OSError as error:
        print(f"gateway watermark keygen: {args.file}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{args.file}: a new master secret; without a copy of it, no text can ever be traced", file=sys.stderr)
    return 0
