"""Distinct prompt: the last user turn is new to its account.

Harvesting never asks the same thing twice: its share of distinct prompts stays near 1, while most applications repeat
some of theirs. Looks the same: people who chat, and any batch over a data set. Only "new among about the last 512" is
known (see `recent.py`): an older repeat counts as new.
"""

from gateway.detectors.facts import Facts
from gateway.detectors.sketch import Sketch


def present(facts: Facts, sketch: Sketch) -> bool | None:
    """None for a request without text in its last user turn (tool results, pictures alone)."""
    return not sketch.prompts.holds(facts.prompt) if facts.said else None
