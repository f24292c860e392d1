"""The whole detector on texts that nobody marked: real words, windows, lists and epochs, fresh keys for every text.

The promise is about a run: at most alpha of all runs name anybody. Alpha is large here, so that a few hundred runs can
tell; the bound is the same at every level.
"""

from collections import Counter
from random import Random

import pytest

from tests.support.needs import needs_numpy

needs_numpy()

from gateway.forensics.document import examine  # noqa: E402
from gateway.forensics.eras import Era, Suspect  # noqa: E402
from gateway.forensics.question import Question  # noqa: E402
from gateway.watermarks.commitment import EpochKeys  # noqa: E402
from gateway.watermarks.evidence import Cluster  # noqa: E402
from gateway.watermarks.intervals import lower_limit  # noqa: E402
from gateway.watermarks.pairs import Pair, PairTable  # noqa: E402
from gateway.watermarks.scheme import PairScheme  # noqa: E402
from gateway.watermarks.verdict import Rules  # noqa: E402
from gateway.watermarks.words import read_words  # noqa: E402
from tests.support.null_texts import piece  # noqa: E402

ALPHA = 0.5
TEMPLATE = "Dear customer, your order has left our house and will reach you on the day that you named. "
KINDS = {
    "prose": lambda rng: piece(rng, "docs/*.md", 4_000),
    "code": lambda rng: piece(rng, "gateway/**/*.py", 4_000),
    "repeated": lambda rng: piece(rng, "docs/*.md", 1_500) * 10,
    "templated": lambda rng: TEMPLATE * 40 + f"order {rng.random()}",
    "short": lambda rng: piece(rng, "docs/*.md", 300),
}


def table(sample: list[str]) -> PairTable:
    """Neighbours in frequency among the words of the sample itself, with the rates that they have there."""
    words = Counter(word for text in sample for word in read_words(text).words if len(word) > 1 and word.islower())
    total = sum(words.values())
    kept = [(word, 1e6 * count / total) for word, count in words.most_common(600)]
    return PairTable(
        "null",
        tuple(
            Pair(kept[at][0], kept[at + 1][0], at, at + 1, kept[at][1], kept[at + 1][1])
            for at in range(0, len(kept) - 1, 2)
        ),
    )


def named(text: str, scheme: PairScheme, rng: Random) -> bool:
    """Whether anybody fires, with keys that were drawn for this text alone."""
    suspects = tuple(Suspect(f"acct-{number}") for number in range(20))
    eras = tuple(
        Era(
            epoch,
            "null",
            scheme,
            EpochKeys(rng.randbytes(32), rng.randbytes(32), 1000),
            rng.randbytes(32),
            suspects,
            epoch,
        )
        for epoch in ("e1", "e2")
    )
    clusters = (Cluster("ring", frozenset({"acct-1", "acct-2", "acct-3"})),)
    outcome = examine("null", text, Question(eras, clusters, Rules(alpha=ALPHA)), lambda _: 1, windows=True).outcome
    return outcome.reason == "fired"


@pytest.mark.parametrize(("count", "seed"), [(6, 1), pytest.param(50, 2, marks=pytest.mark.slow)])
def test_at_most_alpha_of_all_runs_name_anybody(count, seed):
    rng = Random(seed)
    found = {kind: [make(rng) for _ in range(count)] for kind, make in KINDS.items()}
    scheme = PairScheme(table(found["prose"] + found["code"]), lists=2)
    fired = {kind: sum(named(text, scheme, rng) for text in group) for kind, group in found.items()}
    for kind, hits in fired.items():
        assert lower_limit(hits, count, 0.001) <= ALPHA, (kind, hits)
    # All kinds together, at a tenth of alpha: what is tested is dependent, so the bound is far from tight.
    assert lower_limit(sum(fired.values()), count * len(KINDS), 0.001) <= ALPHA / 10, fired
