"""`gateway policy diff`: what differs between two revisions of the policies, and whom that would have met."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.catalogue import Catalogue, load_catalogue
from gateway.cli.progress import Progress
from gateway.policy import archive
from gateway.policy.compile import PolicySet, load_policies
from gateway.policy.diff.compare import BUCKETS, CHANGES, Comparison, Result
from gateway.policy.diff.needs import needs_models
from gateway.policy.diff.reader import read_logs, total_bytes
from gateway.policy.diff.words import Difference, differences
from gateway.yamlio import Problem, YamlProblems

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

_SAYS: Final = {
    "same": "the same",
    "newly_refused": "newly refused",
    "newly_allowed": "newly allowed",
    "refused_otherwise": "refused by another rule",
    "reduced": "reduced further",
    "slowed": "slowed further",
    "eased": "slowed or reduced less",
    "not_evaluable": "not evaluable",
    "not_asked": "never came to the policies",
    "unreadable": "not readable",
}
_EXAMPLES: Final = 5


def add_parser(verbs: "Subparsers") -> None:
    """Add the verb."""
    diff = verbs.add_parser(
        "diff",
        help="compare two revisions, also over recorded decisions",
        epilog="example: gateway policy diff policies proposed --records decisions.jsonl",
    )
    diff.add_argument("old", metavar="OLD", help="a folder of policies, a file of the archive, or a revision in it")
    diff.add_argument("new", metavar="NEW", help="the same")
    diff.add_argument(
        "--records", nargs="+", type=Path, metavar="FILE", default=[], help="decision logs to replay; .gz as well"
    )
    diff.add_argument("--models", type=Path, metavar="FILE", help="models.yaml: families, terms and prices of models")
    diff.add_argument("--archive", type=Path, metavar="FOLDER", help="where revisions are kept (policy_archive)")
    diff.add_argument("--top", type=int, default=10, metavar="COUNT", help="accounts that are listed (10)")
    diff.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(args: argparse.Namespace) -> int:
    """Do what was parsed. Raises YamlProblems for a set that cannot be read."""
    old, new = _read(args.old, args.archive), _read(args.new, args.archive)
    changes = differences(old, new)
    if not args.records:
        _print(args, old, new, changes, None)
        return 0
    catalogue = None if args.models is None else load_catalogue(args.models)
    missing = "" if catalogue is not None else needs_models(old) or needs_models(new)
    if missing:
        print(f"gateway policy diff: {missing}: say --models FILE", file=sys.stderr)
        return 2
    try:
        result = _replay(old, new, catalogue, args.records)
    except OSError as error:
        print(f"gateway policy diff: {error.filename or 'a decision log'}: {error.strerror or error}", file=sys.stderr)
        return 1
    _print(args, old, new, changes, result)
    if result.lines == result.buckets["unreadable"]:
        print("gateway policy diff: no decision records in these files", file=sys.stderr)
        return 1
    return 0


def _read(name: str, folder: Path | None) -> PolicySet:
    path = Path(name)
    if path.is_dir():
        return load_policies(path)
    if path.is_file():
        return _checked(archive.read_file(path), path.stem)
    if folder is not None and archive.is_revision(name):
        return _checked(archive.read(folder, name), name)
    what = "no such folder or file"
    if archive.is_revision(name):
        what = "a revision is looked up in the folder that --archive names"
    raise YamlProblems([Problem(name, 1, 1, what)])


def _checked(policies: PolicySet, name: str) -> PolicySet:
    if archive.is_revision(name) and policies.revision != name:
        print(
            f"gateway policy diff: this version of the gateway reads {name} as {policies.revision}: "
            "what was recorded of rules on texts may not count",
            file=sys.stderr,
        )
    return policies


def _replay(old: PolicySet, new: PolicySet, catalogue: Catalogue | None, files: list[Path]) -> Result:
    progress = Progress(total_bytes(files))
    try:
        return Comparison(old, new, catalogue).add_all(read_logs(files, progress.add))
    finally:
        progress.end()


def _print(
    args: argparse.Namespace, old: PolicySet, new: PolicySet, changes: list[Difference], result: Result | None
) -> None:
    if args.json:
        document: dict[str, Any] = {
            "old": old.revision,
            "new": new.revision,
            "differences": [asdict(change) for change in changes],
        }
        if result is not None:
            document["records"] = _as_json(result, args.top)
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    print(f"{old.revision} → {new.revision}: {len(changes) or 'no'} difference{'' if len(changes) == 1 else 's'}")
    for change in changes:
        print(f"  {change}")
    if result is not None:
        _print_result(result, args.top)


def _as_json(result: Result, top: int) -> dict[str, Any]:
    return {
        "lines": result.lines,
        "buckets": {name: result.buckets[name] for name in BUCKETS},
        "changed": result.changed,
        "accounts": {"seen": len(result.seen), "changed": len(result.accounts)},
        "top_accounts": [{"account": name, **kinds} for name, kinds in _busiest(result, top)],
        "rules": {kind: dict(rules.most_common()) for kind, rules in result.rules.items()},
        "examples": result.examples,
        "not_evaluable": dict(result.unknown.most_common()),
        "unreadable": [asdict(line) for line in result.unreadable],
        "guessed": result.guessed,
    }


def _busiest(result: Result, top: int) -> list[tuple[str, dict[str, int]]]:
    order = sorted(result.accounts.items(), key=lambda item: (-item[1].total(), item[0]))
    return [(name, dict(kinds)) for name, kinds in order[: max(0, top)]]


def _print_result(result: Result, top: int) -> None:
    share = f", {len(result.accounts)} of {len(result.seen)} accounts" if result.seen else ""
    print(f"\n{result.lines} lines: {result.changed} requests would have been treated otherwise{share}")
    for kind in BUCKETS:
        count = result.buckets[kind]
        if count or kind in CHANGES[:2]:
            print(f"  {count:>10}  {_SAYS[kind]}")
            for rule, times in result.rules.get(kind, {}).items():
                print(f"  {times:>14}  {'by' if kind != 'newly_allowed' else 'no longer by'} {rule}")
            if kind in result.examples:
                print(f"  {'':>14}  such as {', '.join(result.examples[kind][:_EXAMPLES])}")
    if result.accounts and top > 0:
        print("\naccounts that would notice most")
        for name, kinds in _busiest(result, top):
            print(
                f"  {sum(kinds.values()):>10}  {name}: " + ", ".join(f"{n} {_SAYS[kind]}" for kind, n in kinds.items())
            )
    for rule, times in result.unknown.most_common():
        print(f"\nnot evaluable: {rule} looks at what no record holds ({times} requests)")
    if result.guessed:
        print(f"\n{result.guessed} requests were refused when they were recorded: what they would have used is a guess")
    for line in result.unreadable[:_EXAMPLES]:
        print(f"{line.source}:{line.line}: {line.why}", file=sys.stderr)
    more = result.buckets["unreadable"] - _EXAMPLES
    if more > 0:
        print(f"and {more} more lines that cannot be read", file=sys.stderr)
