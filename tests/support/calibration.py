"""The large run: `make calibration`. Prints its tables, and ends with 1 where a gate of the tests fails.

    python -m tests.support.calibration --pairs 1e8 --texts 10000

Took 22 minutes on two busy cores. Nothing is random but by the seed: the same figures on every machine.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from gateway.watermarks.intervals import interval, lower_limit, upper_limit
from tests.support.attribution import COARSE, Outcome
from tests.support.attribution_runs import ACCOUNTS, HASHED, PAIRS, hashed_run, pair_run
from tests.support.null_counts import KINDS, Counted, count
from tests.support.null_gate import ERROR, holds, not_too_weak

TEXTS = 120
"""Of each kind."""
SHOWN = (1e-3, 1e-4, 1e-5)


def null(pairs: int, seed: int) -> dict[str, Counted]:
    """Every kind of text, a process for each core."""
    keys = -(-pairs // (TEXTS * len(KINDS)))
    # Each process multiplies one text at a time, which is no work for threads; a new process heeds this.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as workers:
        counted = workers.map(partial(count, texts=TEXTS, keys=keys, seed=seed), KINDS)
        return dict(zip(KINDS, counted, strict=True))


def null_table(counted: dict[str, Counted]) -> bool:
    total = Counted()
    for each in counted.values():
        total.merge(each)
    print(f"\n{total.pairs:,} (text, key) pairs, {total.texts:,} texts of {len(counted)} kinds\n")
    print("| p-value | nominal | pairs | at or below | realised | at least (99.9 %) | at most (99.9 %) |")
    print("|---|---|---|---|---|---|---|")
    for sort, pairs in (("bound", total.pairs), ("tail", total.tail_pairs), ("randomised", total.pairs)):
        for level in SHOWN:
            n = getattr(total, sort)[level]
            low, high = lower_limit(n, pairs, ERROR), upper_limit(n, pairs, ERROR)
            print(f"| {sort} | {level:.0e} | {pairs:,} | {n:,} | {n / pairs:.3e} | {low:.3e} | {high:.3e} |")
    print(f"\nScores at which the bound lies below the probability: {total.exceeded}")
    print(f"Largest error of a computed tail, as a share of what it states: {total.worst:.2g}")
    looks = len(counted) * len(SHOWN) * 4
    failed = [(kind, level) for kind, each in counted.items() for level in SHOWN if not _sound(each, level, looks)]
    for kind, level in failed:
        print(f"FAILED: {kind} at {level:.0e}")
    return not failed and not total.exceeded and total.worst <= 1


def _sound(one: Counted, level: float, looks: int) -> bool:
    return (
        holds(one.bound[level], one.pairs, level, looks)
        and holds(one.tail[level], max(1, one.tail_pairs), level, looks)
        and holds(one.randomised[level], one.pairs, level, looks)
        and not_too_weak(one.randomised[level], one.pairs, level, looks)
    )


def attribution_table(title: str, length: str, outcome: Outcome) -> bool:
    print(f"\n{title}, {outcome.tried.accounts:,} accounts\n")
    print("| texts | scores | wrong names | 95 % interval | wrong at a family-wise 0.1 |")
    print("|---|---|---|---|---|")
    for kind, texts in outcome.texts.items():
        wrong, coarse = outcome.wrong[kind], outcome.coarse[kind]
        low, high = interval(wrong, texts)
        scores = texts * outcome.tried.accounts
        print(f"| {texts:,} {kind} | {scores:,} | {wrong} | {low:.1e} to {high:.1e} | {coarse / texts:.4f} |")
    print(f"\n| uplift | {length} | texts | named rightly | 95 % interval | stated chance |")
    print("|---|---|---|---|---|---|")
    for uplift, units, texts, right, (low, high), stated in outcome.rows():
        print(f"| {uplift} | {units:,} | {texts:,} | {right:.3f} | {low:.3f} to {high:.3f} | {stated:.3f} |")
    return not outcome.wrong.total() and all(
        lower_limit(outcome.coarse[kind], texts, ERROR) <= COARSE for kind, texts in outcome.texts.items()
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=float, default=1e8, help="(text, key) pairs of the null")
    parser.add_argument("--texts", type=int, default=10_000, help="marked texts of each scheme, and as many unmarked")
    parser.add_argument("--seed", type=int, default=13)
    asked = parser.parse_args()
    began = time.perf_counter()
    sound = [null_table(null(int(asked.pairs), asked.seed))]
    _took("null", began)
    for title, length, run, labels in (
        ("Pairs of words", "words", pair_run, PAIRS),
        ("Hashed units", "different units", hashed_run, HASHED),
    ):
        began = time.perf_counter()
        sound.append(attribution_table(title, length, run(-(-asked.texts // len(labels)), ACCOUNTS, asked.seed)))
        _took(title.lower(), began)
    return 0 if all(sound) else 1


def _took(what: str, began: float) -> None:
    print(f"\n({what}: {time.perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(main())
