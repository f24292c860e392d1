"""The two ends of a prompt, as hashes: what stays the same when a program wraps one payload after another."""

from typing import Final

from gateway.detectors.keyed import keyed32

BLOCK: Final = 24
"""Bytes of canonical UTF-8 at each end: 24 Latin letters, 12 Cyrillic ones, 8 Chinese ones.

Measured on the corpora of docs/signals.md: blocks of 16 let 10 % of people's requests pass for wrapped, blocks of 32
miss usual suffixes of a few words.
"""
ROOM: Final = 2 * BLOCK
"""Shorter prompts have no room for a wrapper and a payload: when people ask briefly, they begin alike by chance."""


def ends_of(head: str, tail: str) -> tuple[int, int] | None:
    """The hashes of the first and of the last block of a canonical excerpt, None when the prompt is too short."""
    first = head.encode("utf-8", "surrogatepass")
    if len(first) < ROOM:
        return None
    last = tail[-BLOCK:].encode("utf-8", "surrogatepass")
    # A tail of a few characters is completed by what came before it.
    last = last if len(last) >= BLOCK else first + last
    return keyed32(first[:BLOCK]), keyed32(last[-BLOCK:])
