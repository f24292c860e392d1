"""What docs/lexicons.md says of texts that the words were written without."""

import pytest

from gateway.texts.lexicons import LEXICONS
from tests.support import lexicon_report as report
from tests.support.corpora import BENIGN, LEXICON_KINDS, held_out, needs_corpora, rows, trial

LEAST = {"reasoning": 0.94, "rubric": 0.96, "instructions": 0.68, "policy_rewrite": 0.34}
"""The lower ends of the documented intervals."""
MOST = {"reasoning": 0.0164, "rubric": 0.0, "instructions": 0.0, "policy_rewrite": 0.0}
"""Share of ordinary turns, in the corpus where it is largest."""


def test_the_interval_is_wilsons():
    assert report.wilson(0, 100) == pytest.approx((0.0, 0.0370), abs=1e-4)
    assert report.wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert report.wilson(6, 6)[0] == pytest.approx(0.61, abs=0.005)
    assert report.wilson(2, 3) == pytest.approx((0.208, 0.939), abs=1e-3)


@needs_corpora
@pytest.mark.parametrize("name", LEXICONS)
def test_each_finds_its_kind_in_rows_that_were_held_out(name):
    hits, number = report.total(report.recall(name))
    assert hits / number >= LEAST[name]


@needs_corpora
@pytest.mark.parametrize("name", LEXICONS)
def test_each_leaves_ordinary_turns_alone(name):
    assert set(report.benign(name)) == set(BENIGN)
    for corpus, (hits, number) in report.benign(name).items():
        assert hits / number <= MOST[name], corpus


@needs_corpora
@pytest.mark.parametrize("name", LEXICONS)
def test_no_trial_stands_on_both_sides_but_english_rewrites(name):
    kind = LEXICON_KINDS[name]
    sides = {held: {trial(kind, row) for row in rows(kind) if held_out(kind, row) is held} for held in (True, False)}
    assert sides[True]
    assert sides[False]
    assert sides[True] & sides[False] <= ({"en"} if kind == "policy_rewrite" else set())


@needs_corpora
def test_the_documented_tables_are_what_is_measured():
    page = report.PAGE.read_text()
    begin, end = (page.index(mark) for mark in report.MARKS)
    assert page[begin + len(report.MARKS[0]) : end].strip() == report.text()


def test_the_page_names_every_lexicon():
    page = report.PAGE.read_text()
    for name in LEXICONS:
        assert f"| `{name}` |" in page
