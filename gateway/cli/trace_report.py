"""What `gateway trace` prints: lines for people, and all of it as JSON."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.forensics.page import plain
from gateway.registry.search import Searched
from gateway.registry.trace import Holder, Query, Source, Trace
from gateway.registry.units import WORD
from gateway.watermarks.moments import moment_text

FORMAT: Final = 1
_EXCERPT: Final = 160
"""Characters of a run that are shown."""


@dataclass(frozen=True, slots=True)
class TextTrace:
    """A text and what the registry says of it."""

    name: str
    query: Query
    trace: Trace


def lines(traced: Sequence[TextTrace], searched: Searched, top: int) -> Iterator[str]:
    """For people. Names lose what would move a terminal's cursor."""
    for one in traced:
        yield from map(plain, _text_lines(one, max(1, top)))
    if len(traced) > 1:
        yield from map(plain, _account_lines(traced, max(1, top)))
    folders = f"{len(searched.shelves)} folder{'' if len(searched.shelves) == 1 else 's'}"
    yield f"searched: {searched.documents:,} answers in {folders}"
    if any(one.trace.holders for one in traced):
        yield "This says who was served the text, not who published it."
    if searched.shredded:
        yield f"shredded, so nothing can be found there: {', '.join(searched.shredded)}"


def _text_lines(one: TextTrace, top: int) -> Iterator[str]:
    trace = one.trace
    served = f"served to {len(trace.holders)} account{'' if len(trace.holders) == 1 else 's'}"
    yield f"{one.name}: {trace.words} words, {served if trace.holders else 'no account found'}"
    if trace.holders:
        yield f"  {'account':<24} {'answers':>7} {'rare grams':>10} {'longest run':>11}  first served"
    for holder in trace.holders[:top]:
        yield (
            f"  {holder.account:<24} {len(holder.sources):>7} {holder.rare:>10} {_words(holder):>11}  "
            f"{moment_text(holder.first_issued_ms)}"
        )
        best = holder.sources[0]
        yield f"    {best.document.id}  {best.document.model}  {best.instance}/{best.epoch}"
    if trace.holders:
        run = max(trace.holders, key=_words).run
        yield f'  longest run: "{_cut(one.query.words_of(run))}"'
    if len(trace.holders) > top:
        yield f"  and {len(trace.holders) - top} more accounts: --top, --json"
    if trace.below:
        yield f"  {trace.below} answers share a few words, too few to count"


def _account_lines(traced: Sequence[TextTrace], top: int) -> Iterator[str]:
    pooled = _pooled(traced)
    served = sum(bool(one.trace.holders) for one in traced)
    yield f"all texts: {served} of {len(traced)} served to {len(pooled)} accounts"
    for row in pooled[:top]:
        counts = f"texts {row['texts']:>5}  answers {row['answers']:>5}  rare grams {row['rare_grams']:>6}"
        yield f"  {row['account']:<24} {counts}  first served {row['first_served']}"
    if len(pooled) > top:
        yield f"  and {len(pooled) - top} more accounts: --top, --json"


def as_json(traced: Sequence[TextTrace], searched: Searched) -> dict[str, Any]:
    """Every account and every answer."""
    return {
        "format": FORMAT,
        "searched": {
            "answers": searched.documents,
            "folders": searched.shelves,
            "shredded": searched.shredded,
            "problems": searched.problems,
        },
        "texts": [
            {
                "name": one.name,
                "words": one.trace.words,
                "grams": one.trace.grams,
                "holders": [_holder(one.query, holder) for holder in one.trace.holders],
                "below_threshold": one.trace.below,
            }
            for one in traced
        ],
        "accounts": _pooled(traced),
    }


def _holder(query: Query, holder: Holder) -> dict[str, Any]:
    return {
        "account": holder.account,
        "answers": len(holder.sources),
        "rare_grams": holder.rare,
        "grams": holder.grams,
        "first_served": moment_text(holder.first_issued_ms),
        "longest_run": {"words": _words(holder), "text": query.words_of(holder.run)},
        "sources": [_source(source) for source in holder.sources],
    }


def _source(source: Source) -> dict[str, Any]:
    document = source.document
    return {
        "request": document.id,
        "family": document.family,
        "model": document.model,
        "served_at": moment_text(document.issued_ms),
        "words": document.words,
        "instance": source.instance,
        "epoch": source.epoch,
        "rare_grams": len(source.rare),
        "grams": len(source.grams),
        "run_words": source.run.length // WORD,
    }


def _pooled(traced: Sequence[TextTrace]) -> list[dict[str, Any]]:
    """Each account once: the texts that it was served, and the answers they came from."""
    texts: dict[str, int] = defaultdict(int)
    rare: dict[str, int] = defaultdict(int)
    requests: dict[str, set[str]] = defaultdict(set)
    first: dict[str, int] = {}
    for one in traced:
        for holder in one.trace.holders:
            texts[holder.account] += 1
            rare[holder.account] += holder.rare
            requests[holder.account] |= {source.document.id for source in holder.sources}
            began = first.get(holder.account, holder.first_issued_ms)
            first[holder.account] = min(began, holder.first_issued_ms)
    order = sorted(texts, key=lambda account: (-texts[account], -rare[account], account))
    return [
        {
            "account": account,
            "texts": texts[account],
            "answers": len(requests[account]),
            "rare_grams": rare[account],
            "first_served": moment_text(first[account]),
        }
        for account in order
    ]


def _words(holder: Holder) -> int:
    return holder.run.length // WORD


def _cut(text: str) -> str:
    return text if len(text) <= _EXCERPT else text[:_EXCERPT].rpartition(" ")[0] + " …"
