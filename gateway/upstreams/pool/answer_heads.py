"""Heads of answers that were read before: an upstream sends one again and again, but for its date and a length.

What `Reading` says of a head depends on nothing but its bytes, and of those that stand in Content-Length and Date on
nothing but the length: of two heads that differ there alone, in digits and in a date of the usual form, both stand or
neither does, and all else in them is the same.
"""

import re
from typing import Final

MOST: Final = 8
"""Heads of one upstream that are remembered, the first: servers of models have two or three."""
LONGEST: Final = 1024
"""Bytes of a head that is remembered."""
_MOST_DIGITS: Final = 15
_LENGTHS: Final = (b"\r\ncontent-length: ", b"\r\nContent-Length: ")
_DATES: Final = (b"\r\ndate: ", b"\r\nDate: ")
_DATE: Final = re.compile(rb"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")
"""RFC 9110, section 5.6.7."""


class AnswerHead:
    """A head of status 200 with a length, as `Reading` keeps it."""

    __slots__ = ("headers", "keep", "length")

    def __init__(self, headers: dict[str, str], length: int, *, keep: bool) -> None:
        self.headers = headers
        self.length = length
        self.keep = keep


class _Known:
    """A head that stood: the bytes around its two values, and what it says."""

    __slots__ = ("_before", "_behind", "_between", "_date", "_date_first", "_headers", "_keep")

    def __init__(self, raw: bytes, headers: dict[str, str], *, keep: bool) -> None:
        self._headers = headers
        self._keep = keep
        self._between = self._date = b""
        self._date_first = False
        first = last = _value(raw, _LENGTHS)
        date = _value(raw, _DATES)
        said = raw[date[0] : date[1]]
        if _DATE.fullmatch(said) is not None:
            first, last = min(first, date), max(last, date)
            self._date, self._date_first = said, first == date
            self._between = raw[first[1] : last[0]]
        self._before, self._behind = raw[: first[0]], raw[last[1] :]

    def again(self, raw: bytes) -> AnswerHead | None:
        """What `raw` says, if it differs from this head in the two values alone."""
        if not raw.startswith(self._before) or not raw.endswith(self._behind):
            return None
        length = raw[len(self._before) : len(raw) - len(self._behind)]
        if self._between:
            first, between, date = length.partition(self._between)
            if not between:
                return None
            length, date = (date, first) if self._date_first else (first, date)
            if date != self._date and not self._dated(date):
                return None
        if len(length) > _MOST_DIGITS or not length.isdigit():
            return None
        headers = self._headers.copy()
        headers["content-length"] = length.decode("ascii")
        return AnswerHead(headers, int(length), keep=self._keep)

    def _dated(self, date: bytes) -> bool:
        """Take the date that most heads of the same second will have; False where it is none."""
        if _DATE.fullmatch(date) is None:
            return False
        self._date = date
        self._headers["date"] = date.decode("ascii")
        return True


class AnswerHeads:
    """Those of one upstream. One whose heads are all different, by an id in each, is soon asked no more."""

    __slots__ = ("_known", "_of_use")

    def __init__(self) -> None:
        self._known: list[_Known] = []
        self._of_use = False

    def again(self, raw: bytes) -> AnswerHead | None:
        """The head that `raw` is, if it is one of those but for the two values."""
        if len(self._known) >= MOST and not self._of_use:
            return None
        for known in self._known:
            head = known.again(raw)
            if head is not None:
                self._of_use = True
                return head
        return None

    def remember(self, raw: bytes, headers: dict[str, str], *, keep: bool) -> None:
        """A head with a length that was read, and stands."""
        if len(self._known) >= MOST or len(raw) > LONGEST or not _value(raw, _LENGTHS)[0]:
            return
        if raw.lower().count(b"\r\ndate:") <= 1:  # of two dates, it depends on their order which one counts
            self._known.append(_Known(raw, headers.copy(), keep=keep))


def _value(raw: bytes, marks: tuple[bytes, bytes]) -> tuple[int, int]:
    """Where the value of the first field of that name begins and ends; 0 where there is none in a usual spelling."""
    for mark in marks:
        at = raw.find(mark)
        if at >= 0:
            return at + len(mark), raw.find(b"\r\n", at + len(mark))
    return 0, 0
