"""`gateway migrate`: the usage database in this version's format."""

import argparse
import sys
from typing import TYPE_CHECKING

from gateway.cli.database import add_config, database_of
from gateway.stores.base import StoreUnavailable
from gateway.stores.journal import FORMAT
from gateway.stores.upkeep import migrate

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: "Subparsers") -> None:
    """Register the verb."""
    verb = subparsers.add_parser(
        "migrate",
        help="bring the usage database to this version's format",
        description="Bring the usage database to this version's format; a copy of the old one stays beside it. "
        "The gateway must be stopped.",
        epilog="example: gateway migrate --config gateway.yaml",
    )
    add_config(verb)


def run(args: argparse.Namespace) -> int:
    """Exit 1 when it cannot be done; nothing was changed then."""
    path = database_of(args)
    if isinstance(path, int):
        return path
    try:
        found = migrate(path)
    except StoreUnavailable as error:
        print(f"gateway migrate: {error}", file=sys.stderr)
        return 1
    if found == FORMAT:
        print(f"{path}: has format {FORMAT} already")
    else:
        print(f"{path}: format {found} became {FORMAT}; the old file is {path.name}.format-{found}")
    return 0
