"""`gateway registry`: what is kept of answers, sorting it, and forgetting an epoch before its time."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from gateway.cli.registry_place import NoPlace, add_place_flags, place_of
from gateway.core.clock import SystemClock
from gateway.registry.compact import compact
from gateway.registry.retire import shred
from gateway.registry.shelf import RegistryUnavailable, Shelf
from gateway.registry.survey import Survey, survey
from gateway.watermarks.moments import moment_text
from gateway.yamlio import YamlProblems

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

NO_NUMPY: Final = "needs numpy: pip install 'excise-gateway[watermark]'"


def add_parser(subparsers: "Subparsers") -> None:
    """Add the `registry` group of verbs."""
    group = subparsers.add_parser("registry", help="fingerprints of answers: list, sort, forget")
    verbs = group.add_subparsers(dest="verb", required=True, metavar="VERB")
    one = verbs.add_parser(
        "list", help="what is kept, by replica and epoch", epilog="example: gateway registry list --config gateway.yaml"
    )
    one.add_argument("--verify", action="store_true", help="read every byte of the segments and check it")
    one.add_argument("--json", action="store_true", help="one JSON document on standard output")
    add_place_flags(one)
    two = verbs.add_parser(
        "compact",
        help="sort closed logs for fast look-ups",
        description="Turn closed logs into segments. A running gateway is not disturbed.",
        epilog="example: gateway registry compact --config gateway.yaml",
    )
    add_place_flags(two)
    three = verbs.add_parser(
        "shred",
        help="forget an epoch of all replicas, for good",
        description="Overwrite and remove the salts of an epoch, then its files. Nothing brings it back.",
        epilog="example: gateway registry shred 2026-q4 --yes --config gateway.yaml",
    )
    three.add_argument("epoch", metavar="EPOCH", help="its name")
    three.add_argument("--instance", metavar="NAME", help="of this replica only")
    three.add_argument("--yes", action="store_true", help="do it; without it only what would go is listed")
    add_place_flags(three)


def run(args: argparse.Namespace) -> int:
    """Exit 0 done, 1 where a folder could not be read or changed, 2 wrong usage."""
    try:
        found = place_of(args).shelves()
        if args.verb == "list":
            return _list(found, verify=args.verify, as_json=args.json)
        return _compact(found) if args.verb == "compact" else _shred(found, args)
    except NoPlace as error:
        print(f"gateway registry {args.verb}: {error}", file=sys.stderr)
        return 2
    except (YamlProblems, RegistryUnavailable) as error:
        print(error, file=sys.stderr)
        return 1


def _list(found: list[Shelf], *, verify: bool, as_json: bool) -> int:
    surveys, problems = _surveyed(found, verify=verify)
    if as_json:
        rows = [asdict(one) | {"until": moment_text(one.until_ms)} for one in surveys]
        print(json.dumps({"folders": rows, "problems": problems}, indent=2))
    else:
        for one in surveys:
            print(_line(one))
        if not surveys:
            print("nothing is kept", file=sys.stderr)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _surveyed(found: list[Shelf], *, verify: bool) -> tuple[list[Survey], list[str]]:
    surveys: list[Survey] = []
    problems: list[str] = []
    for shelf in found:
        try:
            surveys.append(survey(shelf, verify=verify))
            problems += surveys[-1].problems
        except RegistryUnavailable as error:
            problems.append(str(error))
    return surveys, problems


def _line(one: Survey) -> str:
    state = "shredded" if one.shredded else f"{one.segments} sorted, {one.logs} to sort"
    return (
        f"{one.instance}/{one.epoch}: {one.answers:,} answers, {one.size / 1e6:,.1f} MB, {state}; "
        f"until {moment_text(one.until_ms)}"
    )


def _compact(found: list[Shelf]) -> int:
    problems = 0
    for shelf in found:
        try:
            for done in compact(shelf, SystemClock().now_ms()):
                size = f"{done.log_bytes / 1e6:,.1f} to {done.segment_bytes / 1e6:,.1f} MB"
                print(f"{shelf.name}/{done.stem}: {done.documents:,} answers, {size}")
                if done.torn:
                    print(f"{shelf.name}/{done.stem}: its end is damaged; the log is kept beside", file=sys.stderr)
                    problems += 1
        except RegistryUnavailable as error:
            print(error, file=sys.stderr)
            problems += 1
        except ModuleNotFoundError as error:
            if error.name != "numpy":
                raise
            print(f"gateway registry compact: {NO_NUMPY}", file=sys.stderr)
            return 2
    return 1 if problems else 0


def _shred(found: list[Shelf], args: argparse.Namespace) -> int:
    chosen = [one for one in found if one.epoch == args.epoch and args.instance in (None, one.instance)]
    if not chosen:
        print(f"gateway registry shred: no folder of epoch {args.epoch}", file=sys.stderr)
        return 2
    if not args.yes:
        for shelf in chosen:
            print(f"would be forgotten for good: {_line(survey(shelf))}")
        print("gateway registry shred: nothing was done; say --yes to do it", file=sys.stderr)
        return 2
    problems = 0
    for shelf in chosen:
        try:
            shred(shelf)
            print(f"{shelf.name}: shredded")
        except RegistryUnavailable as error:
            print(error, file=sys.stderr)
            problems += 1
    return 1 if problems else 0
