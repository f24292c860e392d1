"""`gateway policy lint|fmt|test|schema`: exit 0 when all is well, 1 on findings or failed cases, 2 on wrong usage.

`off`, `on` and `switches` talk to a running gateway (policy_switches.py); `explain` and `diff` are files of their own.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.catalogue import catalogue_of
from gateway.cli import policy_diff, policy_explain, policy_fmt, policy_switches
from gateway.core.clock import SystemClock
from gateway.dialects import DIALECTS
from gateway.identity.directory import AccountsFile
from gateway.policy.lint import Known
from gateway.policy.load import read_files
from gateway.policy.paths import definitions_beside, find_files
from gateway.policy.rules import lint_files
from gateway.policy.run_cases import Report, run_tests
from gateway.policy.schema import KINDS, json_schema
from gateway.validate import build
from gateway.yamlio import Problem, YamlProblems, load_file

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

UNREADABLE = "P001"
"""The code of everything that keeps a file from loading."""


def add_parser(subparsers: "Subparsers") -> None:
    """Add the `policy` group of verbs."""
    group = subparsers.add_parser("policy", help="check, test and describe policy files; switch policies off")
    verbs = group.add_subparsers(dest="verb", required=True, metavar="VERB")
    lint = verbs.add_parser("lint", help="find mistakes", epilog="example: gateway policy lint policies")
    _common(lint)
    lint.add_argument("--models", type=Path, metavar="FILE", help="models.yaml: check names of models and prices too")
    lint.add_argument("--accounts", type=Path, metavar="FILE", help="accounts.yaml: check tiers, accounts and orgs too")
    test = verbs.add_parser("test", help="run *.test.yaml", epilog="example: gateway policy test policies/free.yaml")
    _common(test)
    schema = verbs.add_parser("schema", help="print the JSON Schema", epilog="example: gateway policy schema")
    schema.add_argument(
        "kind", nargs="?", choices=KINDS, default="policy", metavar="KIND", help=f"of which files: {', '.join(KINDS)}"
    )
    policy_fmt.add_parser(verbs)
    policy_explain.add_parser(verbs)
    policy_diff.add_parser(verbs)
    policy_switches.add_parsers(verbs)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", nargs="*", type=Path, default=[Path("policies")], metavar="PATH", help="files or folders (policies)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Do what was parsed."""
    if args.verb in policy_switches.VERBS:
        return policy_switches.run(args)
    if args.verb == "explain":
        return policy_explain.run(args)
    if args.verb == "schema":
        print(json.dumps(json_schema(args.kind), indent=2))
        return 0
    try:
        if args.verb == "fmt":
            return policy_fmt.run(args)
        if args.verb == "diff":
            return policy_diff.run(args)
        return _lint(args) if args.verb == "lint" else _test(args)
    except YamlProblems as error:
        return _unreadable(error.problems, as_json=getattr(args, "json", False))


def _lint(args: argparse.Namespace) -> int:
    policies, tests = find_files(args.paths)
    files = read_files(policies)
    known = _known(args.models, args.accounts)
    findings = lint_files(files, tests, SystemClock().now_ms(), known, definitions_beside(policies))
    errors = sum(1 for finding in findings if finding.severity == "error")
    if args.json:
        _print_json({"findings": [asdict(finding) for finding in findings], "policies": len(files)})
    else:
        for finding in findings:
            print(f"{finding} ({finding.docs})")
        print(f"{len(files)} policies, {errors} errors, {len(findings) - errors} warnings")
    return 1 if errors else 0


def _known(models: Path | None, accounts: Path | None) -> Known:
    known = Known(dialects=frozenset(dialect.name for dialect in DIALECTS))
    if models is not None:
        loaded = load_file(models)
        known = replace(known, models=catalogue_of(loaded).models, catalogue=loaded)
    if accounts is not None:
        # The entries alone: a linter needs no peppers.
        entries = build(load_file(accounts), AccountsFile).accounts
        known = replace(
            known,
            tiers=frozenset(entry.tier for entry in entries.values()),
            accounts=frozenset(entries),
            orgs=frozenset(entry.org or name for name, entry in entries.items()),
        )
    return known


def _test(args: argparse.Namespace) -> int:
    policies, tests = find_files(args.paths)
    report = run_tests(read_files(policies), tests, definitions_beside(policies))
    if args.json:
        results = [asdict(result) for result in report.results]
        _print_json({"cases": results, "failed": report.failed, "uncovered": report.uncovered})
    else:
        _print_report(report)
    if not report.results:
        print("no cases found: zero tests prove nothing", file=sys.stderr)
    return 0 if report.passed else 1


def _print_report(report: Report) -> None:
    for result in report.results:
        print(f"{'FAIL' if result.failures else 'ok  '} {result.source}:{result.line}: {result.name}")
        for failure in result.failures:
            print(f"       {failure}")
        for line in result.explanation:
            print(f"         {line}")
    for rule in report.uncovered:
        print(f"never exercised: {rule}")
    passed = len(report.results) - report.failed
    print(f"{passed} passed, {report.failed} failed, {len(report.uncovered)} rules never exercised")


def _unreadable(problems: Sequence[Problem], *, as_json: bool) -> int:
    if as_json:
        findings = [
            {**asdict(problem), "code": problem.code or UNREADABLE, "severity": "error"} for problem in problems
        ]
        _print_json({"findings": findings})
    else:
        for problem in problems:
            print(f"{problem.source}:{problem.line}:{problem.column}: error {UNREADABLE}: {problem.message}")
    return 1


def _print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=False))
