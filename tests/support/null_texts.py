"""Texts that break naive watermark tests, as hashed units: repeated, templated, code, other languages, made to hurt.

Real ones are pieces of this repository. A text is a list of units, as a scheme would count them. Each comes with the
root key of accounts that had no part in it, and no two with the same.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from gateway.watermarks.buckets import BucketVector, buckets_of, vector_of

ROOT = Path(__file__).parents[2]
WIDTH = 4096


class Case(NamedTuple):
    """A text as the statistics see it, and the root of the keys that it is scored with."""

    vector: BucketVector
    root: bytes


def tokens(text: str) -> list[bytes]:
    return [token.encode() for token in re.findall(r"\w+|[^\w\s]", text)]


def trigrams(text: str) -> list[bytes]:
    """For scripts that put no space between words."""
    return [text[at : at + 3].encode() for at in range(len(text) - 2)]


@cache
def whole(pattern: str) -> str:
    """All files of this repository that match, one after the other."""
    return "\n".join(path.read_text() for path in sorted(ROOT.glob(pattern)))


def piece(rng: Random, pattern: str, length: int) -> str:
    """So many characters from somewhere in them."""
    text = whole(pattern)
    at = rng.randrange(len(text) - length)
    return text[at : at + length]


def repeated(rng: Random) -> list[bytes]:
    return tokens(piece(rng, "docs/*.md", 1_500)) * 20


def templated(rng: Random) -> list[bytes]:
    template = "Dear customer, your order has left our house and will reach you on the day that you named."
    n = rng.randrange(1_000)
    return tokens(template) * 30 + tokens(f"order {n} of {n * 7} pieces for {n % 3}")


UNITS: dict[str, Callable[[Random], list[bytes]]] = {
    "prose": lambda rng: tokens(piece(rng, "docs/*.md", 4_000)),
    "code": lambda rng: tokens(piece(rng, "gateway/**/*.py", 3_000)),
    "languages": lambda rng: trigrams(piece(rng, "gateway/texts/lexicons/*.py", 400)),
    "repeated": repeated,
    "templated": templated,
    "short": lambda rng: tokens(piece(rng, "docs/*.md", 160)),
}


def hashed(rng: Random, units: list[bytes]) -> Case:
    """The text under a bucket key of its own."""
    return Case(vector_of(buckets_of(rng.randbytes(32), units, WIDTH), WIDTH), rng.randbytes(32))


def crowded(rng: Random) -> Case:
    return Case(vector_of([rng.randrange(40) for _ in range(900)], WIDTH), rng.randbytes(32))


def one_heavy(rng: Random) -> Case:
    return Case(vector_of([7] * 25 + list(range(100, 300)), WIDTH), rng.randbytes(32))


def both_sides(rng: Random) -> Case:
    weights = Counter({rng.randrange(WIDTH): rng.choice((-3, -2, -1, 1, 2, 3)) for _ in range(300)})
    return Case(BucketVector(WIDTH, tuple(sorted(weights.items())), 300), rng.randbytes(32))


def hundreds(rng: Random) -> Case:
    """Sums of 100,000 and more: whole numbers that a smaller type would not hold."""
    weights = {rng.randrange(WIDTH): rng.choice((-1, 1)) * rng.randint(1, 400) for _ in range(600)}
    return Case(BucketVector(WIDTH, tuple(sorted(weights.items())), 600), rng.randbytes(32))


def _of_units(make: Callable[[Random], list[bytes]]) -> Callable[[Random], Case]:
    return lambda rng: hashed(rng, make(rng))


KINDS: dict[str, Callable[[Random], Case]] = {kind: _of_units(make) for kind, make in UNITS.items()} | {
    "crowded": crowded,
    "one heavy": one_heavy,
    "both sides": both_sides,
    "hundreds": hundreds,
}
"""The last four are vectors that no honest text has."""
