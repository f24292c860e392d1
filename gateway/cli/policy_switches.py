"""`gateway policy off|on|switches`: kill switches of a running gateway, through its admin API."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.admin_client import AdminClient, AdminFailed, add_flags, client_of
from gateway.cli.until import end

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

VERBS: Final = ("off", "on", "switches")


def add_parsers(verbs: "Subparsers") -> None:
    """Add the verbs that talk to a running gateway."""
    off = verbs.add_parser(
        "off",
        help="take a policy out of force for a time",
        description="Take a policy out of force on every gateway of the store; its file stays as it is.",
        epilog='example: gateway policy off free --reason "refuses paying customers, case 71" --until 2h',
    )
    off.add_argument("id", metavar="ID", help="the policy, or all")
    off.add_argument("--reason", required=True, metavar="TEXT", help="why, on one line")
    off.add_argument(
        "--until",
        type=end,
        required=True,
        metavar="WHEN",
        help="its end: 2h, 2027-01-31, or a time with its offset; at most 30 days",
    )
    on = verbs.add_parser("on", help="put a policy back in force", epilog="example: gateway policy on free")
    on.add_argument("id", metavar="ID", help="the policy, or all: what was named to switch it off")
    switches = verbs.add_parser(
        "switches", help="policies that are switched off", epilog="example: gateway policy switches"
    )
    for parser in (off, on, switches):
        add_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Do what was parsed."""
    client = client_of(args, f"policy {args.verb}")
    if client is None:
        return 2
    try:
        answer = _ask(client, args)
    except AdminFailed as error:
        print(f"gateway policy {args.verb}: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(answer))
    else:
        _say(args.verb, answer)
    return 0


def _ask(client: AdminClient, args: argparse.Namespace) -> Any:
    if args.verb == "switches":
        return client.call("GET", "switches")
    if args.verb == "on":
        return client.call("DELETE", "switches", args.id)
    return client.call("PUT", "switches", args.id, body={"reason": args.reason, "until": args.until})


def _say(verb: str, answer: Any) -> None:
    if verb == "off":
        print(f"{answer['policy']} is off until {answer['until']}", file=sys.stderr)
    elif verb == "on":
        print(f"{answer['policy']} is in force again", file=sys.stderr)
    else:
        for one in answer["switches"]:
            print(f"off   {one['policy']:<32}  until {one['until']}  by {one['by']}: {one['reason']}")
        for one in answer["over"]:
            how = f"lifted by {one['lifted_by']}" if one["lifted_by"] else "ran out"
            print(f"over  {one['policy']:<32}  {how} {one['until']}; by {one['by']}: {one['reason']}")
        if not answer["switches"]:
            print("every policy is in force as its file says", file=sys.stderr)
