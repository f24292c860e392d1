"""Tables of what the mark costs, what edits leave of it, and which choices rest on that."""

from collections.abc import Sequence

import numpy as np

from bench.power.evaluate import EDITED_TOKENS, WINDOWS, Read, compare_weights, edits, power
from bench.power.foreseen import Sampled
from bench.power.generate import Cache
from bench.power.keyed import cut, table_of
from bench.power.markdown import LABEL, Kept, by_length, label, short, table
from bench.power.plan import CODE, MARKED, PAIRED, SKIPPED, Cell, Pairing


def quality_table(kept: Kept, cells: Sequence[Cell]) -> str:
    rows = []
    for cell in sorted((cell for cell in cells if cell in kept.quality), key=lambda cell: -cell.temperature):
        found = kept.quality[cell]
        rows.append(
            [
                f"{cell.temperature:g}",
                f"{cell.entries:,} × {cell.strength:g}" if cell.strength else "unmarked",
                str(found.texts),
                f"{found.logprob:.2f} ± {found.logprob_error:.2f}",
                kept.ratio_text(cell),
                f"{found.tokens:.0f}",
                f"{100 * found.ended:.0f} %",
                f"{100 * found.distinct:.0f} %",
                f"{100 * found.repeated:.0f} %",
            ]
        )
    head = ["T", "mark", "texts", "log-probability per token", "perplexity ratio"]
    return table([*head, "tokens", "ended", "different words", "repeated triples"], rows)


def edits_table(reads: Sequence[Read], cache: Cache) -> str:
    rows = []
    for read in reads:
        for tokens, alpha in zip(EDITED_TOKENS, (1e-3, 1e-6), strict=True):
            for name, z in edits(read, cache, tokens).items():
                tests = WINDOWS if "foreign" in name else 1
                share = 100 * float((z >= np.sqrt(2 * np.log(tests / alpha))).mean())
                if name == "none":
                    rows.append([*label(read.cell), f"{tokens:,}", f"{short(alpha)}"])
                rows[-1].append(f"{share:.0f} % ({z.mean():.1f})")
    head = [
        "untouched",
        "cut to half",
        "10 % replaced",
        "20 %",
        "30 %",
        "10 % deleted",
        "20 %",
        "30 %",
        "¼ in foreign text",
    ]
    return table([*LABEL, "tokens", "at", *head], rows)


def weights_table(reads: Sequence[Read]) -> str:
    head = ["weight", *(f"{read.cell.entries:,} × {read.cell.strength:g}" for read in reads)]
    chosen_on, told_on = (compare_weights(reads, 1600, first=first) for first in (True, False))
    rows = [
        [name, *(f"{one:.1f} / {other:.1f}" for one, other in zip(z, told_on[name], strict=True))]
        for name, z in chosen_on.items()
    ]
    return table(head, rows)


def foreseen_table(cache: Cache) -> str:
    sampled, rows = Sampled(cache), []
    tried: tuple[tuple[Pairing, int], ...] = (("rivals", 0), ("neighbours", 0), ("frequency", 0), ("rivals", 24))
    for pairing, skip in tried:
        row = [f"{pairing}, without the first {skip}" if skip else str(pairing)]
        for entries in (1024, 300):
            for strength in (2.0, 1.0, 0.5):
                found = sampled.foresee(cut(table_of(cache, pairing), entries), strength, 800, skip)
                row.append(f"{found.z:.1f} / {found.divergence:.3f}")
        rows.append(row)
    marks = (f"{entries} × {strength}" for entries in ("1,024", "300") for strength in (2, 1, 0.5))
    return table(["pairs", *marks], rows)


def choices_table(cells: dict[Cell, Read], kept: Kept) -> str:
    rows = []
    for cell in (MARKED[0], SKIPPED, MARKED[2], *PAIRED):
        if cell in cells:
            lengths = by_length(power(cells[cell], cells[cell].pairs, lengths=(400, 800, 1600, 3200)))
            what = f"{cell.pairing}, without the first {cell.skip}" if cell.skip else cell.pairing
            z = (f"{lengths[n].z.mean():.1f}" if n in lengths else "–" for n in (400, 800, 1600, 3200))
            quality_ = [kept.ratio_text(cell), f"{100 * kept.quality[cell].repeated:.0f} %"]
            rows.append([what, f"{cell.entries:,} × {cell.strength:g}", *z, *quality_])
    head = ["pairs", "mark", "z at 400", "800", "1,600", "3,200", "perplexity ratio", "repeated triples"]
    return table(head, rows)


def code_table(kept: Kept, cells: dict[Cell, Read]) -> str:
    rows = []
    for cell in CODE:
        if cell in kept.quality:
            found = kept.quality[cell]
            shown = [s for s in power(cells[cell], cells[cell].pairs, lengths=(800, 1600)) if cell.strength]
            rows.append(
                [
                    f"{cell.entries:,} × {cell.strength:g}" if cell.strength else "unmarked",
                    str(found.texts),
                    f"{found.logprob:.2f} ± {found.logprob_error:.2f}",
                    kept.ratio_text(cell),
                    f"{found.tokens:.0f}",
                    ", ".join(f"{s.z.mean():.1f} at {s.tokens:,}" for s in shown) or "–",
                ]
            )
    return table(["mark", "texts", "log-probability per token", "perplexity ratio", "tokens", "z"], rows)
