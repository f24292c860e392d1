"""What the mark costs: how likely the unmarked model finds the texts, how long they are, how much they repeat."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from gateway.watermarks.words import read_words

WINDOW: Final = 150
"""Words of a text that are looked at for repetition: shares of longer texts are not comparable."""
RESAMPLED: Final = 400


@dataclass(frozen=True, slots=True)
class Quality:
    """Of a cell. Log-probabilities are the unmarked model's at temperature 1, in nats per token."""

    texts: int
    tokens: float
    """Mean of a text."""
    ended: float
    """Share of texts that ended by themselves."""
    logprob: float
    logprob_error: float
    """Standard error, by resampling texts."""
    distinct: float
    """Different words among the first `WINDOW`, as a share."""
    repeated: float
    """Share of three-word sequences among these that came before."""


def ratio(rows: Sequence[dict[str, Any]], reference: Sequence[dict[str, Any]]) -> tuple[float, float, float]:
    """Perplexity over that of the reference, with its 95 % interval: openings that both have, resampled together."""
    ours, theirs = _by_opening(rows), _by_opening(reference)
    openings = sorted(ours.keys() & theirs.keys())
    rng = Random(0)
    changes = sorted(
        _change(ours, theirs, rng.choices(openings, k=len(openings))) for _ in range(RESAMPLED) if openings
    )
    if not changes:
        return math.nan, math.nan, math.nan
    middle = _change(ours, theirs, openings)
    low, high = changes[round(0.025 * RESAMPLED)], changes[round(0.975 * RESAMPLED) - 1]
    return math.exp(middle), math.exp(low), math.exp(high)


def _by_opening(rows: Sequence[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    out: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        out.setdefault(row["prompt"], []).append(row)
    return out


def _change(
    ours: dict[int, list[dict[str, Any]]], theirs: dict[int, list[dict[str, Any]]], openings: Sequence[int]
) -> float:
    """Nats per token that the reference is ahead."""
    mean_theirs, mean_ours = (
        _mean_logprob([row for opening in openings for row in side[opening]]) for side in (theirs, ours)
    )
    return mean_theirs - mean_ours


def quality(rows: Sequence[dict[str, Any]]) -> Quality:
    """Of the texts of a cell, one at least."""
    rng = Random(0)
    means = [_mean_logprob(rng.choices(rows, k=len(rows))) for _ in range(RESAMPLED)]
    centre = sum(means) / RESAMPLED
    windows = [words[:WINDOW] for row in rows if len(words := read_words(row["text"]).words) >= WINDOW // 2]
    return Quality(
        texts=len(rows),
        tokens=sum(row["tokens"] for row in rows) / len(rows),
        ended=sum(row["finish"] == "stop" for row in rows) / len(rows),
        logprob=_mean_logprob(rows),
        logprob_error=math.sqrt(sum((mean - centre) ** 2 for mean in means) / RESAMPLED),
        distinct=_mean([len({word.lower() for word in words}) / len(words) for words in windows]),
        repeated=_mean([_repeated(words) for words in windows]),
    )


def _mean_logprob(rows: Sequence[dict[str, Any]]) -> float:
    return float(sum(row["logprob"] for row in rows)) / sum(len(row["pieces"]) for row in rows)


def _repeated(words: list[str]) -> float:
    grams = Counter(zip(words, words[1:], words[2:], strict=False))
    return 1 - len(grams) / max(1, grams.total())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
