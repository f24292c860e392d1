"""`gateway config`: is it right, and what is in force."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.check import check
from gateway.config import load_config
from gateway.config.show import Row, rows
from gateway.core.clock import SystemClock
from gateway.yamlio import Problem, YamlProblems

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: "Subparsers") -> None:
    """Add the `config` group of verbs."""
    group = subparsers.add_parser("config", help="check or show the settings")
    verbs = group.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, summary in (
        ("check", "read the settings and every file they name"),
        ("show", "print every setting with its source"),
    ):
        verb = verbs.add_parser(name, help=summary, epilog=f"example: gateway config {name} --config gateway.yaml")
        verb.add_argument("--config", type=Path, metavar="FILE", help="gateway.yaml; else GATEWAY_CONFIG")
        verb.add_argument("--json", action="store_true", help="one JSON document on standard output")


def config_path(args: argparse.Namespace) -> Path | None:
    """The settings file of the flag or of GATEWAY_CONFIG; None when there is none."""
    if args.config is not None:
        return Path(args.config)
    named = os.environ.get("GATEWAY_CONFIG")
    return Path(named) if named else None


def run(args: argparse.Namespace) -> int:
    """Do what was parsed."""
    path = config_path(args)
    if path is not None and not path.is_file():
        print(f"gateway config: {path}: no such file", file=sys.stderr)
        return 2
    return _check(path, json_output=args.json) if args.verb == "check" else _show(path, json_output=args.json)


def _check(path: Path | None, *, json_output: bool) -> int:
    checked = check(path, os.environ, SystemClock().now_ms())
    warnings = [*checked.warnings, *checked.hints]
    if json_output:
        print(_as_json(checked.problems, warnings))
        return 1 if checked.problems else 0
    for problem in checked.problems:
        print(problem)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if checked.problems:
        print(f"{len(checked.problems)} problem(s)", file=sys.stderr)
        return 1
    print("ok", file=sys.stderr)
    return 0


def _as_json(problems: Sequence[Problem], warnings: Sequence[str]) -> str:
    return json.dumps({"problems": [asdict(problem) for problem in problems], "warnings": list(warnings)}, indent=2)


def _show(path: Path | None, *, json_output: bool) -> int:
    try:
        found = rows(load_config(path))
    except YamlProblems as error:
        print(error, file=sys.stderr)
        return 1
    if json_output:
        print(json.dumps([asdict(row) for row in found], indent=2))
        return 0
    width = max(len(_setting(row)) for row in found)
    for row in found:
        print(f"{_setting(row):<{min(width, 72)}}  # {row.source}")
    return 0


def _setting(row: Row) -> str:
    return f"{row.name}: {json.dumps(row.value)}"
