"""`gateway watermark detect`: was this text issued to one of our accounts, and to which.

What is printed without --scores is the verdict. Scores are for admins with the role forensic.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.cli.forensic_access import add_flags
from gateway.core.clock import Clock, SystemClock

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

NO_NUMPY: Final = "needs numpy: pip install 'excise-gateway[watermark]'"


def add_parser(verbs: "Subparsers") -> None:
    """Add the verb `detect`."""
    verb = verbs.add_parser(
        "detect",
        help="test a text, or a corpus, for marks",
        description="Test a text, or many, for the marks of accounts. Every run is written to the ledger of runs, and "
        "every earlier run on the same words makes p larger.",
        epilog="example: gateway watermark detect answer.txt --config gateway.yaml",
    )
    verb.add_argument("paths", nargs="+", metavar="PATH", help="text files, folders, *.jsonl; - is standard input")
    verb.add_argument("--field", default="text", metavar="NAME", help="in *.jsonl: the field that holds the text; text")
    verb.add_argument("--prompt", type=Path, metavar="FILE", help="the prompt: what was copied from it is not counted")
    verb.add_argument("--epoch", action="append", default=[], metavar="ID", help="test this epoch; default: all begun")
    verb.add_argument("--family", action="append", default=[], metavar="NAME", help="test this model family; all")
    verb.add_argument("--accounts", type=Path, metavar="FILE", help="test these; default: all of the account logs")
    verb.add_argument("--clusters", type=Path, metavar="FILE", help="sets of accounts, declared before looking")
    verb.add_argument("--windows", action="store_true", help="search for marked passages; costs more p")
    verb.add_argument("--alpha", type=float, default=1e-6, metavar="P", help="probability to name an innocent; 1e-6")
    verb.add_argument("--uplift", type=float, default=0.2, metavar="U", help="strength that `none` speaks of; 0.2")
    verb.add_argument("--runs", type=int, default=0, metavar="N", help="looks by hand that no ledger knows of; 0")
    verb.add_argument("--scores", action="store_true", help="scores, decoys, windows: for admins of role forensic")
    verb.add_argument("--json", action="store_true", help="the report as one JSON document on standard output")
    verb.add_argument("--html", type=Path, metavar="FILE", help="write the report as a page, with plots with --scores")
    verb.add_argument("--bundle", type=Path, metavar="PATH", help="write evidence to a new folder or .zip file")
    verb.add_argument("--include-text", action="store_true", help="the bundle holds the text itself")
    verb.add_argument("--exit-code", action="store_true", help="exit with the verdict: 10, 11, 12 or 13")
    verb.add_argument("--no-registry", action="store_true", help="look nothing up in the registry of fingerprints")
    add_registry_flag(verb)
    add_flags(verb)


def add_registry_flag(verb: argparse.ArgumentParser) -> None:
    """Where the fingerprints are."""
    verb.add_argument(
        "--registry", type=Path, action="append", default=[], metavar="DIR",
        help="fingerprints; default: registry in the watermark folder, if it is there; may be repeated",
    )  # fmt: skip


def run(args: argparse.Namespace, clock: Clock | None = None) -> int:
    """Exit 0 when it ran, whatever the verdict; with --exit-code the verdict's; 1 unreadable, 2 wrong usage."""
    try:
        from gateway.cli.watermark_run import Unusable, detect  # noqa: PLC0415 - so that a lack of numpy has a message
    except ModuleNotFoundError as error:
        if error.name != "numpy":
            raise
        print(f"gateway watermark detect: {NO_NUMPY}", file=sys.stderr)
        return 2
    try:
        return detect(args, clock or SystemClock())
    except Unusable as error:
        print(f"gateway watermark detect: {error}", file=sys.stderr)
        return error.status
