"""Heads of answers that were read before: an upstream sends one again and again, but for its date and a length.

What `Reading` says of a head depends on nothing but its bytes, and of those that stand in Content-Length and Date on
nothing but the length: of two heads that differ there alone, in digits and in a date of the usual form, both stand or
neither does, and all else in them is the same.
"""

import re
from typing import Final

MOST: Final = 64
"""Heads of one upstream that are remembered, the first: servers of models have two or three."""
LONGEST: Final = 1024
"""Bytes of a head that is remembered."""
_MOST_DIGITS: Final = 15
_LENGTHS: Final = (b"\r\ncontent-length: ", b"\r\nContent-Length: ")
_DATES: Final = (b"\r\ndate: ", b"\r\nDate: ")
_DATE: Final = re.compile(rb"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")
"""RFC 9110, section 5.6.7."""
_DATE_SIZE: Final = len(b"Sun, 06 Nov 1994 08:49:37 GMT")


class AnswerHead:
    """A head of status 200 with a length, as `Reading` keeps it."""

    __slots__ = ("headers", "keep", "length")

    def __init__(self, headers: dict[str, str], length: int, *, keep: bool) -> None:
        self.headers = headers
        self.length = length
        self.keep = keep


class AnswerHeads:
    """Those of one upstream. One whose heads are all different, by an id in each, is soon asked no more."""

    __slots__ = ("_known", "_of_use")

    def __init__(self) -> None:
        self._known: dict[bytes, AnswerHead] = {}
        """By their bytes without the two values."""
        self._of_use = False

    def again(self, raw: bytes) -> AnswerHead | None:
        """The head that `raw` is, if it is one of those but for the two values."""
        if len(self._known) >= MOST and not self._of_use:
            return None
        cut = _cut(raw)
        if cut is None:
            return None
        rest, length, date = cut
        known = self._known.get(rest)
        if known is None:
            return None
        self._of_use = True
        headers = known.headers.copy()
        headers["content-length"] = length.decode("ascii")
        if date:
            headers["date"] = date.decode("ascii")
        return AnswerHead(headers, int(length), keep=known.keep)

    def remember(self, raw: bytes, headers: dict[str, str], *, keep: bool) -> None:
        """A head that was read, and stands."""
        if len(self._known) >= MOST or len(raw) > LONGEST:
            return
        cut = _cut(raw)
        if cut is not None:
            self._known[cut[0]] = AnswerHead(headers.copy(), 0, keep=keep)


def _cut(raw: bytes) -> tuple[bytes, bytes, bytes] | None:
    """A head without its first length and date, and these; None without a length, and where a value is no usual one."""
    start = _after(raw, _LENGTHS)
    end = raw.find(b"\r\n", start)
    length = raw[start:end]
    if not 0 < start < end <= start + _MOST_DIGITS or not length.isdigit():
        return None
    rest = raw[:start] + raw[end:]
    start = _after(rest, _DATES)
    if not start:
        return rest, length, b""
    end = start + _DATE_SIZE
    date = rest[start:end]
    if _DATE.fullmatch(date) is None or rest[end : end + 2] != b"\r\n":
        return None
    return rest[:start] + rest[end:], length, date


def _after(raw: bytes, marks: tuple[bytes, bytes]) -> int:
    """Where the value of a field begins; 0 where there is none."""
    for mark in marks:
        at = raw.find(mark)
        if at >= 0:
            return at + len(mark)
    return 0
