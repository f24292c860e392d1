"""`gateway doctor`: why it would not run here, and what to do about it. Shows no secret."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.cli import doctor_checks as checks
from gateway.cli.check import check
from gateway.cli.config_cmd import config_path
from gateway.cli.doctor_checks import Line
from gateway.cli.doctor_redis import redis
from gateway.cli.doctor_upstreams import upstreams
from gateway.cli.doctor_watermark import watermark
from gateway.core.clock import Clock, SystemClock

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_COLOURS: Final = {"ok": "32", "warn": "33", "fail": "31"}


def add_parser(subparsers: "Subparsers") -> None:
    """Add the verb `doctor`."""
    verb = subparsers.add_parser(
        "doctor",
        help="find out why it would not run here",
        epilog="example: gateway doctor --config gateway.yaml",
    )
    verb.add_argument("--config", type=Path, metavar="FILE", help="gateway.yaml; else GATEWAY_CONFIG")
    verb.add_argument("--offline", action="store_true", help="do not connect to upstreams")
    verb.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Print every result; 1 when one failed."""
    path = config_path(args)
    if path is not None and not path.is_file():
        print(f"gateway doctor: {path}: no such file", file=sys.stderr)
        return 2
    lines: list[Line] = []
    for line in examine(path, os.environ, SystemClock(), online=not args.offline):
        lines.append(line)
        if not args.json:
            print(_text(line), flush=True)
    if args.json:
        print(json.dumps([asdict(line) for line in lines], indent=2))
    return 1 if any(line.level == "fail" for line in lines) else 0


def examine(path: Path | None, env: Mapping[str, str], clock: Clock, *, online: bool) -> Iterator[Line]:
    """All checks, in the order in which one would look."""
    checked = check(path, env, clock.now_ms())
    for problem in checked.problems:
        yield Line("fail", "config", str(problem), "correct the file")
    if checked.config is None:
        return
    if not checked.problems:
        yield Line("ok", "config", "settings, accounts, models and policies agree")
    for hint in checked.hints:
        yield Line("warn", "config", hint, "correct the file")
    settings = checked.config.settings
    yield from checks.pepper(settings)
    yield from checks.secret_files(settings)
    yield from checks.open_files(settings, path)
    yield from checks.country_file(settings, clock)
    yield from checks.store(settings)
    yield from watermark(settings, clock)
    yield from checks.ports(settings)
    yield from checks.machine(settings, clock)
    if online:
        yield from redis(settings)
        yield from upstreams(settings, env, clock)


def _text(line: Line) -> str:
    level = f"{line.level:<4}"
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        level = f"\x1b[{_COLOURS[line.level]}m{level}\x1b[0m"
    remedy = f" → {line.remedy}" if line.remedy else ""
    return f"{level}  {line.name}: {line.message}{remedy}"
