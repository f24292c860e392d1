"""Texts that break naive watermark tests: repeated, templated, code, in eleven languages, and made to hurt.

Real ones are pieces of this repository. A text is a list of units, as a scheme would count them.
"""

import re
from collections import Counter
from itertools import cycle, islice
from pathlib import Path
from random import Random

from gateway.watermarks.buckets import BucketVector, buckets_of, vector_of

ROOT = Path(__file__).parents[2]
WIDTH = 4096


def tokens(text: str) -> list[bytes]:
    return [token.encode() for token in re.findall(r"\w+|[^\w\s]", text)]


def trigrams(text: str) -> list[bytes]:
    """For scripts that put no space between words."""
    return [text[at : at + 3].encode() for at in range(len(text) - 2)]


def _pieces(pattern: str, length: int, split=tokens) -> list[list[bytes]]:
    found = []
    for path in sorted(ROOT.glob(pattern)):
        units = split(path.read_text())
        found += [units[at : at + length] for at in range(0, len(units) - length, length)]
    return found


def texts(count: int, seed: int) -> dict[str, list[list[bytes]]]:
    """`count` texts of each kind."""
    rng = Random(seed)

    def some(pool: list[list[bytes]]) -> list[list[bytes]]:
        return list(islice(cycle(rng.sample(pool, len(pool))), count))

    prose, code = _pieces("docs/*.md", 700), _pieces("gateway/**/*.py", 700)
    languages = _pieces("gateway/texts/lexicons/*.py", 400, trigrams)
    template = tokens("Dear customer, your order has left our house and will reach you on the day that you named.")
    return {
        "prose": some(prose),
        "code": some(code),
        "languages": some(languages),
        "repeated": [piece[:300] * 20 for piece in some(prose)],
        "templated": [template * 30 + tokens(f"order {n} of {n * 7} pieces for {n % 3}") for n in range(count)],
        "short": [piece[:30] for piece in some(prose)],
    }


def vectors(count: int, seed: int) -> dict[str, list[BucketVector]]:
    """The texts above as bucket vectors, each under a bucket key of its own, and vectors that no honest text has."""
    rng = Random(seed)
    made = {
        kind: [vector_of(buckets_of(rng.randbytes(32), units, WIDTH), WIDTH) for units in each]
        for kind, each in texts(count, seed).items()
    }
    made["crowded"] = [vector_of([rng.randrange(40) for _ in range(900)], WIDTH) for _ in range(count)]
    made["one heavy"] = [vector_of([7] * 25 + list(range(100, 300)), WIDTH) for _ in range(count)]
    made["both sides"] = [_both_sides(rng) for _ in range(count)]
    return made


def _both_sides(rng: Random) -> BucketVector:
    weights = Counter({rng.randrange(WIDTH): rng.choice((-3, -2, -1, 1, 2, 3)) for _ in range(300)})
    return BucketVector(WIDTH, tuple(sorted(weights.items())), 300)
