"""`gateway backup`: a copy of the usage database of a running gateway, made by the gateway itself."""

import argparse
import json
from typing import TYPE_CHECKING

from gateway.cli.admin_client import add_flags, answer_of

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
    made = answer_of(args, "backup", "POST", "backup")
    if isinstance(made, int):
        return made
    print(json.dumps(made, indent=2) if args.json else made["file"])
    return 0
