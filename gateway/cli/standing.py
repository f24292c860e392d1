"""`gateway accounts standing|proposals`: what people make of an account, and what policies propose."""

import argparse
import sys
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.admin_client import AdminClient
from gateway.cli.until import end
from gateway.core.account import CLEAR, STANDINGS

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

VERBS: Final = ("standing", "proposals")


def add_parsers(verbs: "Subparsers") -> list[argparse.ArgumentParser]:
    """Add the verbs; their parsers."""
    standing = verbs.add_parser(
        "standing",
        help="show or set the standing of an account",
        description="Show what people made of an account, or set it: clear, watched, limited or blocked.",
        epilog='example: gateway accounts standing ada limited --reason "sells its key, case 71" --until 7d',
    )
    standing.add_argument("name", metavar="NAME", help="the account")
    standing.add_argument(
        "standing", nargs="?", choices=STANDINGS, metavar="STANDING", help=f"{', '.join(STANDINGS)}; absent: show it"
    )
    standing.add_argument("--reason", metavar="TEXT", help="why, on one line; operators see it, the caller does not")
    standing.add_argument(
        "--until", type=end, metavar="WHEN", help="its end: 7d, 2027-01-31, or a time with its offset; at most a year"
    )
    proposals = verbs.add_parser(
        "proposals",
        help="accounts that policies propose to suspend",
        description="Accounts that policies propose to suspend, as one gateway process has seen them since its start.",
        epilog="example: gateway accounts proposals",
    )
    return [standing, proposals]


def fault(args: argparse.Namespace) -> str | None:
    """What is missing or too much for what is to be done; None where it fits."""
    if args.verb == "proposals":
        return None
    if args.standing is None:
        return "--reason and --until need a standing to set" if args.reason or args.until else None
    if args.reason is None:
        return "a standing needs --reason"
    if args.standing == CLEAR:
        return "a clear standing has no --until" if args.until else None
    return None if args.until else f"{args.standing} needs --until"


def ask(client: AdminClient, args: argparse.Namespace) -> Any:
    """The answer of the admin API. Raises AdminFailed."""
    if args.verb == "proposals":
        return client.call("GET", "proposals")
    if args.standing is None:
        return client.call("GET", "accounts", args.name, "standing")
    body = {"standing": args.standing, "reason": args.reason}
    if args.until:
        body["until"] = args.until
    return client.call("PUT", "accounts", args.name, "standing", body=body)


def say(args: argparse.Namespace, answer: Any) -> None:
    """The answer for people."""
    if args.verb == "proposals":
        for one in answer["proposals"]:
            rule = f"{one['policy']}/{one['rule']}"
            print(f"{one['account']:<32}  {rule:<40}  {one['count']:>6}  {one['first']}  {one['last']}")
        if not answer["proposals"]:
            print("none", file=sys.stderr)
        return
    print(f"{answer['account']}: {answer['standing']}{_end(answer)}")
    for one in answer["history"]:
        print(f"  {one['since']}  {one['standing']:<8}{_end(one)}  by {one['by']}: {one['reason']}")


def _end(ruling: Any) -> str:
    return f" until {ruling['until']}" if ruling["until"] else ""
