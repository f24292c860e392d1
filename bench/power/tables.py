"""All figures as tables of a page, each by the name under which the page holds it."""

from typing import Final

from bench.power.cost_tables import choices_table, code_table, edits_table, foreseen_table, quality_table, weights_table
from bench.power.evaluate import Read, foreign_keys, power
from bench.power.generate import Cache
from bench.power.markdown import Kept
from bench.power.plan import MARKED, UNMARKED, Cell
from bench.power.shown_tables import (
    foreign_table,
    goals_table,
    layers_table,
    power_table,
    stated_table,
    uplift_table,
    z_table,
)

_T1: Final = MARKED[:4]


def tables(cache: Cache, cells: dict[Cell, Read]) -> dict[str, str]:
    """Every table by its name. Cells without texts are left out."""
    marked = [cell for cell in MARKED if cell in cells]
    first = [cells[cell] for cell in _T1 if cell in cells]
    found = {cell: power(cells[cell], cells[cell].pairs) for cell in marked}
    kept = Kept(cache, cells)
    return {
        "power": power_table(found),
        "z": z_table(found),
        "goals": goals_table(found, kept),
        "layers": layers_table(first),
        "uplift": uplift_table([cells[cell] for cell in marked]),
        "stated": stated_table([cells[cell] for cell in marked]),
        "foreign": foreign_table(foreign_keys([read for cell, read in cells.items() if cell.kind == "prose"])),
        "quality": quality_table(kept, [*UNMARKED, *MARKED]),
        "edits": edits_table(first, cache),
        "weights": weights_table(first),
        "foreseen": foreseen_table(cache),
        "choices": choices_table(cells, kept),
        "code": code_table(kept, cells),
    }
