"""`gateway backup`: a copy of the usage database of a running gateway, made by the gateway itself."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from gateway.cli.admin_client import AdminFailed, add_flags, client_of

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: "Subparsers") -> None:
    """Register the verb."""
    verb = subparsers.add_parser(
        "backup",
        help="copy the usage database of a running gateway",
        description="Let a running gateway copy its usage database: one file beside it, exact as of now. "
        "It prints where.",
        epilog="example: gateway backup",
    )
    add_flags(verb)


def run(args: argparse.Namespace) -> int:
    """Exit 1 when there is no file, or the gateway cannot be asked."""
    client = client_of(args, "backup")
    if client is None:
        return 2
    try:
        made = client.call("POST", "backup")
    except AdminFailed as error:
        print(f"gateway backup: {error}", file=sys.stderr)
        return 1
    print(json.dumps(made, indent=2) if args.json else made["file"])
    return 0
