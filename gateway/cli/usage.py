"""`gateway usage`: where an account stands with each of its limits, from a running gateway."""

import argparse
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.admin_client import add_flags, answer_of
from gateway.policy.words import dollars, duration, window

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_HEAD: Final = ("limit", "of", "allows", "used", "held", "left", "full again")


def add_parser(subparsers: "Subparsers") -> None:
    """Register the verb."""
    verb = subparsers.add_parser(
        "usage",
        help="show where an account stands with its limits",
        description="Show every limit of an account: what it allows, what was used, what open requests hold, when it "
        "is full again. Limits that are only watched say audit.",
        epilog="example: gateway usage ada",
    )
    verb.add_argument("account", metavar="ACCOUNT", help="the account")
    add_flags(verb)


def run(args: argparse.Namespace) -> int:
    """Exit 1 when there is no such account, or the gateway cannot be asked."""
    usage = answer_of(args, "usage", "GET", "accounts", args.account, "usage")
    if isinstance(usage, int):
        return usage
    if args.json:
        print(json.dumps(usage, indent=2))
        return 0
    print(f"{usage['account']}, tier {usage['tier']}")
    for line in _table([_HEAD, *(_row(entry) for entry in usage["limits"])]):
        print(line)
    return 0


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    money = entry["unit"] == "nano_usd"
    amount = dollars if money else str
    unit = "" if money else f" {entry['unit']}"
    allows = f"{amount(entry['amount'])}{unit}"
    if "window_s" in entry:
        allows += f" in {window(entry['window_s'])}"
    elif "period" in entry:
        allows += f" a {entry['period']}"
    mode = "" if entry["mode"] == "enforce" else f" ({entry['mode']})"
    held = entry.get("held", 0)
    return (
        f"{entry['policy']}/{entry['limit']}{mode}",
        f"key {entry['key']}" if "key" in entry else entry["scope"],
        allows,
        amount(entry["used"] - held),
        amount(held),
        amount(entry["remaining"]),
        f"in {duration(entry['reset_ms'])}" if entry["reset_ms"] else "now" if entry["used"] <= 0 else "when one ends",
    )


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
