"""All that is kept of an account: fixed size, no text, nothing that can be turned back into text."""

from typing import Final

from gateway.detectors.facts import Facts
from gateway.detectors.frequent import Frequent
from gateway.detectors.recent import Recent

SKETCH_BYTES: Final = 4096
"""What a sketch takes at the most, objects and all; a test measures it."""


class Sketch:
    """What an account's earlier requests looked like. Features read it; `add` comes after them."""

    __slots__ = ("heads", "prompts", "tails")

    def __init__(self) -> None:
        self.prompts = Recent()
        self.heads = Frequent()
        self.tails = Frequent()

    def add(self, facts: Facts) -> None:
        """Remember a request. The ends of a repeated prompt say nothing about a wrapper and are not counted."""
        if facts.said is None:
            return
        new = self.prompts.add(facts.prompt)
        ends = facts.said.ends if new else None
        if ends is not None:
            self.heads.add(ends[0])
            self.tails.add(ends[1])
