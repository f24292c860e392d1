"""One run of the detector: what the flags name is read, the run is written to the ledger, and then the result shown."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from typing import Any, Final

from gateway.cli.forensic_access import Access, Refused, access_of
from gateway.cli.progress import Progress
from gateway.cli.watermark_evidence import Done, write
from gateway.cli.watermark_lookup import EXCLUDE, lookup_in, registries
from gateway.core.clock import Clock
from gateway.forensics.clusters import BadClusters, Declared, read_clusters
from gateway.forensics.corpus import CorpusExamined, examine_corpus
from gateway.forensics.corroboration import section
from gateway.forensics.document import Examined, examine
from gateway.forensics.fingerprints import Lookup
from gateway.forensics.html import html
from gateway.forensics.inputs import CORPUS_SUFFIXES, BadInput, Document, Source, documents, found, read_text
from gateway.forensics.load import Loaded, NothingToTest, load_eras
from gateway.forensics.page import page, plain
from gateway.forensics.prompt import grams_of
from gateway.forensics.question import Question
from gateway.forensics.report import Context, report_of
from gateway.forensics.runs import BadLedger, Ledger, Run
from gateway.forensics.suspects import BadAccounts, read_suspects
from gateway.registry.shelf import RegistryUnavailable
from gateway.watermarks.epochs import BadCommitment
from gateway.watermarks.moments import moment_text
from gateway.watermarks.secret import BadSecret
from gateway.watermarks.verdict import Rules
from gateway.yamlio import YamlProblems

EXITS: Final = {"attributed": 10, "several_accounts": 10, "provider_marked": 11, "inconclusive": 12, "none": 13}
"""Exit statuses with --exit-code."""
MOST_NAMED: Final = 100
"""Accounts that the ledger names for a run."""


class Unusable(Exception):  # noqa: N818 - wrong usage or the state of the world
    """Why there is no verdict, and the exit status: 1 for what cannot be read, 2 for wrong usage."""

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def explained() -> Iterator[None]:
    """What can go wrong, as one line and an exit status."""
    try:
        yield
    except Refused as error:
        raise Unusable(str(error)) from None
    except (BadInput, BadClusters, BadAccounts, BadLedger, BadSecret, BadCommitment, YamlProblems) as error:
        raise Unusable(str(error), 1) from None
    except RegistryUnavailable as error:
        raise Unusable(f"{error}: put it right, or leave it out with --no-registry", 1) from None
    except NothingToTest as error:
        raise Unusable(str(error)) from None
    except OSError as error:
        raise Unusable(f"{error.filename or ''}: {error.strerror}", 1) from None


def detect(args: argparse.Namespace, clock: Clock) -> int:
    """Run it. Raises Unusable."""
    with explained():
        access = access_of(args)
        scores = _may_see(args, access)
        sources = found(args.paths)
        corpus = len(sources) > 1 or sources[0].path.suffix in CORPUS_SUFFIXES
        if corpus and args.windows:
            raise Refused("--windows is for one text")
        _free(args)
        prompt = None if args.prompt is None else read_text(args.prompt)
        now_ms = clock.now_ms()
        lookup = _lookup(args, access, prompt, now_ms)
        declared = None if args.clusters is None else read_clusters(args.clusters)
        loaded = _loaded(args, access, now_ms)
        question = _question(args, loaded, declared)
        ledger = Ledger(access.holdings.directory)
        result, text = _examined(args, question, ledger, sources, prompt, lookup=lookup, corpus=corpus)
        registry, problems = None, []
        if lookup is not None:
            served = lookup.found()
            registry = section(served, result.outcome.names, details=scores, corpus=corpus)
            problems = served.searched.problems
        context = Context(
            made_at=moment_text(now_ms),
            by=access.by,
            heads=loaded.heads,
            notes=loaded.notes,
            declared=declared,
            prompt_sha256=None if prompt is None else sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest(),
            suspects_given=args.accounts is not None,
        )
        # Before anything is shown: a result that was seen was counted.
        ledger.add(_run(result, question, context), result.tried.runs - 1 - args.runs)
        report = report_of(result, question, context, scores=scores, registry=registry)
        _write(args, Done(access, question, result, report, declared, text, prompt))
    for problem in problems:
        print(plain(problem), file=sys.stderr)
    print(json.dumps(report, indent=1) if args.json else page(report), end="\n" if args.json else "")
    return EXITS[result.outcome.name] if args.exit_code else 0


def _may_see(args: argparse.Namespace, access: Access) -> bool:
    wanted = args.scores or args.bundle is not None
    if wanted and not access.forensic:
        flag = "--scores" if args.scores else "--bundle"
        raise Refused(
            f"{flag} is for admins with the role forensic: set GATEWAY_ADMIN_TOKEN or GATEWAY_ADMIN_TOKEN_FILE"
        )
    if args.include_text and args.bundle is None:
        raise Refused("--include-text belongs to --bundle")
    return bool(wanted)


def _free(args: argparse.Namespace) -> None:
    """A run counts even if its result cannot be written, so this is looked at first."""
    if args.bundle is not None and args.bundle.exists():
        raise Refused(f"{args.bundle}: exists; evidence is not overwritten")
    for path in (args.bundle, args.html):
        if path is not None and not path.absolute().parent.is_dir():
            raise Refused(f"{path}: its folder does not exist")


def _lookup(args: argparse.Namespace, access: Access, prompt: str | None, now_ms: int) -> Lookup | None:
    if args.no_registry:
        if args.registry:
            raise Refused(EXCLUDE)
        return None
    folders = registries(args.registry, access.holdings.directory)
    return lookup_in(folders, access.holdings.master, prompt, now_ms)


def _loaded(args: argparse.Namespace, access: Access, now_ms: int) -> Loaded:
    epochs = args.epoch or [epoch.id for epoch in access.epochs if epoch.from_ms <= now_ms]
    families = args.family or list(access.holdings.tables)
    if not epochs:
        raise Refused("no epoch has begun: name one with --epoch" if access.epochs else "--secret-file needs --epoch")
    known = {epoch.id for epoch in access.epochs}
    for epoch in epochs if known else ():
        if epoch not in known:
            raise Refused(f"the settings have no epoch {epoch}")
    for family in families:
        if family not in access.holdings.tables:
            raise Refused(f"no pair table for the model family {family}")
    if not families:
        raise Refused("no pair table: watermark.tables in the settings, or --table")
    suspects = None if args.accounts is None else read_suspects(args.accounts, access.rolls)
    return load_eras(access.holdings, list(dict.fromkeys(epochs)), list(dict.fromkeys(families)), suspects)


def _question(args: argparse.Namespace, loaded: Loaded, declared: Declared | None) -> Question:
    try:
        rules = Rules(alpha=args.alpha, uplift=args.uplift)
        if args.runs < 0:
            raise Refused("--runs is a count")
        return Question(loaded.eras, declared.clusters if declared else (), rules)
    except ValueError as error:
        raise Refused(str(error)) from None


def _examined(
    args: argparse.Namespace,
    question: Question,
    ledger: Ledger,
    sources: Sequence[Source],
    prompt: str | None,
    *,
    lookup: Lookup | None,
    corpus: bool,
) -> tuple[Examined | CorpusExamined, str | None]:
    """What came of it, and the text itself where there is one."""

    def runs(digest: str) -> int:
        return 1 + int(args.runs) + ledger.earlier(digest, question.keys)

    texts = documents(sources, args.field, frozenset() if prompt is None else grams_of(prompt))
    texts = texts if lookup is None else lookup.watching(texts)
    if corpus:
        return _corpus(texts, question, runs, sources), None
    one = next(texts)
    result = examine(
        one.name, one.text, question, runs, windows=args.windows, original=one.original, dropped=one.dropped
    )
    return result, one.original


def _corpus(texts: Iterator[Document], question: Question, runs: Any, sources: Sequence[Source]) -> CorpusExamined:
    # Characters for bytes: the bar of a corpus that is not English runs a little slow.
    progress = Progress(sum(source.path.stat().st_size for source in sources if source.path.is_file()))
    try:
        result = examine_corpus(texts, question, runs, progress.add)
    finally:
        progress.end()
    if result is None:
        raise BadInput("the corpus holds no text")
    return result


def _run(result: Examined | CorpusExamined, question: Question, context: Context) -> Run:
    return Run(
        at=context.made_at,
        by=context.by,
        input=result.words_sha256 if isinstance(result, Examined) else result.sha256,
        keys=tuple(sorted(question.keys)),
        tried=asdict(result.tried),
        verdict=result.outcome.name,
        accounts=tuple(hit.name for hit in result.outcome.accounts[:MOST_NAMED]),
    )


def _write(args: argparse.Namespace, done: Done) -> None:
    if args.html is not None:
        args.html.write_text(html(done.report), encoding="utf-8", errors="backslashreplace")
        print(f"page: {plain(str(args.html))}", file=sys.stderr)
    if args.bundle is not None:
        write(args, done)
        print(f"evidence: {plain(str(args.bundle))}", file=sys.stderr)
