"""What the shipped lexicons find of texts that they were written without, and the tables of it in docs/lexicons.md.

`python -m tests.support.lexicon_report` writes the tables anew; it needs the corpora.
"""

import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

from gateway.texts.index import TextIndex
from gateway.texts.lexicons import LEXICONS
from tests.support.corpora import BENIGN, LEXICON_KINDS, held_out, rows, trial, turns
from tests.support.markdown import ROOT

PAGE = ROOT / "docs" / "lexicons.md"
MARKS = ("<!-- lexicons: begin -->", "<!-- lexicons: end -->")

Counts = Mapping[str, tuple[int, int]]
"""Found and all, by name."""


@cache
def _index(name: str) -> TextIndex:
    return TextIndex(LEXICONS[name])


def found(name: str, text: str) -> bool:
    return bool(_index(name).search(text).indices)


def _counts(outcomes: Iterator[tuple[str, bool]]) -> Counts:
    hits, number = Counter(), Counter()
    for key, hit in outcomes:
        number[key] += 1
        hits[key] += hit
    return {key: (hits[key], number[key]) for key in sorted(number)}


@cache
def recall(name: str) -> Counts:
    """Of the rows that were held out, by trial."""
    kind = LEXICON_KINDS[name]
    return _counts((trial(kind, row), found(name, row["text"])) for row in rows(kind) if held_out(kind, row))


@cache
def benign(name: str) -> Counts:
    """Of the user turns in every second row, by corpus. The words were written with the other rows in sight."""
    return _counts(
        (corpus, found(name, text)) for corpus in BENIGN for row in rows(corpus)[1::2] for text, _ in turns(row)
    )


@cache
def elsewhere(name: str) -> Counts:
    """Of the rows of the other kinds, by kind."""
    kinds = [kind for lexicon, kind in LEXICON_KINDS.items() if lexicon != name]
    return _counts((kind, found(name, row["text"])) for kind in kinds for row in rows(kind) if held_out(kind, row))


def total(counts: Counts) -> tuple[int, int]:
    return sum(hits for hits, _ in counts.values()), sum(number for _, number in counts.values())


def wilson(hits: int, number: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % score interval (Wilson 1927) of a share."""
    share, square = hits / number, z * z / number
    middle = (share + square / 2) / (1 + square)
    reach = z / (1 + square) * math.sqrt(share * (1 - share) / number + square / number / 4)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _share(hits: int, number: int) -> str:
    return f"{hits:,} of {number:,} | {_interval(hits, number)}"


def _interval(hits: int, number: int) -> str:
    low, high = wilson(hits, number)
    return f"{100 * hits / number:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def text() -> str:
    """What stands between the marks."""
    lines = [
        "### Held-out rows of its own kind",
        "",
        "| lexicon | trial | found | share (interval) |",
        "|---|---|---:|---:|",
    ]
    for name in LEXICONS:
        lines += [f"| `{name}` | {key} | {_share(*counts)} |" for key, counts in recall(name).items()]
        lines.append(f"| `{name}` | **all** | {_share(*total(recall(name)))} |")
    head = f"| {' | '.join(f'`{name}`' for name in LEXICONS)} |"
    rule = f"|{'---:|' * len(LEXICONS)}"
    lines += ["", "### Ordinary turns", "", f"| corpus | turns {head}", f"|---|---:{rule}"]
    for corpus in sorted(BENIGN):
        cells = [benign(name)[corpus] for name in LEXICONS]
        lines.append(
            f"| `{corpus}` | {cells[0][1]:,} | {' | '.join(f'{hits}: {_interval(hits, n)}' for hits, n in cells)} |"
        )
    cells = [total(benign(name)) for name in LEXICONS]
    lines.append(f"| **all** | {cells[0][1]:,} | {' | '.join(f'{hits}: {_interval(hits, n)}' for hits, n in cells)} |")
    lines += [
        "",
        "### Held-out rows of the other kinds",
        "",
        "| lexicon | kind | found | share (interval) |",
        "|---|---|---:|---:|",
    ]
    for name in LEXICONS:
        lines += [f"| `{name}` | `{key}` | {_share(*counts)} |" for key, counts in elsewhere(name).items()]
    return "\n".join(lines)


def main() -> int:
    page = PAGE.read_text()
    begin, end = (page.index(mark) for mark in MARKS)
    PAGE.write_text(f"{page[: begin + len(MARKS[0])]}\n\n{text()}\n\n{page[end:]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
