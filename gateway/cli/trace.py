"""`gateway trace`: which accounts were served this text, by the fingerprints that were kept of answers."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.cli.progress import Progress
from gateway.cli.registry_place import NoPlace, add_place_flags, place_of, roots
from gateway.cli.trace_report import TextTrace, as_json, lines
from gateway.forensics.inputs import BadInput, Document, documents, found, read_text
from gateway.forensics.portions import AT_ONCE, CHARS_AT_ONCE, parts
from gateway.registry.search import Searched, search
from gateway.registry.shelf import RegistryUnavailable, Shelf
from gateway.registry.trace import Query
from gateway.watermarks.secret import BadSecret
from gateway.yamlio import YamlProblems

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

FOUND: Final = 10
NOT_FOUND: Final = 13
"""Exit statuses with --check, as those of `gateway watermark detect --exit-code`."""


def add_parser(subparsers: "Subparsers") -> None:
    """Add the verb."""
    verb = subparsers.add_parser(
        "trace",
        help="find the accounts that were served a text",
        description="Find the accounts that were served a text, or each text of a corpus, word by word or lightly "
        "edited. Needs `registry: true` in a policy at the time of the answer.",
        epilog="example: gateway trace leaked.txt --config gateway.yaml",
    )
    verb.add_argument("paths", nargs="+", metavar="PATH", help="text files, folders, *.jsonl; - is standard input")
    verb.add_argument("--field", default="text", metavar="NAME", help="in *.jsonl: the field that holds the text; text")
    verb.add_argument(
        "--prompt", type=Path, metavar="FILE", help="the prompt: what was copied from it is not looked for"
    )
    add_place_flags(verb)
    verb.add_argument("--secret-file", type=Path, metavar="FILE", help="the master secret, without the settings' own")
    verb.add_argument("--top", type=int, default=20, metavar="COUNT", help="accounts that are shown of each text; 20")
    verb.add_argument("--json", action="store_true", help="everything, as one JSON document on standard output")
    verb.add_argument("--check", action="store_true", help="exit with 10 if an account was found, else with 13")


def run(args: argparse.Namespace) -> int:
    """Exit 0 when it ran, whatever it found, with --check 10 or 13; 1: something is not readable, 2: wrong usage."""
    try:
        place = place_of(args)
        root_of = roots(args, place)
        prompt = "" if args.prompt is None else read_text(args.prompt)
        sources = found(args.paths)
        size = sum(source.path.stat().st_size for source in sources if source.path.is_file())
        texts = documents(sources, args.field)
        traced, searched = _traced(texts, prompt, place.shelves(), root_of, size)
    except NoPlace as error:
        print(f"gateway trace: {error}", file=sys.stderr)
        return 2
    except (BadInput, BadSecret, RegistryUnavailable, YamlProblems) as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(as_json(traced, searched), indent=2, ensure_ascii=False))
    else:
        for line in lines(traced, searched, args.top):
            print(line)
    for problem in searched.problems:
        print(problem, file=sys.stderr)
    if searched.problems:
        return 1
    if not args.check:
        return 0
    return FOUND if any(one.trace.holders for one in traced) else NOT_FOUND


def _traced(
    texts: Iterator[Document], prompt: str, shelves: list[Shelf], root_of: Callable[[str], bytes], size: int
) -> tuple[list[TextTrace], Searched]:
    traced: list[TextTrace] = []
    searched = Searched()
    progress = Progress(size)
    try:
        for batch in _batches(texts):
            queries = [Query(one.text, prompt) for one in batch]
            problems = searched.problems
            traces, searched = search(shelves, root_of, queries)
            searched.problems = list(dict.fromkeys([*problems, *searched.problems]))
            traced += map(TextTrace, (one.name for one in batch), queries, traces)
            progress.add(sum(len(one.text) for one in batch))
    finally:
        progress.end()
    return traced, searched


def _batches(texts: Iterator[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    chars = 0
    for one in (part for whole in texts for part in parts(whole)):
        batch.append(one)
        chars += len(one.text)
        if len(batch) >= AT_ONCE or chars >= CHARS_AT_ONCE:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch
