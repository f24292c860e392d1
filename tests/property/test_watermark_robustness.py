"""Marks survive what happens to texts: cuts, edits, foreign text around them, other dress; and nobody else appears.

The texts are synthetic, so the figures say that the detector keeps what a text carries, not how strong a model's mark
is: docs/watermark-power.md measures that.
"""

from random import Random

import pytest

from gateway.watermarks.intervals import upper_limit
from gateway.watermarks.scheme import PairScheme
from tests.support.keyed_writer import favoured, prose, score_of, some_table, write
from tests.support.word_edits import DRESSES, cut, delete, paste, substitute

TABLE = some_table()
SCHEME = PairScheme(TABLE)
TOKENS = favoured(TABLE, "owner")
TEXTS = 25
WORDS = 1200
FIRES = 5.26
"""The z of one account at 1e-6."""


def texts(seed, words=WORDS, uplift=0.25):
    rng = Random(seed)
    return [write(rng, TABLE, TOKENS, words, uplift) for _ in range(TEXTS)]


def foreign(rng, words):
    return write(rng, TABLE, (), words)


def z_of(words, account="owner"):
    return score_of(SCHEME.read_words(words).account[0], account).z


def share_found(edited, z=FIRES):
    return sum(z_of(words) >= z for words in edited) / len(edited)


def test_untouched_texts_are_found():
    assert share_found(texts(1)) == 1.0


def test_unmarked_texts_are_not():
    rng = Random(2)
    assert max(z_of(foreign(rng, WORDS)) for _ in range(TEXTS)) < FIRES


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3])
@pytest.mark.parametrize("edit", ["substitute", "delete"])
def test_edits_of_single_words(edit, share):
    rng = Random(3)
    others = foreign(rng, 5000)
    edited = [substitute(w, share, others, rng) if edit == "substitute" else delete(w, share, rng) for w in texts(4)]
    assert share_found(edited) >= 0.9
    clean, left = (sum(map(z_of, some)) / TEXTS for some in (texts(4), edited))
    assert left < clean  # an edit costs something: else nothing was edited


def test_half_of_a_text_is_enough():
    rng = Random(5)
    assert share_found([cut(words, 0.5, rng) for words in texts(6)]) >= 0.9


def test_a_quarter_within_foreign_text_is_found_by_windows():
    """Windows of the length of the mark, half overlapping; the threshold pays for all of them."""
    rng, found = Random(7), 0
    for words in texts(8, uplift=0.3):
        whole = paste(words, foreign(rng, 3 * WORDS), 0.25, rng)
        starts = range(0, len(whole) - WORDS + 1, WORDS // 2)
        corrected = (2 * (13.82 + 2.4)) ** 0.5  # ln 1e6, ln of eleven windows at most
        assert len(starts) <= 11
        found += max(z_of(whole[start : start + WORDS]) for start in starts) >= corrected
    assert found / TEXTS >= 0.8


@pytest.mark.parametrize("dress", DRESSES)
def test_dress_changes_no_weight(dress):
    rng = Random(9)
    for words in texts(10)[:5]:
        plain = prose(rng, words)
        dressed = dress(plain, rng)
        assert dressed != plain
        assert SCHEME.read(dressed) == SCHEME.read(plain)


def test_edited_texts_name_nobody_else():
    """No foreign key of 2,000 tries reaches the threshold, and their z keep the spread of chance."""
    rng, others = Random(11), foreign(Random(12), 5000)
    z = []
    for words in texts(13)[:4]:
        vector = SCHEME.read_words(substitute(words, 0.2, others, rng)).account[0]
        z += [score_of(vector, f"other_{n}").z for n in range(500)]
    assert max(z) < FIRES
    assert sum(each > 1.96 for each in z) / len(z) < upper_limit(50, 2000, 1e-4)
