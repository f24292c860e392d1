"""Many texts, examined: each alone, and all together.

Two ways to be named, each with half of alpha: by a document alone, corrected for all documents; or by the pool of all
documents, which is one text. Beside them every document has a q-value, for estimates and tables, which names nobody.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from gateway.forensics.document import Examined, examine
from gateway.forensics.duplicates import Duplicates, sketch
from gateway.forensics.false_discovery import log_q_values
from gateway.forensics.identity import set_digest, text_digest
from gateway.forensics.inputs import Document
from gateway.forensics.looks import Readings, Seen, look_at, readings
from gateway.forensics.outcome import Hit, Outcome, best_hit, conclude, even_power
from gateway.forensics.pool import Pool
from gateway.forensics.question import Question
from gateway.watermarks.correction import Tried
from gateway.watermarks.intervals import interval
from gateway.watermarks.verdict import Name
from gateway.watermarks.words import read_words

BATCH: Final = 1024
"""Documents that are scored together."""
SHARE_Q: Final = 0.01
"""A document counts as marked, in the estimate of their share, from this q on."""


@dataclass(frozen=True, slots=True)
class Row:
    """One document. `hit` is its most surprising hypothesis, corrected for this document alone."""

    name: str
    sha256: str
    words: int
    scored: int
    dropped: int
    hit: Hit
    log_q: float
    outcome: Outcome
    """With the correction for all documents."""


@dataclass(frozen=True, slots=True)
class CorpusExamined:
    """A corpus and what came of it."""

    sha256: str
    characters: int
    rows: tuple[Row, ...]
    duplicates: tuple[tuple[str, str], ...]
    """(name, name of the earlier document that it nearly repeats): left out before anything was scored."""
    pooled: Examined
    pooled_documents: int
    tried: Tried
    """For each document."""
    marked: int
    share: tuple[float, float]
    """The 95 % interval of the share of documents that are marked (q ≤ SHARE_Q)."""
    outcome: Outcome


class _Fresh(NamedTuple):
    """A document that was read and is not scored yet. Its text is let go of."""

    document: Document
    sha256: str
    readings: Readings


@dataclass(frozen=True, slots=True)
class _Read:
    document: Document
    sha256: str
    seen: Seen


def examine_corpus(
    documents: Iterable[Document],
    question: Question,
    runs: Callable[[str], int],
    progress: Callable[[int], None] = lambda _: None,
) -> CorpusExamined | None:
    """Examine all documents; None where there is none. `runs` gets the digest of the set, `progress` characters.

    Memory: about 2 KB a document, and the pool.
    """
    pool, known = Pool(), Duplicates()
    names: list[str] = []
    digests: list[str] = []
    duplicates: list[tuple[str, str]] = []
    read: list[_Read] = []
    characters = 0

    def fresh() -> Iterator[_Fresh]:
        nonlocal characters
        for document in documents:
            digest = text_digest(document.original)
            digests.append(digest)
            names.append(document.name)
            characters += len(document.original)
            progress(len(document.original))
            prose = read_words(document.text)
            original = known.original_of(len(names) - 1, sketch(prose.words))
            if original is not None:
                duplicates.append((document.name, names[original]))
                continue
            pool.add(digest, document.text)
            yield _Fresh(document.bare(), digest, readings(document.text, question, prose))

    for batch in _batches(fresh()):
        seen = look_at([one.readings for one in batch], question, best=1)
        read += [_Read(one.document, one.sha256, found) for one, found in zip(batch, seen, strict=True)]
        batch.clear()  # else two would be held: this one, and the next while it is read
    if not read:
        return None
    whole = set_digest(digests)
    count = runs(whole)
    pooled = examine("all documents together", pool.text(), question, lambda _: count, shares=2)
    tried = question.tried(windows=2 * len(read), runs=count)
    rows = _rows(read, question, tried, question.tried(runs=count))
    marked = sum(row.log_q <= math.log(SHARE_Q) for row in rows)
    return CorpusExamined(
        sha256=whole,
        characters=characters,
        rows=rows,
        duplicates=tuple(duplicates),
        pooled=pooled,
        pooled_documents=len(pool),
        tried=tried,
        marked=marked,
        share=interval(marked, len(rows)),
        outcome=_together(pooled.outcome, [row.outcome for row in rows]),
    )


def _batches(documents: Iterator[_Fresh]) -> Iterator[list[_Fresh]]:
    while batch := list(islice(documents, BATCH)):
        yield batch


def _rows(read: list[_Read], question: Question, tried: Tried, alone: Tried) -> tuple[Row, ...]:
    best = [best_hit(one.seen.looks, alone) for one in read]
    rules = question.rules
    log_q = log_q_values([hit.log_p for hit in best])
    return tuple(
        Row(
            name=one.document.name,
            sha256=one.sha256,
            words=one.seen.words,
            scored=one.seen.scored,
            dropped=one.document.dropped,
            hit=hit,
            log_q=q,
            outcome=conclude(one.seen.looks, tried, rules, even_power(one.seen.looks, tried, rules)),
        )
        for one, hit, q in zip(read, best, log_q, strict=True)
    )


def _together(pooled: Outcome, documents: list[Outcome]) -> Outcome:
    """One outcome of all. Whoever fires in any text is named; where nobody does, the pool speaks."""
    all_of_them = [pooled, *documents]
    accounts = _first_of_each(hit for one in all_of_them for hit in one.accounts)
    clusters = _first_of_each(hit for one in all_of_them for hit in one.clusters)
    provider = min((one.provider for one in all_of_them if one.provider), key=lambda hit: hit.log_p, default=None)
    broken = next((one for one in all_of_them if one.reason in ("decoys_disagree", "decoy_fired")), None)
    if broken is not None:
        return Outcome("inconclusive", broken.reason, (), None, (), pooled.power)
    if accounts:
        name: Name = "attributed" if len(accounts) == 1 else "several_accounts"
        return Outcome(name, "fired", accounts, provider, clusters, pooled.power)
    if provider or clusters:
        return Outcome("provider_marked", "fired", (), provider, clusters, pooled.power)
    return pooled


def _first_of_each(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    best: dict[str, Hit] = {}
    for hit in sorted(hits, key=lambda one: one.log_p):
        best.setdefault(hit.name, hit)
    return tuple(best.values())
