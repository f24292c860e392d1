"""`gateway keys`: make what callers and operators authenticate with. Each secret is shown once and never stored.

`new`, `hash-admin` and `new-pepper` make entries for files; the other verbs talk to a running gateway (store_keys.py).
"""

import argparse
import json
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway import yamlio
from gateway.cli import store_keys
from gateway.cli.key_entry import entry_lines, insert, replace_file
from gateway.config import load_config
from gateway.core.clock import SystemClock
from gateway.identity.admins import new_admin_token, token_hash
from gateway.identity.keys import Pepper, digest, new_key, parse
from gateway.identity.peppers import load_peppers
from gateway.scalars import moment_ms
from gateway.yamlio import YamlProblems

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_NO_PEPPER = """no pepper: expected --pepper-file, GATEWAY_KEY_PEPPER_FILE, or --config with key_pepper_files
make one with: gateway keys new-pepper pepper.txt"""


def add_parser(subparsers: "Subparsers") -> None:
    """Add the `keys` group of verbs."""
    group = subparsers.add_parser("keys", help="make, rotate and revoke API keys; admin tokens and peppers")
    verbs = group.add_subparsers(dest="verb", required=True, metavar="VERB")
    new = verbs.add_parser(
        "new",
        help="make an API key for accounts.yaml",
        epilog="example: gateway keys new --account acme-prod --label laptop --write accounts.yaml",
    )
    new.add_argument("--account", required=True, help="the account it belongs to")
    new.add_argument("--label", default="", help="what it is for")
    new.add_argument("--expires", metavar="DATE", help="2027-01-31, or a time with its offset")
    new.add_argument("--write", type=Path, metavar="FILE", help="put the entry into this accounts.yaml")
    new.add_argument("--pepper-file", type=Path, metavar="FILE", help="the pepper of the hash")
    new.add_argument("--config", type=Path, metavar="FILE", help="settings that name the pepper")
    new.add_argument("--json", action="store_true", help="one JSON document on standard output")
    admin = verbs.add_parser(
        "hash-admin", help="make an admin token", epilog="example: gateway keys hash-admin --name ada --role operate"
    )
    admin.add_argument("--name", required=True, help="whose it is")
    admin.add_argument("--role", choices=("read", "operate", "forensic"), default="read", help="what they may do")
    admin.add_argument("--json", action="store_true", help="one JSON document on standard output")
    pepper = verbs.add_parser("new-pepper", help="make a pepper", epilog="example: gateway keys new-pepper pepper.txt")
    pepper.add_argument("file", type=Path, metavar="FILE", help="a new file, readable by its owner only")
    store_keys.add_parsers(verbs)


def run(args: argparse.Namespace) -> int:
    """Do what was parsed."""
    if args.verb in store_keys.VERBS:
        return store_keys.run(args)
    try:
        if args.verb == "new":
            return _new(args)
        return _hash_admin(args) if args.verb == "hash-admin" else _new_pepper(args)
    except YamlProblems as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, UnicodeDecodeError) as error:
        print(f"gateway keys: {error}", file=sys.stderr)
        return 1


def _new(args: argparse.Namespace) -> int:
    peppers = _peppers(args)
    if not peppers:
        print(_NO_PEPPER, file=sys.stderr)
        return 2
    if args.expires is not None:
        try:
            if moment_ms(args.expires) <= SystemClock().now_ms():
                raise ValueError("expected a moment to come")  # noqa: TRY301 - said like the other complaints
        except ValueError as error:
            print(f"gateway keys: --expires: {error}", file=sys.stderr)
            return 2
    key = new_key()
    parsed = parse(key)
    assert parsed is not None
    entry: dict[str, Any] = {
        "account": args.account,
        "hash": digest(parsed.secret, peppers[0].value).hex(),
        "pepper": peppers[0].id,
    }
    entry |= {name: value for name, value in (("label", args.label), ("expires", args.expires)) if value}
    if args.write is not None:
        with args.write.open(encoding="utf-8", newline="") as file:
            text = file.read(yamlio.MAX_BYTES + 1)
        replace_file(args.write, insert(text, str(args.write), parsed.id, entry))
    if args.json:
        print(json.dumps({"key": key, "id": parsed.id, "entry": entry}))
        return 0
    print(key)
    if args.write is not None:
        print(f"# shown once; its entry {parsed.id} is in {args.write}", file=sys.stderr)
    else:
        print("# shown once; put this below `keys:` in accounts.yaml", file=sys.stderr)
        print("\n".join(entry_lines(parsed.id, entry, 2)))
    return 0


def _peppers(args: argparse.Namespace) -> tuple[Pepper, ...]:
    if args.pepper_file is not None:
        return load_peppers([("", args.pepper_file)])
    if args.config is not None:
        entries = load_config(args.config).settings.key_pepper_files
        return load_peppers([(entry.id or "", entry.file) for entry in entries])
    named = os.environ.get("GATEWAY_KEY_PEPPER_FILE")
    return load_peppers([("", Path(named))]) if named else ()


def _hash_admin(args: argparse.Namespace) -> int:
    token = new_admin_token()
    entry = {"name": args.name, "role": args.role, "token_sha256": token_hash(token)}
    if args.json:
        print(json.dumps({"token": token, "entry": entry}))
        return 0
    print(token)
    print("# shown once; put this below `admins:` in gateway.yaml", file=sys.stderr)
    print("".join("  " + line + "\n" for line in yamlio.dump([entry]).splitlines()), end="")
    return 0


def _new_pepper(args: argparse.Namespace) -> int:
    handle = os.open(args.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
    print(f"{args.file}: a new pepper; keep a copy, without it no key can be verified", file=sys.stderr)
    return 0
