"""The two ends of a prompt, as hashes: what stays the same when a program wraps one payload after another."""

from typing import Final

from gateway.detectors.facts import Facts
from gateway.detectors.keyed import keyed32

BLOCK: Final = 24
"""Bytes of canonical UTF-8 at each end: 24 Latin letters, 12 Cyrillic ones, 8 Chinese ones.

Measured on the corpora of docs/signals.md: blocks of 16 let 10 % of people's requests pass for wrapped, blocks of 32
miss usual suffixes of a few words.
"""
ROOM: Final = 2 * BLOCK
"""Shorter prompts have no room for a wrapper and a payload: when people ask briefly, they begin alike by chance."""


def ends_of(facts: Facts) -> tuple[int, int] | None:
    """The hashes of the first and of the last block of a canonical excerpt, None when the prompt is too short."""
    head = facts.head.encode("utf-8", "surrogatepass")
    if len(head) < ROOM:
        return None
    tail = facts.tail[-BLOCK:].encode("utf-8", "surrogatepass")
    # A tail of a few characters is completed by what came before it.
    last = tail if len(tail) >= BLOCK else head + tail
    return keyed32(head[:BLOCK]), keyed32(last[-BLOCK:])
