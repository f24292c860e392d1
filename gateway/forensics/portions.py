"""Texts for the registry: how many are looked up in one pass over its files, and long ones in parts."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gateway.forensics.inputs import Document

AT_ONCE: Final = 256
"""Texts that are looked up in one pass over the files."""
CHARS_AT_ONCE: Final = 2 << 20
"""Of them together: about 300 MB of memory."""
PART: Final = 1 << 18
"""Characters from which on a text is looked up in parts, as if they were texts of their own."""
OVERLAP: Final = 1 << 10
"""Characters that stand in two parts, so that no passage is torn."""


def parts(whole: Document) -> Iterator[Document]:
    """A text as found, whole or in parts that are numbered from 1."""
    text = whole.original
    if len(text) <= PART:
        yield whole
        return
    for number, start in enumerate(range(0, len(text), PART - OVERLAP), 1):
        piece = text[start : start + PART]
        yield replace(whole, name=f"{whole.name} (part {number})", text=piece, original=piece)
