"""`python -m bench.power`: how well the mark shows with a real model, and what it costs.

Texts are generated into a cache, at most 150,000 tokens; what is there stays, so that a run that was cut short goes
on. Then all figures are printed as tables. Needs the packages of requirements/model.txt and requirements/watermark.txt.
"""

import argparse
import time
from pathlib import Path

from bench.power.evaluate import read_cells
from bench.power.generate import Cache, generate, sample_jobs
from bench.power.keyed import Bias
from bench.power.page import write_page, write_plots
from bench.power.plan import CELLS, SAMPLE, jobs
from bench.power.tables import tables


def main(argv: list[str] | None = None) -> int:
    """Exit 0 with figures, 1 where there are no texts of some cell that a table needs."""
    parser = argparse.ArgumentParser(prog="python -m bench.power", description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(".bench-power"), help="where the texts are kept")
    parser.add_argument("--minutes", type=float, default=150, help="longest time to generate in; 0: only evaluate")
    parser.add_argument("--write", action="store_true", help="write tables and plots into docs/ too")
    args = parser.parse_args(argv)
    args.cache.mkdir(exist_ok=True)
    cache, until = Cache(args.cache), time.monotonic() + 60 * args.minutes
    if args.minutes:
        generate(cache, sample_jobs(), lambda _: {}, until)
        generate(cache, list(jobs()), Bias(cache), until)
    texts = sum(len(cache.read(cell)) for cell in (SAMPLE, *CELLS))
    wanted = sum(cell.texts for cell in (SAMPLE, *CELLS))
    print(f"{texts} of {wanted} texts, {cache.tokens():,} tokens.")
    cells = read_cells(cache)
    if set(CELLS) - cells.keys():
        print("Some cells have no text yet: run it again without --minutes 0.")
        return 1
    found = tables(cache, cells)
    for name, text in found.items():
        print(f"\n{name}\n\n{text}")
    if args.write:
        write_page(found)
        write_plots(cells)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
