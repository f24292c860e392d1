"""`gateway policy explain`: why a request is allowed or refused, or why one was. Exit 0 whatever the answer is."""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.cli import explain_inputs
from gateway.cli.admin_client import DEFAULT_URL, AdminClient, AdminFailed, client_of
from gateway.cli.explain_inputs import WrongUsage
from gateway.policy import archive
from gateway.policy.compile import PolicySet
from gateway.policy.explain.record import Revisions, decided_by, record_lines
from gateway.policy.explain.rule_words import rule_words
from gateway.policy.explain.text import explained
from gateway.policy.explain.then import condition_then
from gateway.policy.sample import SPEAKERS
from gateway.yamlio import YamlProblems

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

MAX_LINE: Final = 1 << 20
"""Bytes of one record: longer lines of a log are none."""


def add_parser(verbs: "Subparsers") -> None:
    """Add the verb."""
    verb = verbs.add_parser(
        "explain",
        help="say why a request is allowed or refused",
        description="Say which policies cover a request and which rules of theirs hold, what decides and why; or, by "
        "the id of a decision, why one was made. No text of a request is printed.",
        epilog="example: gateway policy explain --config gateway.yaml --account ada --model chat-small --request -",
    )
    verb.add_argument("decision", nargs="?", metavar="DECISION", help="id of a decision, or of a request: explain it")
    for name, what in (
        ("records", "decision log to look in; else the running gateway is asked"),
        ("archive", "folder of archived revisions; default: that of the settings"),
        ("config", "gateway.yaml; else GATEWAY_CONFIG"),
        ("policies", "folder of policies; default: that of the settings"),
        ("accounts", "accounts.yaml; default: that of the settings"),
        ("models", "models.yaml; default: that of the settings"),
    ):
        metavar = "DIR" if name in ("archive", "policies") else "FILE"
        action = "append" if name == "records" else "store"
        verb.add_argument(f"--{name}", type=Path, metavar=metavar, help=what, action=action)
    verb.add_argument("--account", metavar="ID", help="who calls")
    verb.add_argument("--key", metavar="ID", help="public id of the key")
    verb.add_argument("--model", metavar="NAME", help="which model; default: the one that the request names")
    verb.add_argument("--dialect", choices=sorted(SPEAKERS), default="chat", metavar="NAME", help="wire format; chat")
    verb.add_argument("--request", type=Path, metavar="FILE", help="body of the request, JSON; - is standard input")
    verb.add_argument(
        "--header", type=explain_inputs.header, action="append", default=[], metavar="NAME=VALUE", help="of the request"
    )
    verb.add_argument("--address", type=explain_inputs.address, metavar="IP", help="where it comes from")
    verb.add_argument("--client-country", type=explain_inputs.country, metavar="CODE", help="country of that address")
    verb.add_argument("--at", type=explain_inputs.moment, metavar="TIME", help="when, with its offset; default: now")
    verb.add_argument(
        "--admin-url",
        metavar="URL",
        help=f"ask this gateway for standing, switches and what limits have left; {DEFAULT_URL}",
    )
    verb.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Do what was parsed."""
    try:
        client = _client(args)
        return _record(args, client) if args.decision is not None else _request(args, client)
    except (WrongUsage, AdminFailed) as error:
        print(f"gateway policy explain: {error}", file=sys.stderr)
        return 2 if isinstance(error, WrongUsage) else 1
    except YamlProblems as error:
        print(error, file=sys.stderr)
        return 1


def _client(args: argparse.Namespace) -> AdminClient | None:
    """None where no gateway is to be asked. Raises WrongUsage after saying what is missing."""
    if args.admin_url is None:
        if args.decision is None or args.records is not None:
            return None
        args.admin_url = DEFAULT_URL
    client = client_of(args, "policy explain")
    if client is None:
        raise WrongUsage("a running gateway is asked by --admin-url, and for decisions without --records")
    return client


def _request(args: argparse.Namespace, client: AdminClient | None) -> int:
    found = explain_inputs.explained(args, client)
    if args.json:
        print(json.dumps(asdict(found), indent=2, ensure_ascii=False, default=str))
        return 0
    for line in explained(found):
        print(line)
    if args.request is None:
        print("\nno --request: what asks about the request was answered for a plain, empty one", file=sys.stderr)
    return 0


def _record(args: argparse.Namespace, client: AdminClient | None) -> int:
    record = find(args.decision, args.records) if args.records is not None else None
    if client is not None and record is None:
        record = client.call("GET", "decisions", args.decision)
    if record is None:
        raise WrongUsage(f"no decision '{args.decision}' in {', '.join(map(str, args.records))}")
    config = explain_inputs.settings_of(args)
    now = explain_inputs.policies_of(args, config)
    folder = args.archive or (config.settings.policy_archive if config is not None else None)
    catalogue = explain_inputs.catalogue_of(args, config)
    model = None if catalogue is None else catalogue.lookup(str(record.get("model")))
    revisions = Revisions(now, _archived(folder, str(record.get("revision"))), model)
    if args.json:
        words = revisions.of_then(record)
        rule = decided_by(record)
        found = None if words is None else condition_then(record, words, rule, model)
        document = {
            "record": record,
            "folder_revision": None if now is None else now.revision,
            "rule": list(rule_words(words, rule, found)) if words is not None and rule else None,
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    for line in record_lines(record, revisions):
        print(line)
    return 0


def _archived(folder: Path | None, revision: str) -> PolicySet | None:
    """The policies of then; None where the archive does not have them."""
    if folder is None:
        return None
    try:
        return archive.read(folder, revision)
    except YamlProblems as error:
        print(error, file=sys.stderr)
        return None


def find(decision: str, logs: Iterable[Path]) -> dict[str, Any] | None:
    """The record of a decision, line by line through logs of any length; by a request id the last that has it.

    Raises WrongUsage for a log that cannot be read.
    """
    wanted = json.dumps(decision).encode()
    last: dict[str, Any] | None = None
    for path in logs:
        try:
            with path.open("rb") as file:
                while line := file.readline(MAX_LINE):
                    record = _parsed(line) if wanted in line else {}
                    if record.get("id") == decision:
                        return record
                    if record.get("request_id") == decision:
                        last = record
        except OSError as error:
            raise WrongUsage(f"--records: {path}: {error.strerror}") from None
    return last


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
