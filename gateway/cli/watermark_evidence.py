"""Writes the evidence bundle of a run."""

import argparse
from dataclasses import dataclass
from typing import Any

from gateway import __version__
from gateway.cli.forensic_access import Access
from gateway.forensics.bundle import write_bundle
from gateway.forensics.clusters import Declared
from gateway.forensics.corpus import CorpusExamined
from gateway.forensics.document import Examined
from gateway.forensics.dossier import PROMPT, TEXT, Asked, files_of
from gateway.forensics.question import Question


@dataclass(frozen=True, slots=True)
class Done:
    """A run and all that it was made from."""

    access: Access
    question: Question
    result: Examined | CorpusExamined
    report: dict[str, Any]
    declared: Declared | None
    text: str | None
    """The one text; None for a corpus."""
    prompt: str | None


def write(args: argparse.Namespace, done: Done) -> None:
    """Raises OSError as the disk does."""
    result, holdings = done.result, done.access.holdings
    corpus = isinstance(result, CorpusExamined)
    asked = Asked(corpus=corpus, windows=args.windows, runs=result.tried.runs, field=args.field)
    texts = {TEXT: done.text, PROMPT: done.prompt} if args.include_text else {}
    given = {name: text for name, text in texts.items() if text is not None}
    files = files_of(result, done.report, done.question, holdings, asked, declared=done.declared, texts=given)
    stamp = {"made_at": str(done.report["made_at"]), "by": done.access.by, "version": __version__}
    write_bundle(args.bundle, files, holdings.master, stamp)
