"""Put tables and plots into the page that tells about them: between `<!-- power: NAME -->` and `<!-- end -->`."""

import re
from pathlib import Path
from typing import Final

from bench.power.evaluate import Read, power
from bench.power.plan import MARKED, Cell
from bench.power.svg import Line, plot

PAGE: Final = Path("docs/watermark-power.md")
IMAGES: Final = Path("docs/img")
_LENGTHS: Final = (200, 400, 800, 1600, 3200, 6400)
_THRESHOLDS: Final = {"1e-3": 3.72, "1e-6": 5.26, "1e-11": 7.12}


def write_page(tables: dict[str, str], page: Path = PAGE) -> None:
    """Raises KeyError where the page asks for a table that there is not."""
    text = page.read_text()
    page.write_text(
        re.sub(
            r"(<!-- power: (\w+) -->\n).*?(<!-- end -->)",
            lambda found: f"{found[1]}\n{tables[found[2]]}\n\n{found[3]}",
            text,
            flags=re.DOTALL,
        )
    )


def write_plots(cells: dict[Cell, Read], images: Path = IMAGES) -> None:
    images.mkdir(exist_ok=True)
    found = {cell: power(cells[cell], cells[cell].pairs, lengths=_LENGTHS) for cell in MARKED if cell in cells}
    for temperature, name in ((1.0, "power-t1.svg"), (0.7, "power-t07.svg")):
        lines = [
            Line(f"{cell.entries:,} × {cell.strength:g}", [(s.tokens, float(s.z.mean())) for s in some])
            for cell, some in found.items()
            if cell.temperature == temperature and len(some) > 1
        ]
        ends = (_LENGTHS[0], max(x for line in lines for x, _ in line.points))
        lines += [Line(f"p = {at}", [(x, z) for x in ends], dashed=True) for at, z in _THRESHOLDS.items()]
        title = f"tokens of answers, T = {temperature:g}"
        (images / name).write_text(plot(lines, title, "mean z of the account", 20))
