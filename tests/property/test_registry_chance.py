"""Chance: how often fingerprints of unrelated texts agree, and that nobody is named for it."""

from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from gateway.registry.compact import compact
from gateway.registry.matching import most_holders
from gateway.registry.search import search
from gateway.registry.segment import Segment
from gateway.registry.shelf import Shelf, shelves
from gateway.registry.sketch import Sketch
from gateway.registry.trace import Query
from gateway.registry.writer import Writer
from tests.support.corpora import needs_corpora, rows
from tests.support.needs import missing
from tests.support.registries import ROOT, UNTIL_MS, answer, kept, prose

EACH = 83
"""Fingerprints of an answer of 500 tokens."""


def chance_answers(registry: Path, count: int) -> Shelf:
    """Answers whose fingerprints are what a keyed hash makes of unrelated texts: random bytes."""
    registry.mkdir()
    kept(registry / "one" / "2026-q4", ())  # its salt follows from its names
    writer = Writer(registry / "one" / "2026-q4", UNTIL_MS, ROOT)
    pick = Random(f"answers {count}")
    for number in range(count):
        writer.append(answer(number, f"acct-{number % 5000}"), Sketch(375, pick.randbytes(5 * EACH)))
    writer.close()
    return Shelf(registry / "one" / "2026-q4")


def collisions(shelf: Shelf, wanted: int) -> int:
    pick = Random(f"looked for {wanted}")
    looked_for = [pick.randbytes(5) for _ in range(wanted)]
    found = 0
    for stem in shelf.stems():
        with Segment(shelf.path(stem, "seg")) as segment:
            found += sum(1 for _ in segment.find(looked_for))
    return found


def falsely_named(registry: Path, queries: int) -> tuple[int, int]:
    """Accounts that texts of nobody name, and answers that share a fingerprint with them."""
    pick = Random(f"texts {queries}")
    traces, searched = search(
        shelves(registry), lambda _: ROOT, [Query(" ".join(prose(pick, 375))) for _ in range(queries)]
    )
    assert searched.problems == []
    return sum(len(trace.holders) for trace in traces), sum(trace.below for trace in traces)


def test_a_hundred_thousand_answers_name_nobody(tmp_path):
    chance_answers(tmp_path / "registry", 100_000)
    named, sharing = falsely_named(tmp_path / "registry", 300)
    assert named == 0
    assert sharing <= 8, "0.8 are expected"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_million_answers_collide_as_forty_bits_do_and_name_nobody(tmp_path):
    """As many single agreements as one in 2^40 makes, within four standard deviations; three at once never."""
    if not find_spec("numpy"):
        missing("needs numpy: make test installs requirements/watermark.txt")
    answers, wanted, queries = 1_000_000, 1_000_000, 500
    shelf = chance_answers(tmp_path / "registry", answers)
    assert sum(done.documents for done in compact(shelf)) == answers
    expected = answers * EACH * wanted / 2**40
    assert abs(collisions(shelf, wanted) - expected) < 4 * expected**0.5 + 2
    named, sharing = falsely_named(tmp_path / "registry", queries)
    expected = answers * EACH * queries * 371 / 2**40
    assert named == 0
    assert abs(sharing - expected) < 4 * expected**0.5 + 2


@needs_corpora
def test_texts_of_other_people_name_nobody(tmp_path):
    """What people wrote independently of each other shares idioms, and is no copy."""
    texts = {row["text"] for name in ("oasst_en", "gsm8k_test", "clinc") for row in rows(name)}
    texts = sorted(text for text in texts if len(text.split()) >= 30)
    kept(tmp_path / "registry" / "one" / "2026-q4", ((answer(n, f"acct-{n}"), text) for n, text in enumerate(texts)))
    traces, _ = search(shelves(tmp_path / "registry"), lambda _: ROOT, [Query(text) for text in texts])
    assert sum(trace.below for trace in traces) > 10, "they do share fingerprints"
    others = [
        (number, holder.account)
        for number, trace in enumerate(traces)
        for holder in trace.holders
        if holder.account != f"acct-{number}"
    ]
    assert others == []


def test_the_smaller_a_hash_the_more_of_its_holders_are_known():
    """The share of answers that keep a gram, by its hash: simulated in windows of eight random neighbours."""
    pick = Random(6)
    for part in (0.02, 0.1, 0.25, 0.4):
        kept_in = 0
        for _ in range(20_000):
            left = next(n for n in range(99) if n == 7 or pick.random() < part)
            right = next(n for n in range(99) if n == 7 or pick.random() < part)
            kept_in += left + right >= 7
        assert most_holders(int(part * 2**40).to_bytes(5, "big")) == pytest.approx(32 * kept_in / 20_000, abs=1.3)
    limits = [most_holders(bytes([first, 0, 0, 0, 0])) for first in range(256)]
    assert all(one >= two for one, two in pairwise(limits))
    assert (limits[0], limits[-1]) == (32, 0)
