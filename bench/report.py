"""Tables, in Markdown that reads well unrendered."""

from collections.abc import Sequence

from bench.statistics import lower_quartile, median


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column is a name, the others are numbers."""
    widths = [max(len(row[index]) for row in (header, *rows)) for index in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [cell.ljust(width) if index == 0 else cell.rjust(width) for index, (cell, width) in enumerate(
            zip(cells, widths, strict=True))]  # fmt: skip
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (width + 2) if index == 0 else "-" * (width + 1) + ":" for index, width in enumerate(
        widths)) + "|"  # fmt: skip
    return "\n".join([title, "", line(header), rule, *map(line, rows), ""])


def spread(values: Sequence[float]) -> str:
    """Best / lower quartile / median of the windows."""
    return " / ".join(f"{value:.1f}" for value in (min(values), lower_quartile(values), median(values)))


def ratio(values: Sequence[float], base: Sequence[float]) -> str:
    """Between the lower quartiles of two targets that took turns."""
    return f"{lower_quartile(values) / lower_quartile(base):.2f}×"
