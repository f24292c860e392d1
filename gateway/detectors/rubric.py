"""Rubric: the request asks to grade answers by criteria.

A model that grades by rubric is a reward model for somebody's training. Looks the same: evaluation of one's own
product, quality assurance of content, marking of essays, hiring. Criteria, a scale or choice, and a candidate must all
be named in one of seven languages.
"""

from gateway.detectors.facts import Facts
from gateway.detectors.lexicon import read
from gateway.detectors.rubric_words import ANY_CRITERIA, GRADINGS
from gateway.detectors.sketch import Sketch


def present(facts: Facts, _sketch: Sketch) -> bool | None:
    """None for a request without text. Only the two ends of a long turn are read."""
    if not facts.head:
        return None
    data = read(facts)
    if not ANY_CRITERIA.found(data):
        return False
    return any(all(words.found(data) for words in language) for language in GRADINGS)
