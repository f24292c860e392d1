"""Repeated wrapper: a new prompt whose beginning or end this account has used again and again.

A constant wrapper around a changing payload is how data sets are sent through a model. Looks the same: every honest
pipeline with a template, such as summaries, extraction, retrieval with a fixed instruction. A person's habits of
beginning rarely reach 24 bytes. A wrapper in the middle, or one that varies, is not seen.
"""

from typing import Final

from gateway.detectors.facts import Facts
from gateway.detectors.sketch import Sketch

SEVERAL: Final = 3
"""Earlier new prompts with this end, counted for sure: the fourth is the first to be called repeated."""


def present(facts: Facts, sketch: Sketch) -> bool | None:
    """None for a request without text; False for a repeated prompt, and for one too short for wrapper and payload."""
    if facts.said is None:
        return None
    ends = facts.said.ends
    if ends is None or sketch.prompts.holds(facts.prompt):
        return False
    return sketch.heads.surely(ends[0]) >= SEVERAL or sketch.tails.surely(ends[1]) >= SEVERAL
