"""The command line: one verb, one module, imported only when it is asked for."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from gateway import __version__


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb and the module that has its `add_parser(subparsers)` and `run(args) -> int`."""

    name: str
    module: str
    summary: str


VERBS: Final = (
    Verb("serve", "gateway.cli.serve", "run the gateway"),
    Verb("demo", "gateway.cli.demo", "run it with a simulated model, sample accounts and policies"),
    Verb("simulate", "gateway.cli.simulate", "run the simulated model alone"),
    Verb("keys", "gateway.cli.keys", "make, rotate and revoke API keys; admin tokens and peppers"),
    Verb("accounts", "gateway.cli.accounts", "accounts in the store of a running gateway"),
    Verb("config", "gateway.cli.config_cmd", "check or show the settings"),
    Verb("policy", "gateway.cli.policy", "check, test and describe policy files; switch policies off"),
    Verb("usage", "gateway.cli.usage", "show where an account stands with its limits"),
    Verb("ledger", "gateway.cli.ledger", "check what was charged"),
    Verb("backup", "gateway.cli.backup", "copy the usage database of a running gateway"),
    Verb("restore", "gateway.cli.restore", "put a backup in the place of the usage database"),
    Verb("migrate", "gateway.cli.migrate", "bring the usage database to this version's format"),
    Verb("watermark", "gateway.cli.watermark", "keys and pair tables of marks; test a text; check a receipt"),
    Verb("trace", "gateway.cli.trace", "find the accounts that were served a text"),
    Verb("registry", "gateway.cli.registry", "fingerprints of answers: list, sort, forget"),
    Verb("doctor", "gateway.cli.doctor", "find out why it would not run here"),
)

OK: Final = 0
FINDINGS: Final = 1
USAGE: Final = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 ok, 1 something was found, 2 usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser, module = _parser(next((word for word in arguments if not word.startswith("-")), None))
    parsed = parser.parse_args(arguments)
    try:
        return int(module.run(parsed))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has left; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINDINGS


def _parser(chosen: str | None) -> tuple[argparse.ArgumentParser, Any]:
    """The parser with the chosen verb in full and the others by name: importing them all would take a second."""
    parser = argparse.ArgumentParser(
        prog="gateway",
        description="Meters and polices an inference API.",
        epilog="example: gateway serve --config gateway.yaml",
    )
    parser.add_argument("--version", action="version", version=f"gateway {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="VERB", required=True)
    module = None
    for verb in VERBS:
        if verb.name == chosen:
            module = import_module(verb.module)
            module.add_parser(subparsers)
        else:
            subparsers.add_parser(verb.name, help=verb.summary)
    return parser, module
