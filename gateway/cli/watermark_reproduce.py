"""`gateway watermark reproduce`: runs the test of an evidence bundle again, and says what differs."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.watermark_detect import NO_NUMPY, add_registry_flag

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(verbs: "Subparsers") -> None:
    """Add the verb `reproduce`."""
    verb = verbs.add_parser(
        "reproduce",
        help="run the test of an evidence bundle again",
        description="Check an evidence bundle's signature and hashes, and run its test again with the accounts, "
        "tables and settings that are in it. It is the same test, so the ledger of runs does not count it.",
        epilog="example: gateway watermark reproduce evidence.zip --text answer.txt --config gateway.yaml",
    )
    verb.add_argument("bundle", type=Path, metavar="BUNDLE", help="the folder or .zip file")
    verb.add_argument(
        "--text", action="append", default=[], metavar="PATH", help="what was tested; default: the bundle's own text"
    )
    verb.add_argument("--prompt", type=Path, metavar="FILE", help="the prompt, where one was given then")
    verb.add_argument("--config", type=Path, metavar="FILE", help="gateway.yaml; else GATEWAY_CONFIG")
    verb.add_argument("--secret-file", type=Path, metavar="FILE", help="the master secret, without any settings")
    verb.add_argument("--no-registry", action="store_true", help="look nothing up in the registry of fingerprints")
    add_registry_flag(verb)
    verb.set_defaults(directory=None, table=[])


def run(args: argparse.Namespace) -> int:
    """Exit 0 when the report is the same, 1 when it differs or the bundle was changed, 2 wrong usage."""
    try:
        from gateway.cli.watermark_again import reproduce  # noqa: PLC0415 - so that a lack of numpy has a message
        from gateway.cli.watermark_run import Unusable  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        print(f"gateway watermark reproduce: {NO_NUMPY}", file=sys.stderr)
        return 2
    try:
        return reproduce(args)
    except Unusable as error:
        print(f"gateway watermark reproduce: {error}", file=sys.stderr)
        return error.status
