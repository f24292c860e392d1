"""`gateway watermark`: the secret, commitments and pair tables; testing a text; checking a receipt."""

import argparse
from typing import TYPE_CHECKING, Final

from gateway.cli import (
    watermark_commit,
    watermark_detect,
    watermark_keygen,
    watermark_pairs,
    watermark_receipt,
    watermark_reproduce,
)

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_VERBS: Final = {
    "keygen": watermark_keygen,
    "pairs": watermark_pairs,
    "commit": watermark_commit,
    "detect": watermark_detect,
    "reproduce": watermark_reproduce,
    "receipt": watermark_receipt,
}


def add_parser(subparsers: "Subparsers") -> None:
    """Add the `watermark` group of verbs."""
    group = subparsers.add_parser("watermark", help="keys and pair tables of marks; test a text; check a receipt")
    verbs = group.add_subparsers(dest="verb", required=True, metavar="VERB")
    for module in _VERBS.values():
        module.add_parser(verbs)


def run(args: argparse.Namespace) -> int:
    """Do what was parsed."""
    return int(_VERBS[args.verb].run(args))
