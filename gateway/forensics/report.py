"""The report as plain data, for JSON and for the pages made from it.

Without scores it holds the verdict, the names and their corrected p, what was tested, and the wording. Scores, decoys,
runners-up and windows tell whoever has them how near a text is to firing: with enough tries they would teach how to
wash a mark off. They are for the forensic role.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from gateway import __version__
from gateway.forensics.clusters import Declared
from gateway.forensics.corpus import SHARE_Q, CorpusExamined
from gateway.forensics.corroboration import sentences
from gateway.forensics.document import Examined
from gateway.forensics.outcome import Hit, Outcome
from gateway.forensics.question import Question
from gateway.forensics.scores_report import corpus_scores, document_scores
from gateway.forensics.wording import wording
from gateway.watermarks import words
from gateway.watermarks.correction import Tried
from gateway.watermarks.score import LN10, log10_text

FORMAT: Final = 1
MOST_ROWS: Final = 1000
"""Documents that a report lists by name."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a report says beside the statistics."""

    made_at: str
    by: str
    heads: dict[str, str]
    notes: tuple[str, ...] = ()
    declared: Declared | None = None
    prompt_sha256: str | None = None
    suspects_given: bool = False
    """Whether the accounts came from a list, not from the dated logs."""


def report_of(
    result: Examined | CorpusExamined,
    question: Question,
    context: Context,
    *,
    scores: bool,
    registry: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The whole report. `registry` is what the fingerprints say (`corroboration.section`), if any were searched."""
    tried = result.tried
    document: dict[str, Any] = {
        "format": FORMAT,
        "tool": {"name": "gateway watermark detect", "version": __version__, "words": words.VERSION},
        "made_at": context.made_at,
        "by": context.by,
        "input": _document_input(result) if isinstance(result, Examined) else _corpus_input(result),
        "prompt_sha256": context.prompt_sha256,
        "tested": [_era(question, at) for at in range(len(question.eras))],
        "accounts_from": "list" if context.suspects_given else "account logs",
        "account_logs": context.heads,
        "clusters": _declared(context.declared),
        "tried": _tried(tried),
        "alpha": question.rules.alpha,
        "verdict": verdict_of(result.outcome),
        "power": {
            "uplift": question.rules.uplift,
            "chance": round(result.outcome.power.chance, 6),
            "units": result.outcome.power.units,
            "units_for_half": result.outcome.power.least_units,
        },
        "registry": registry,
        "wording": [*wording(result.outcome, tried), *sentences(registry, result.outcome.names)],
        "notes": list(context.notes),
    }
    if isinstance(result, CorpusExamined):
        document["documents"] = _documents(result)
    if scores and isinstance(result, CorpusExamined):
        document["scores"] = corpus_scores(result, question)
    elif scores and isinstance(result, Examined):
        document["scores"] = document_scores(result, question)
    return document


def verdict_of(outcome: Outcome) -> dict[str, Any]:
    """The verdict and what fired, with corrected p."""
    return {
        "name": outcome.name,
        "reason": outcome.reason,
        "accounts": [{"account": hit.name, "roll": hit.roll} | where(hit) for hit in outcome.accounts],
        "provider": None if outcome.provider is None else where(outcome.provider),
        "clusters": [{"cluster": hit.name} | where(hit) for hit in outcome.clusters],
    }


def where(hit: Hit) -> dict[str, Any]:
    return {"epoch": hit.epoch, "family": hit.family} | p_value(hit.log_p)


def p_value(log_p: float) -> dict[str, Any]:
    """As text, rounded up, and as its decimal logarithm, rounded up: a float would be 0 for the smallest."""
    return {"p": log10_text(log_p), "log10_p": math.ceil(log_p / LN10 * 1000) / 1000 + 0.0}


def _document_input(result: Examined) -> dict[str, Any]:
    return {
        "kind": "document",
        "name": result.name,
        "sha256": result.sha256,
        "words_sha256": result.words_sha256,
        "characters": result.characters,
        "words": result.seen.words,
        "scored": result.seen.scored,
        "dropped_as_prompt": result.dropped,
        "left_out_as_code_or_address": result.seen.left_out,
    }


def _corpus_input(result: CorpusExamined) -> dict[str, Any]:
    return {
        "kind": "corpus",
        "sha256": result.sha256,
        "documents": len(result.rows) + len(result.duplicates),
        "near_duplicates": len(result.duplicates),
        "characters": result.characters,
        "words": sum(row.words for row in result.rows),
        "scored": sum(row.scored for row in result.rows),
        "dropped_as_prompt": sum(row.dropped for row in result.rows),
    }


def _documents(result: CorpusExamined) -> dict[str, Any]:
    fired = [row for row in result.rows if row.outcome.reason == "fired"]
    low, high = result.share
    return {
        "tested": len(result.rows),
        "pooled": result.pooled_documents,
        "pooled_verdict": verdict_of(result.pooled.outcome),
        "marked": {
            "q": SHARE_Q,
            "count": result.marked,
            "share": round(result.marked / len(result.rows), 6),
            "interval_95": [round(low, 6), round(high, 6)],
        },
        "fired": [{"document": row.name} | verdict_of(row.outcome) for row in fired[:MOST_ROWS]],
        "fired_count": len(fired),
    }


def _era(question: Question, at: int) -> dict[str, Any]:
    era = question.eras[at]
    return {
        "epoch": era.epoch,
        "family": era.family,
        "scheme": f"{era.scheme.id}/{era.scheme.version}",
        "lists": era.scheme.lists,
        "accounts": len(era.suspects),
        "decoys": era.keys.decoys,
        "keys": era.key_id,
        "table": era.table,
        "commitment": {"check": era.commitment, "published": era.committed},
    }


def _declared(declared: Declared | None) -> dict[str, Any] | None:
    if declared is None:
        return None
    sizes: Iterable[tuple[str, int]] = ((cluster.name, len(cluster.members)) for cluster in declared.clusters)
    return {"declared": declared.declared, "sha256": declared.sha256, "members": dict(sizes)}


def _tried(tried: Tried) -> dict[str, int]:
    return asdict(tried) | {"total": tried.count}
