"""`gateway accounts`: accounts of a running gateway, through its admin API; what people make of them: standing.py."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli import standing
from gateway.cli.account_import import import_files
from gateway.cli.admin_client import AdminClient, AdminFailed, add_flags, client_of
from gateway.core.account import CLEAR
from gateway.yamlio import YamlProblems

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: "Subparsers") -> None:
    """Add the `accounts` group of verbs."""
    group = subparsers.add_parser("accounts", help="accounts in the store of a running gateway")
    verbs = group.add_subparsers(dest="verb", required=True, metavar="VERB")
    listed = verbs.add_parser("list", help="show accounts", epilog="example: gateway accounts list --limit 20")
    listed.add_argument("--after", default="", metavar="NAME", help="go on after this account")
    listed.add_argument("--limit", type=int, default=100, metavar="N", help="how many; 100, at most 500")
    show = verbs.add_parser("show", help="show one account", epilog="example: gateway accounts show ada")
    show.add_argument("name", metavar="NAME", help="the account")
    create = verbs.add_parser(
        "create", help="make an account", epilog="example: gateway accounts create ada --tier free --country GB"
    )
    _members(create, tier_required=True)
    change = verbs.add_parser(
        "set", help="change what is known of an account", epilog="example: gateway accounts set ada --tier developer"
    )
    _members(change, tier_required=False)
    change.add_argument("--if-version", type=int, metavar="N", help="only if it still has this version (see show)")
    suspend = verbs.add_parser(
        "suspend", help="refuse all keys of an account", epilog="example: gateway accounts suspend ada"
    )
    suspend.add_argument("name", metavar="NAME", help="the account, or the org with --org")
    suspend.add_argument("--org", action="store_true", help="all accounts of this org")
    suspend.add_argument("--lift", action="store_true", help="let them call again")
    load = verbs.add_parser(
        "import",
        help="write accounts.yaml files into the store",
        epilog="example: gateway accounts import accounts.yaml",
    )
    load.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files in the form of accounts.yaml")
    for parser in (listed, show, create, change, suspend, *standing.add_parsers(verbs), load):
        add_flags(parser)


def _members(parser: argparse.ArgumentParser, *, tier_required: bool) -> None:
    parser.add_argument("name", metavar="NAME", help="the account")
    parser.add_argument("--tier", required=tier_required, help="named class of account")
    parser.add_argument("--org", help="the org it belongs to; default: one of its own")
    parser.add_argument("--country", metavar="CODE", help="ISO 3166 code of two capital letters")
    parser.add_argument("--owner-country", metavar="CODE", help="the same, of those who own the account in the end")
    parser.add_argument("--verified", choices=("true", "false"), help="whether somebody checked who they are")
    parser.add_argument("--attested-age", type=int, metavar="YEARS", help="age that was attested for its users")
    parser.add_argument("--purpose", metavar="TEXT", help="what they said they use the models for")
    parser.add_argument("--tag", action="append", metavar="TAG", help="a fact for policies; may be repeated")


def run(args: argparse.Namespace) -> int:
    """Do what was parsed."""
    fault = standing.fault(args) if args.verb in standing.VERBS else None
    if fault is not None:
        print(f"gateway accounts {args.verb}: {fault}", file=sys.stderr)
        return 2
    client = client_of(args, f"accounts {args.verb}")
    if client is None:
        return 2
    try:
        answer = import_files(client, args.files) if args.verb == "import" else _ask(client, args)
    except YamlProblems as error:
        print(error, file=sys.stderr)
        return 1
    except AdminFailed as error:
        print(f"gateway accounts {args.verb}: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(answer))
    else:
        _say(args, answer)
    return 0


def _ask(client: AdminClient, args: argparse.Namespace) -> Any:
    if args.verb in standing.VERBS:
        return standing.ask(client, args)
    if args.verb == "list":
        return client.call("GET", "accounts", query={"after": args.after, "limit": args.limit})
    if args.verb == "show":
        return client.call("GET", "accounts", args.name)
    if args.verb == "suspend":
        body = {"suspended": not args.lift}
        if args.org:
            return client.call("PUT", "orgs", args.name, body=body)
        return client.call("PATCH", "accounts", args.name, body=body)
    members = _given(args)
    if args.verb == "create":
        return client.call("PUT", "accounts", args.name, body={**members, "version": 0})
    if args.if_version is not None:
        members["version"] = args.if_version
    return client.call("PATCH", "accounts", args.name, body=members)


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """The members that were named, as accounts.yaml calls them."""
    named = {
        "tier": args.tier,
        "org": args.org,
        "country": args.country,
        "owner_country": args.owner_country,
        "verified": None if args.verified is None else args.verified == "true",
        "attested_age": args.attested_age,
        "declared_purpose": args.purpose,
        "tags": args.tag,
    }
    return {name: value for name, value in named.items() if value is not None}


def _say(args: argparse.Namespace, answer: Any) -> None:
    if args.verb in standing.VERBS:
        standing.say(args, answer)
    elif args.verb == "list":
        for one in answer["accounts"]:
            state = "suspended" if one["suspended"] else one["standing"] if one["standing"] != CLEAR else ""
            print(f"{one['id']:<32}  {one['tier']:<12}  {one['org']:<24}  {one['source']:<5}  {state}".rstrip())
        if answer["next"]:
            print(f"more: gateway accounts list --after {answer['next']}", file=sys.stderr)
    elif args.verb == "import":
        total = f"{answer['accounts']} account(s), {answer['keys']} key(s), {answer['orgs']} org(s)"
        print(f"{total}; {answer['changed']} row(s) changed", file=sys.stderr)
        if answer["in_file"]:
            names = ", ".join(answer["first_in_file"])
            print(f"{answer['in_file']} of them are in accounts.yaml too, which wins: {names}", file=sys.stderr)
    else:
        for name, value in answer.items():
            print(f"{name}: {json.dumps(value, ensure_ascii=False)}")
