"""`gateway ledger verify`: does the ledger of a running gateway explain what its budgets count."""

import argparse
import json
from typing import TYPE_CHECKING

from gateway.cli.admin_client import add_flags, answer_of

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: "Subparsers") -> None:
    """Add the `ledger` group of verbs."""
    group = subparsers.add_parser("ledger", help="check what was charged")
    verbs = group.add_subparsers(dest="verb", required=True, metavar="VERB")
    verify = verbs.add_parser(
        "verify",
        help="compare every budget with its history",
        description="Compare what every budget counts with the ledger: checkpoint, entries since, and what is open.",
        epilog="example: gateway ledger verify",
    )
    add_flags(verify)


def run(args: argparse.Namespace) -> int:
    """Exit 1 when a counter is not explained, or the gateway cannot be asked."""
    report = answer_of(args, "ledger verify", "GET", "ledger")
    if isinstance(report, int):
        return report
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        for one in report["mismatches"]:
            place = f"{one['key']} in {one['label']}"
            print(f"{place}: counts {one['counted']}, the ledger explains {one['explained']}")
        compared = f"{report['counters']} counters, {report['entries']} entries up to {report['last']}"
        print(f"{compared}: {len(report['mismatches'])} not explained")
    return 1 if report["mismatches"] else 0
