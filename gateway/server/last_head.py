"""The head that came last on a connection: a client sends the same one again and again, but for the body's length."""

from typing import Final

from gateway.server.known_heads import LONGEST, KnownHeads
from gateway.server.plain_head import MOST_DIGITS, PlainHead

_MARK: Final = b"\r\ncontent-length:"


class LastHead:
    """Reads the heads of one connection; what is new to it is looked up among those of all.

    Which digits stand in Content-Length says nothing about all else in a head, see known_heads.py. The caller's key is
    part of what is compared and kept: here alone, for as long as this very connection is busy.
    """

    __slots__ = ("_before", "_behind", "_digits", "_head", "_known")

    def __init__(self, known: KnownHeads) -> None:
        self._known = known
        self._head: PlainHead | None = None
        self._before = self._digits = self._behind = b""

    def read(self, raw: bytes) -> PlainHead | None:
        """As `read_plain`."""
        head = self._head
        if head is not None and raw.startswith(self._before) and raw.endswith(self._behind):
            digits = raw[len(self._before) : len(raw) - len(self._behind)]
            if digits == self._digits:
                return head
            if len(digits) <= MOST_DIGITS and digits.isdigit():
                self._digits = digits
                self._head = head = head.of_length(digits)
                return head
        head = self._known.read(raw)
        if head is not None and len(raw) <= LONGEST:
            self._remember(raw, head)
        else:
            self.let_go()
        return head

    def let_go(self) -> None:
        """Of the head: nothing comes for a while."""
        self._head = None
        self._before = self._digits = self._behind = b""

    def _remember(self, raw: bytes, head: PlainHead) -> None:
        start = raw.lower().find(_MARK) + len(_MARK)
        start += raw[start : start + 1] == b" "
        end = raw.find(b"\r\n", start)
        self._head, self._before, self._digits, self._behind = head, raw[:start], raw[start:end], raw[end:]
