"""Put a comparison into the page about performance, between two comments of which nothing else is touched."""

import re
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
PAGE: Final = DOCS / "performance.md"
PLOT: Final = DOCS / "performance.svg"
_SECTION: Final = re.compile(r"(<!-- compare -->\n).*?(<!-- end -->)", re.DOTALL)


def with_section(page: str, section: str) -> str:
    """The page with another section. Raises ValueError where it has no place for one."""
    if len(_SECTION.findall(page)) != 1:
        raise ValueError("the page needs one '<!-- compare -->' and an '<!-- end -->' after it")
    return _SECTION.sub(lambda found: f"{found[1]}\n{section.strip()}\n\n{found[2]}", page)


def section(machine: str, tables: list[str]) -> str:
    """The text between the comments: where it was measured, the plot, the tables."""
    plot = f"![CPU per request of each target, on a logarithmic scale]({PLOT.name})"
    return "\n".join([machine, "", plot, "", *tables])


def write(machine: str, tables: list[str], plot: str) -> None:
    PLOT.write_text(plot)
    PAGE.write_text(with_section(PAGE.read_text(), section(machine, tables)))
