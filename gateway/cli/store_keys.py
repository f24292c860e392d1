"""`gateway keys create|rotate|revoke|list`: keys in the store of a running gateway."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.admin_client import AdminClient, AdminFailed, add_flags, client_of

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

VERBS: Final = ("create", "rotate", "revoke", "list")


def add_parsers(verbs: "Subparsers") -> None:
    """Add the verbs that talk to a running gateway."""
    create = verbs.add_parser(
        "create",
        help="make an API key in the store",
        epilog="example: gateway keys create --account ada --label laptop",
    )
    create.add_argument("--account", required=True, help="the account it belongs to")
    create.add_argument("--label", default="", help="what it is for")
    create.add_argument("--expires", metavar="DATE", help="2027-01-31, or a time with its offset")
    rotate = verbs.add_parser(
        "rotate", help="replace a key", epilog="example: gateway keys rotate 4fK2mQ9xTb7c --grace 3600"
    )
    rotate.add_argument("id", metavar="ID", help="public id of the old key: what stands between sk-ex- and _")
    rotate.add_argument("--grace", type=int, metavar="SECONDS", help="how long the old key works on; a day")
    rotate.add_argument("--label", help="of the new key; default: that of the old one")
    rotate.add_argument("--expires", metavar="DATE", help="of the new key; default: that of the old one")
    revoke = verbs.add_parser(
        "revoke", help="refuse a key from now on", epilog="example: gateway keys revoke 4fK2mQ9xTb7c"
    )
    revoke.add_argument("id", metavar="ID", help="public id of the key")
    listed = verbs.add_parser(
        "list", help="show the keys of an account", epilog="example: gateway keys list --account ada"
    )
    listed.add_argument("--account", required=True, help="whose keys")
    listed.add_argument("--after", default="", metavar="ID", help="go on after this key")
    for parser in (create, rotate, revoke, listed):
        add_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Do what was parsed."""
    client = client_of(args, f"keys {args.verb}")
    if client is None:
        return 2
    try:
        answer = _ask(client, args)
    except AdminFailed as error:
        print(f"gateway keys {args.verb}: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(answer))
    elif args.verb == "list":
        _show_list(answer, args.account)
    elif args.verb == "revoke":
        print(f"{answer['id']} of {answer['account']} is revoked", file=sys.stderr)
    else:
        print(answer["key"])
        old = f"; {answer['old']['id']} works until {answer['old']['expires']}" if "old" in answer else ""
        print(f"# shown once; {answer['id']} of {answer['account']}{old}", file=sys.stderr)
    return 0


def _ask(client: AdminClient, args: argparse.Namespace) -> Any:
    if args.verb == "list":
        return client.call("GET", "accounts", args.account, "keys", query={"after": args.after, "limit": 500})
    if args.verb == "revoke":
        return client.call("POST", "keys", args.id, "revoke")
    body = {name: getattr(args, name) for name in ("label", "expires") if getattr(args, name)}
    if args.verb == "create":
        return client.call("POST", "accounts", args.account, "keys", body=body)
    if args.grace is not None:
        body["grace_s"] = args.grace
    return client.call("POST", "keys", args.id, "rotate", body=body)


def _show_list(answer: Any, account: str) -> None:
    for key in answer["keys"]:
        state = "revoked" if key["revoked"] else f"until {key['expires']}" if key["expires"] else "valid"
        print(f"{key['id']}  {state:<32}  {key['source']:<5}  {key['label']}".rstrip())
    if answer["next"]:
        print(f"more: gateway keys list --account {account} --after {answer['next']}", file=sys.stderr)
