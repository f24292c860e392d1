"""Rubric: the request asks to grade answers by criteria.

A model that grades by rubric is a reward model for somebody's training. Looks the same: evaluation of one's own
product, quality assurance of content, marking of essays, hiring. Criteria, a scale or choice, and a candidate must all
be named in one of eleven languages.
"""

from gateway.detectors.facts import Facts
from gateway.detectors.sketch import Sketch


def present(facts: Facts, _sketch: Sketch) -> bool | None:
    """None for a request without text. Only the two ends of a long turn are read."""
    return "rubric" in facts.said.lexicons if facts.said else None
