"""Large bodies without their bulk: long base64 strings are lifted out before parsing and put back after serialising.

A picture of 5 MB would otherwise hold the event loop for 20 ms, most of it to quote and encode what is opaque to
everybody here. What is lifted stands between two quotes, has at least 64 KiB and nothing but base64 digits, so it is
the inside (or the end of the inside) of a JSON string, valid as it is: outside of strings every run between two quotes
has at least one of `:,[]{}` in it. Where that does not hold the document is no JSON, and with the stand-in it is none
either.
"""

import os
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

THRESHOLD: Final = 1 << 17
"""Smaller bodies are parsed as they are: it costs a quarter of a millisecond more at the most."""
MIN_SPAN: Final = 1 << 16
_ENDS: Final = 1 << 16
"""Bytes of each end of a lifted string by which it is known again."""
_GLANCE: Final = 64
"""Bytes that tell most texts from base64."""
_DIGITS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_"
_NUMBER: Final = 6
"""Digits of a stand-in's number."""
_PREFIX: Final = 256
"""A data URL's beginning (`data:image/png;base64,`) is shorter than this."""


class Splices:
    """The lifted strings of one body, by their stand-ins. Stand-ins are random: no caller can write one."""

    __slots__ = ("_mark", "_spans", "size")

    def __init__(self) -> None:
        self._mark = b"splice-" + os.urandom(16).hex().encode() + b"-"
        self._spans: list[bytes] = []
        self.size = 0
        """Bytes lifted."""

    def __len__(self) -> int:
        return len(self._spans)

    def lift(self, span: bytes) -> bytes:
        """A stand-in for `span`."""
        self._spans.append(span)
        self.size += len(span)
        return self._stand_in(len(self._spans) - 1)

    def _stand_in(self, index: int) -> bytes:
        return self._mark + b"%0*d" % (_NUMBER, index)

    def within(self, texts: Iterable[str]) -> int:
        """Bytes of the lifted strings whose stand-ins are in these texts, each as often as it is there."""
        mark, size = self._mark.decode(), 0
        for text in texts:
            for rest in text.split(mark)[1:]:
                index = rest[:_NUMBER]
                size += len(self._spans[int(index)]) if index.isdecimal() and int(index) < len(self._spans) else 0
        return size

    def named(self, text: str) -> str:
        """The text with a name for each lifted string, the same whenever that string is: by it a prompt is known again.
        Its length and both ends tell it.
        """
        if self._mark.decode() not in text:
            return text
        for index, span in enumerate(self._spans):
            stand_in = self._stand_in(index).decode()
            if stand_in in text:
                told = blake2b(span[:_ENDS], digest_size=16)
                told.update(span[-_ENDS:])
                text = text.replace(stand_in, f"{len(span)}-{told.hexdigest()}")
        return text

    def restore(self, body: bytes) -> bytes:
        """Put every lifted string back where its stand-in is, as often as it is there."""
        for index, span in enumerate(self._spans):
            body = body.replace(self._stand_in(index), span)
        return body


def splice(body: bytes) -> tuple[bytes, Splices | None]:
    """The body without its long base64 strings; None and the very same body when it has none."""
    splices = Splices()
    kept: list[bytes] = []
    done = probe = 0
    # Any span is at least MIN_SPAN long, so looking every MIN_SPAN bytes meets each one, and finds its two quotes.
    while (probe := probe + MIN_SPAN) < len(body):
        end = body.find(b'"', probe)
        if end < 0:
            break
        start = body.rfind(b'"', done, probe) + 1
        if start and end - start >= MIN_SPAN:
            comma = body.find(b",", start, start + _PREFIX)
            start = comma + 1 if comma >= 0 else start
            span = body[start:end]
            if len(span) >= MIN_SPAN and _opaque(span[:_GLANCE]) and _opaque(span):
                kept += (body[done:start], splices.lift(span))
                done = end
        probe = max(probe, end - MIN_SPAN // 2)
    if not splices:
        return body, None
    kept.append(body[done:])
    return b"".join(kept), splices


def _opaque(span: bytes) -> bool:
    """Whether it is nothing but base64 digits."""
    return not span.translate(None, _DIGITS)
