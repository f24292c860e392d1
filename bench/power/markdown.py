"""Figures as Markdown."""

from collections.abc import Iterable, Sequence
from typing import Final

from bench.power.draws import Shown
from bench.power.generate import Cache
from bench.power.plan import CODE, TEMPERATURES, UNMARKED, Cell
from bench.power.quality import quality, ratio

COLUMNS: Final = (200, 400, 800, 1600, 3200, 6400)
"""Tokens that tables by length have."""
LABEL: Final = ["T", "entries", "strength"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def short(alpha: float) -> str:
    """1e-6."""
    return f"{alpha:.0e}".replace("e-0", "e-")


def label(cell: Cell) -> list[str]:
    return [f"{cell.temperature:g}", f"{cell.entries:,}", f"{cell.strength:g}"]


def by_length(found: Sequence[Shown]) -> dict[int, Shown]:
    return {shown.tokens: shown for shown in found}


class Kept:
    """The quality of every cell, and perplexity ratios against the unmarked cell of the same kind."""

    def __init__(self, cache: Cache, cells: Iterable[Cell]) -> None:
        self._rows = {cell: cache.read(cell) for cell in cells}
        self.quality = {cell: quality(rows) for cell, rows in self._rows.items()}

    def ratio(self, cell: Cell) -> tuple[float, float, float]:
        unmarked = CODE[0] if cell.kind == "code" else UNMARKED[list(TEMPERATURES).index(cell.temperature)]
        return ratio(self._rows[cell], self._rows.get(unmarked, []))

    def ratio_text(self, cell: Cell) -> str:
        if not cell.strength:
            return "1"
        middle, low, high = self.ratio(cell)
        return f"{middle:.2f} ({low:.2f} to {high:.2f})"
