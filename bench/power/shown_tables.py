"""Tables of how well the mark shows."""

from collections.abc import Sequence
from typing import Final

from bench.power.draws import Shown
from bench.power.evaluate import Foreign, Read, power, stated, uplift
from bench.power.markdown import COLUMNS, LABEL, Kept, by_length, label, short, table
from bench.power.plan import MARKED, Cell

ALPHAS: Final = (1e-3, 1e-6, 1e-11)


def power_table(found: dict[Cell, list[Shown]]) -> str:
    rows = []
    for cell, some in found.items():
        lengths = by_length(some)
        shares = (
            " / ".join(f"{100 * lengths[n].share(alpha):.0f}" for alpha in ALPHAS) if n in lengths else "–"
            for n in COLUMNS
        )
        rows.append([*label(cell), f"{lengths[200].independent * 200:,}", *shares])
    return table([*LABEL, "tokens in all", *(f"{n:,}" for n in COLUMNS)], rows)


def z_table(found: dict[Cell, list[Shown]]) -> str:
    rows = []
    for cell, some in found.items():
        lengths = by_length(some)
        cells = (f"{lengths[n].z.mean():.1f} ± {lengths[n].z.std():.1f}" if n in lengths else "–" for n in COLUMNS)
        rows.append([*label(cell), *cells])
    return table([*LABEL, *(f"{n:,}" for n in COLUMNS)], rows)


def goals_table(found: dict[Cell, list[Shown]], kept: Kept) -> str:
    asked = (
        (MARKED[0], 1000, 1e-6, 0.95),
        (MARKED[0], 500, 1e-6, 0.95),
        (MARKED[1], 1000, 1e-6, None),
        (MARKED[2], 1500, 1e-3, 0.90),
        (MARKED[3], 1500, 1e-3, None),
        (MARKED[0], 3000, 1e-11, 0.95),
        (MARKED[2], 3000, 1e-11, None),
    )
    rows = []
    for cell, tokens, alpha, goal in asked:
        shown = by_length(found.get(cell, [])).get(tokens)
        if shown:
            low, high = shown.interval(alpha)
            met = "–" if goal is None else "met" if shown.share(alpha) >= goal else "missed"
            what = f"{cell.entries:,} entries, strength {cell.strength:g}, {tokens:,} tokens, at {short(alpha)}"
            share = f"{100 * shown.share(alpha):.0f} % ({100 * low:.0f} to {100 * high:.0f}; n = {shown.independent})"
            rows.append([what, "–" if goal is None else f"{100 * goal:.0f} %", share, met])
    for cell, goal in ((MARKED[0], 1.10), (MARKED[1], 1.05), (MARKED[2], 1.10), (MARKED[3], 1.05)):
        if cell in kept.quality:
            middle, low, high = kept.ratio(cell)
            what = f"perplexity ratio, {cell.entries:,} entries, strength {cell.strength:g}"
            met = "met" if high <= goal else "missed" if low > goal else "not decided"
            rows.append([what, f"≤ {goal:.2f}", f"{middle:.2f} ({low:.2f} to {high:.2f})", met])
    return table(["goal, T = 1", "asked", "measured (95 % interval)", ""], rows)


def layers_table(reads: Sequence[Read]) -> str:
    rows = []
    for read in reads:
        for name in ("account", "provider"):
            lengths = by_length(power(read, read.layer(name), lengths=COLUMNS))
            cells = (f"{lengths[n].z.mean():.1f}" if n in lengths else "–" for n in COLUMNS)
            rows.append([*label(read.cell), name, *cells])
    return table([*LABEL, "layer", *(f"{n:,}" for n in COLUMNS)], rows)


def uplift_table(reads: Sequence[Read]) -> str:
    rows = []
    for read in reads:
        cells = (f"{lean:.2f} ({units})" if units else "–" for lean, units in (uplift(read, n) for n in COLUMNS))
        rows.append([*label(read.cell), *cells])
    return table([*LABEL, *(f"{n:,}" for n in COLUMNS)], rows)


def foreign_table(found: Foreign) -> str:
    rows = [[f"{short(alpha)}", f"{alpha * found.tried:,.1f}", f"{count:,}"] for alpha, count in found.above.items()]
    head = ["bound at most", f"allowed in {found.tried:,} (text, key) pairs", "seen"]
    return table(head, rows) + f"\n\nThe standard deviation of z is {found.spread:.3f}; theory says 1."


def stated_table(reads: Sequence[Read], tokens: int = 800) -> str:
    """What verdicts would have said of their power, beside what was found."""
    rows = []
    for read in reads:
        found = stated(read, tokens)
        by_account = ", ".join(f"{z:.1f}" for z in found.by_account)
        rows.append(
            [
                *label(read.cell),
                f"{found.z:.1f}",
                by_account,
                f"{found.uplift:.2f}",
                f"{100 * found.stated:.0f} %",
                f"{100 * found.seen:.0f} %",
            ]
        )
    head = ["z, all texts", "z of each account alone", "uplift", "power stated at 1e-6", "detected"]
    return table([*LABEL, *head], rows)
