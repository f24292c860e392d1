"""`python -m bench.builds TREE TREE`: what a request costs in each of these checkouts, under one load and in turns.

One core is the gateways', the other the load's and the upstream's; shipped policies only. For the source beside what
`make compiled` made of it, or for two commits. Nothing is asserted.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.loop import new_loop
from bench.plan import BenchFailed
from bench.process import cores, pinned
from bench.report import spread, table
from bench.under_load import bare, gateway, in_turns

WINDOWS: Final = 16
WINDOW_S: Final = 0.4
HEAD: Final = ("gateway of", "compiled", "CPU µs/request best / quartile / median")


def main(argv: list[str] | None = None) -> int:
    """Exit 0 with figures, 1 when they cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m bench.builds", description=__doc__)
    parser.add_argument("trees", nargs="+", type=Path, metavar="TREE", help="a checkout that has a gateway/")
    parser.add_argument("--windows", type=int, default=WINDOWS, help="of 0.4 s for each tree (%(default)s)")
    args = parser.parse_args(argv)
    try:
        print(table("One request, in turns", HEAD, measure(args.trees, args.windows)))
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    return 0


def measure(trees: Sequence[Path], windows: int) -> list[list[str]]:
    """A row for each tree, below HEAD. Raises BenchFailed."""
    for tree in trees:
        if not (tree / "gateway" / "__main__.py").is_file():
            raise BenchFailed(f"{tree}: a checkout was expected, and there is no gateway/__main__.py")
    own, other = cores()
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder, ExitStack() as running:
        answers = running.enter_context(bare(Path(folder), other, "upstream")).port
        targets = [
            running.enter_context(gateway(Path(folder) / str(i), answers, own, (), shipped_only=True, tree=tree))
            for i, tree in enumerate(trees)
        ]
        running.enter_context(pinned(other))
        with asyncio.Runner(loop_factory=new_loop) as runner:
            costs = runner.run(in_turns(targets, windows, WINDOW_S))
    return [[str(tree), _compiled(tree), spread(found)] for tree, found in zip(trees, costs, strict=True)]


def _compiled(tree: Path) -> str:
    """What `make compiled` leaves beside the package is what Python then imports."""
    return "yes" if any(tree.glob("*__mypyc*.so")) else "no"


if __name__ == "__main__":
    sys.exit(main())
