"""The part of a report that is for the forensic role: scores, decoys, runners-up, windows, every document's p."""

import math
from collections import Counter
from typing import Any, Final

from gateway.forensics.corpus import CorpusExamined, Row
from gateway.forensics.document import Examined, WindowFound
from gateway.forensics.looks import Look
from gateway.forensics.outcome import Hit
from gateway.forensics.question import Question
from gateway.watermarks.score import Score, log10_text
from gateway.watermarks.verdict import Finding, Leader, Verdict

MOST_ROWS: Final = 10_000
"""Documents with the smallest p that are listed."""
BIN: Final = 0.25
"""Width of a bar of the decoys' histogram, in z."""


def document_scores(result: Examined, question: Question) -> dict[str, Any]:
    """Of one text."""
    pairs = zip(result.seen.looks, result.verdicts, strict=True)
    return {
        "threshold_z": round(result.tried.least_z(question.rules.alpha), 4),
        "looks": [_look(look, verdict) for look, verdict in pairs],
        "windows": [_window(found) for found in result.windows],
    }


def corpus_scores(result: CorpusExamined, question: Question) -> dict[str, Any]:
    """Of many: the pool as one text, and a row for each document."""
    looks = zip(result.pooled.seen.looks, result.pooled.verdicts, strict=True)
    rows = sorted(result.rows, key=lambda row: row.hit.log_p)
    return {
        "threshold_z": round(result.pooled.tried.least_z(question.rules.alpha), 4),
        "pooled": [_look(look, verdict) for look, verdict in looks],
        "documents": [_row(row) for row in rows[:MOST_ROWS]],
        "near_duplicates": [{"document": one, "of": other} for one, other in result.duplicates[:MOST_ROWS]],
    }


def _look(look: Look, verdict: Verdict) -> dict[str, Any]:
    return {
        "epoch": look.era.epoch,
        "family": look.era.family,
        "list": look.list_index,
        "units": look.units,
        "sum_of_squares": look.squares,
        "verdict": verdict.name,
        "reason": verdict.reason,
        "margin_z": None if verdict.margin_z is None else round(verdict.margin_z, 4),
        "leaders": [_leader(leader) for leader in verdict.leaders],
        "provider": None if verdict.provider is None else _score(verdict.provider.score) | _corrected(verdict.provider),
        "clusters": [{"cluster": cluster.name} | _score(score) for cluster, score in look.clusters],
        "decoys": {
            "count": look.decoys.count,
            "z_sd": round(look.spread, 4),
            "best_z": round(Score(look.decoys.best, look.squares).z, 4),
            "histogram": _histogram(look),
        },
    }


def _leader(leader: Leader) -> dict[str, Any]:
    low, high = leader.decoy_share
    tail = leader.tail
    return {
        "account": leader.finding.name,
        **_score(leader.finding.score),
        **_corrected(leader.finding),
        "tail": {"method": tail.method, "p": None if tail.log_p is None else _tail(tail.log_p)},
        "decoy_rank_p": round(leader.rank_p, 8),
        "decoy_share_95": [round(low, 8), round(high, 8)],
    }


def _tail(log_p: float) -> str:
    return "0" if math.isinf(log_p) else log10_text(log_p)


def _score(score: Score) -> dict[str, Any]:
    return {"score": score.total, "z": round(score.z, 4), "bound_p": log10_text(score.log_bound)}


def _corrected(finding: Finding) -> dict[str, Any]:
    return {"corrected_p": log10_text(finding.log_p), "fires": finding.fires}


def _hit(hit: Hit) -> dict[str, Any]:
    name = {"account": hit.name, "roll": hit.roll} if hit.kind == "account" else {hit.kind: hit.name or True}
    place = {"epoch": hit.epoch, "family": hit.family, "list": hit.list_index}
    return name | place | _score(hit.score) | {"corrected_p": log10_text(hit.log_p)}


def _window(found: WindowFound) -> dict[str, Any]:
    return {"from_word": found.window.begin, "to_word": found.window.end, "fires": found.fires} | _hit(found.hit)


def _row(row: Row) -> dict[str, Any]:
    sizes = {"sha256": row.sha256, "words": row.words, "scored": row.scored, "q": log10_text(row.log_q)}
    return {"document": row.name, "verdict": row.outcome.name, **sizes, "best": _hit(row.hit)}


def _histogram(look: Look) -> list[list[float]]:
    """[from z, decoys], for bars BIN wide that hold any."""
    if not look.squares:
        return []
    root = math.sqrt(look.squares)
    counted = Counter(math.floor(score / root / BIN) for score in look.decoys.scores)
    return [[at * BIN, counted[at]] for at in sorted(counted)]
