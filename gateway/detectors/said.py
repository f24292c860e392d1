"""What the last user turn says to detectors, without its text: read once for all signals, and kept for a while.

Most applications send some of their prompts again and again. What was read of a prompt is remembered by its
fingerprint, in which texts that differ by nothing that anybody means are one.
"""

from collections import OrderedDict
from typing import Final

from gateway.core.prompts import canonical
from gateway.detectors.facts import EXCERPT, Facts, Said
from gateway.detectors.lexicons import occurring
from gateway.detectors.wrapper import ends_of

KEPT: Final = 4096
"""Prompts that are remembered, some 400 bytes each: a number, hashes of the ends, names of lexicons."""


def said(head: str, tail: str) -> Said | None:
    """What is in the two ends of a turn; None where it has no text."""
    head, tail = folded(head, tail)
    return Said(occurring(head, tail), ends_of(head, tail)) if head else None


def folded(head: str, tail: str) -> tuple[str, str]:
    """Canonical texts, no longer than before: one sign may stand for many letters."""
    return canonical(head)[:EXCERPT], canonical(tail)[-EXCERPT:] if tail else ""


class Readings:
    """What was read of the prompts seen last; the least recently seen one makes room."""

    def __init__(self, limit: int = KEPT) -> None:
        self._limit = limit
        self._known: OrderedDict[int, Said | None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, facts: Facts) -> Said | None:
        known, prompt = self._known, facts.prompt
        try:
            known.move_to_end(prompt)
        except KeyError:
            read = said(facts.head, facts.tail)
            if len(known) >= self._limit:
                known.popitem(last=False)
            known[prompt] = read
            return read
        return known[prompt]
