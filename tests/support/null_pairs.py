"""The same sorts of text as the pair scheme reads them: uneven weights of both signs, and other people's marks."""

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from random import Random

from gateway.watermarks.marking import Manner, Marker
from gateway.watermarks.pairing import candidates, pair_up, read_sample
from gateway.watermarks.pairs import MOST_PAIRS, Pair, PairTable
from gateway.watermarks.scheme import PairScheme
from gateway.watermarks.words import read_words
from tests.support.keyed_writer import prose, some_table, write
from tests.support.null_texts import Case, piece, whole

DOCS, CODE, LEXICONS = "docs/*.md", "gateway/**/*.py", "gateway/texts/lexicons/*.py"


@cache
def table_of(*patterns: str) -> PairTable:
    """Pairs of the words that files of this repository really use."""
    sample = read_sample([read_words(whole(pattern)).words for pattern in patterns])
    return pair_up(sample, {word: at for at, word in enumerate(candidates(sample))}, "this repository")


@cache
def languages() -> tuple[PairTable, list[str]]:
    """Words of eleven languages in four scripts, and pairs of all that are there, the most frequent first."""
    words = read_words(" ".join(re.findall(r"[^\W\d_]+", whole(LEXICONS).lower()))).words
    counts = Counter(words)
    known = [word for word, _ in counts.most_common(2 * MOST_PAIRS)]
    rates = [1e6 * counts[word] / len(words) for word in known]
    sides = zip(known[::2], known[1::2], rates[::2], rates[1::2], strict=False)
    pairs = (Pair(a, b, 2 * at, 2 * at + 1, one, other) for at, (a, b, one, other) in enumerate(sides))
    return PairTable("lexicons", tuple(pairs)), words


def read(rng: Random, text: str, *patterns: str) -> Case:
    return Case(PairScheme(table_of(*(patterns or (DOCS,)))).read(text).account[0], rng.randbytes(32))


def other_languages(rng: Random) -> Case:
    """Parts of the lexicons, some of them many times over."""
    table, words = languages()
    text: list[str] = []
    for _ in range(6):
        at = rng.randrange(len(words) - 150)
        text += words[at : at + 150] * rng.choice((1, 2, 20))
    return Case(PairScheme(table).read_words(text).account[0], rng.randbytes(32))


def templated(rng: Random) -> Case:
    """One sentence with few words changed, as bulk mail has it."""
    fillers = [pair.first for pair in rng.sample(table_of(DOCS).pairs, 12)]
    template = "the policy of this account says that a request must wait for the next answer and then {} it with {}. "
    return read(rng, "".join(template.format(*rng.choices(fillers, k=2)) for _ in range(60)))


def one_word(rng: Random) -> Case:
    """One word a thousand times, and a few others once."""
    pairs = rng.sample(table_of(DOCS).pairs, 40)
    return read(rng, f" {pairs[0].first}" * 1000 + " " + " ".join(pair.second for pair in pairs[1:]))


def others_mark(rng: Random) -> Case:
    """Marked strongly for an account of the same root, which is none of those that are scored."""
    root, table, quarters = rng.randbytes(32), some_table(), rng.randrange(3)
    marker = Marker(table, root, rng.randbytes(32), provider_quarters=quarters)
    favoured = marker.mark("the owner", 0, 0, Manner(1024, 2.0)).tokens()
    words = write(rng, table, favoured, rng.choice((150, 600, 2400)), uplift=0.35)
    return Case(PairScheme(table, provider_quarters=quarters).read(prose(rng, words)).account[0], root)


KINDS: dict[str, Callable[[Random], Case]] = {
    "pairs: prose": lambda rng: read(rng, piece(rng, DOCS, rng.choice((1_500, 4_000, 12_000)))),
    "pairs: repeated": lambda rng: read(rng, (piece(rng, DOCS, 1_500) + "\n```\n```\n") * 30),
    "pairs: templated": templated,
    "pairs: code": lambda rng: read(rng, piece(rng, CODE, 20_000), DOCS, CODE),
    "pairs: languages": other_languages,
    "pairs: pooled": lambda rng: read(rng, "\n".join(piece(rng, DOCS, 20_000) for _ in range(10))),
    "pairs: one word": one_word,
    "pairs: other's mark": others_mark,
}
