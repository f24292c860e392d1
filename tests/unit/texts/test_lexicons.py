"""The lexicons on sentences of our own: what each shape looks like in each language, and what only resembles it."""

import pytest
import re2

from gateway.texts.index import TextIndex
from gateway.texts.lexicons import LEXICONS
from gateway.texts.patterns import expressions
from tests.support.lexicon_sentences import ORDINARY, SENTENCES

INDICES = {name: TextIndex(patterns) for name, patterns in LEXICONS.items()}

CASES = [(name, line) for name in LEXICONS for line in SENTENCES[name]]


@pytest.mark.parametrize(("name", "line"), CASES)
def test_what_each_looks_like(name, line):
    assert {other for other, index in INDICES.items() if index.search(line).indices} == {name}


@pytest.mark.parametrize("line", ORDINARY)
def test_what_only_resembles_it(line):
    assert {other for other, index in INDICES.items() if index.search(line).indices} == set()


@pytest.mark.parametrize("missing", range(3))
def test_a_grading_names_all_three(missing):
    parts = ["Use these criteria.", "The scale of marks has 10 steps: a scale of ten.", "Now judge the essay."]
    assert INDICES["rubric"].search(" ".join(parts)).indices
    assert not INDICES["rubric"].search(" ".join(parts[:missing] + parts[missing + 1 :])).indices


def test_expressions_are_written_as_forms_are_and_hold_no_backspace():
    """A word boundary in a string that is not raw is a backspace; an accent is in no matching form."""
    sources = [one.source for patterns in LEXICONS.values() for pattern in patterns for one in expressions(pattern)]
    assert len(sources) > 50
    for source in sources:
        assert "\b" not in source
        assert source == source.casefold()
        assert re2.search("[à-öø-ÿ]", source) is None, source
