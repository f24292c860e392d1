"""`gateway restore`: a backup in the place of the usage database, whole or not at all."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.database import add_config, database_of
from gateway.stores.base import StoreUnavailable
from gateway.stores.upkeep import restore_copy

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: "Subparsers") -> None:
    """Register the verb."""
    verb = subparsers.add_parser(
        "restore",
        help="put a backup in the place of the usage database",
        description="Check a copy of the usage database, or of the accounts beside it, and put it in its place. "
        "The gateway must be stopped.",
        epilog="example: gateway restore usage-2026-03-01.sqlite --config gateway.yaml",
    )
    verb.add_argument("copy", type=Path, metavar="FILE", help="the copy")
    add_config(verb)


def run(args: argparse.Namespace) -> int:
    """Exit 1 when the copy is of no use or a gateway runs."""
    path = database_of(args)
    if isinstance(path, int):
        return path
    try:
        place = restore_copy(args.copy, path)
    except StoreUnavailable as error:
        print(f"gateway restore: {error}", file=sys.stderr)
        return 1
    print(f"{place}: restored from {args.copy}")
    return 0
