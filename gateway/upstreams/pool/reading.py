"""One response as its bytes come: heads, then the body, then nothing. No socket, no clock.

llhttp (through httptools) reads the heads and the chunks; what it passes and `head.check_head` refuses is refused here.
Where a head ends is found by ourselves, so that both must agree on it, and every head gets a parser of its own: no
state of one message reaches the next.
"""

from collections.abc import Callable
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.upstreams import head
from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.pool.answer_heads import AnswerHeads

MAX_HEAD: Final = 64 * 1024
"""Bytes of one head."""
MAX_QUIET: Final = 16 * 1024
"""Bytes of chunk extensions and trailers in a row, give or take one read. Nobody acts on them."""
_START: Final = b"HTTP/1."
_END: Final = b"\r\n\r\n"
_MAX_START: Final = head.MAX_REASON + len("HTTP/1.1 200 ")


class Reading:
    """Feed it everything that came; body bytes are appended to `parts` as they are found."""

    __slots__ = (
        "_buffer", "_headed", "_interim", "_known", "_left", "_no_body", "_parser", "_parts", "_quiet", "_tail",
        "complete", "extra", "headers", "keep", "on_body", "status",
    )  # fmt: skip

    def __init__(self, parts: list[bytes], known: AnswerHeads | None = None, *, no_body: bool = False) -> None:
        self._parts = parts
        self.on_body = parts.append  # httptools calls it: from C to C
        self._known = None if no_body else known
        self._no_body = no_body
        """The request was a HEAD: a length is told, nothing follows."""
        self._buffer = b""
        self._headed = False
        self._interim = 0
        self._left: int | None = None
        """Bytes of the body that are still to come; None for chunks."""
        self._parser: HttpResponseParser | None = None
        self._quiet = 0
        self._tail = b""
        self.status = 0
        """0 until the head is there."""
        self.headers: dict[str, str] = {}
        self.complete = False
        """The body came to its end."""
        self.extra = False
        """Something came after the end."""
        self.keep = False
        """Whether the head lets the connection be used again."""

    def feed(self, data: bytes) -> None:
        """Raises UpstreamFailed; a failure with `status` set is one of the body."""
        if not self.status:
            data = self._heads(data)
        if not data:
            return
        if self.complete:
            self.extra = True
        elif self._left is None:
            self._chunks(data)
        else:
            self._piece(data, self._left)

    def drop(self) -> None:
        """Nothing is fed any more. The parser and this object hold each other; that ends here."""
        self._parser = None

    def _heads(self, data: bytes) -> bytes:
        """What follows the real head, once it is there."""
        seen = 0
        if self._buffer:
            seen = max(0, len(self._buffer) - 3)
            data = self._buffer + data
        while (end := data.find(_END, seen)) >= 0:
            end += 4
            self._one(data[:end])
            data, seen = data[end:], 0
            if self.status:
                self._buffer = b""
                return data
        lone = data.count(b"\n") != data.count(b"\r\n")  # an end of the head for some, and we would wait for another
        if len(data) > MAX_HEAD or lone or not (data.startswith(_START) or _START.startswith(data)):
            raise head.not_http()
        self._buffer = data
        return b""

    def _one(self, raw: bytes) -> None:
        """Judge a whole head, up to and including its empty line. llhttp reads every line; we keep the fields."""
        again = self._known.again(raw) if self._known is not None else None
        if again is not None:
            self.headers, self.keep, self.status = again.headers, again.keep, 200
            self._left = again.length
            self.complete = not again.length
            return
        lines = raw.decode("utf-8", "surrogateescape").split("\r\n")
        long = len(raw) > head.MAX_LINE and not _fits(raw)
        if long or not raw.startswith(_START) or len(lines) - 3 > head.MAX_FIELDS:
            raise head.not_http()
        self._parser = parser = HttpResponseParser(self)
        try:
            parser.feed_data(raw)
        except HttpParserUpgrade:
            pass  # a 101, refused below
        except HttpParserError:
            raise head.not_http() from None
        status = parser.get_status_code()
        if status == 101:
            raise head.switched()
        if not self._headed:
            raise head.not_http()
        self._headed = self.complete = False  # both also said of an interim head
        if status >= 200:
            clean = head.controls(raw) == 2 * (len(lines) - 1)
            self._final(status, lines, clean=clean)
            if self._known is not None and status == 200 and self._left is not None:
                self._known.remember(raw, self.headers, keep=self.keep)
            return
        self._interim += 1
        if self._interim > head.MAX_INTERIM:
            raise head.too_many_interim()

    def _final(self, status: int, lines: list[str], *, clean: bool) -> None:
        start = lines[0]
        newest = start.startswith("HTTP/1.1 ")
        fields = lines[1:-2]
        headers = self.headers
        for line in fields:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip(" \t")
        found = headers.get if len(headers) == len(fields) else _all(fields)
        left = head.check_head(
            (1, 1) if newest else (1, 0),
            status,
            clean=clean and len(start) <= _MAX_START,
            length=found("content-length"),
            coding=found("transfer-encoding"),
            encoding=found("content-encoding"),
        )
        if self._no_body:
            left = 0
        self._left = left
        self.complete = left == 0
        if not newest:
            self.keep = False
        self.status = status
        if left is not None:
            self._parser = None  # the rest is counting

    def _piece(self, data: bytes, left: int) -> None:
        if len(data) > left:
            self.extra = True
            data = data[:left]
        self._left = left = left - len(data)
        self.complete = left == 0
        self._parts.append(data)

    def _chunks(self, data: bytes) -> None:
        parser = self._parser
        if parser is None:
            return
        before = len(self._parts)
        try:
            parser.feed_data(data)
        except HttpParserError:
            self._parser = None
            if not self.complete:
                raise broken() from None
            self.extra = True
        tail = self._tail = data[-5:] if len(data) > 4 else (self._tail + data)[-5:]
        if self.complete:
            self._parser = None
            # llhttp passes over empty lines behind the last chunk; they are not part of this answer.
            if not tail.endswith(_END) or tail[:1] in b"\r\n":
                self.extra = True
            return
        if len(self._parts) > before:
            self._quiet = 0
            return
        self._quiet += len(data)
        if self._quiet > MAX_QUIET:
            raise broken()

    # What httptools calls.

    def on_message_begin(self) -> None:
        if self.complete:
            raise _Another  # llhttp stops here, before it could add to this answer

    def on_headers_complete(self) -> None:
        self._headed = True
        assert self._parser is not None
        self.keep = self._parser.should_keep_alive()  # at the end of an empty body it has forgotten

    def on_message_complete(self) -> None:
        self.complete = True


class _Another(Exception):  # noqa: N818 - named for what was found
    """A second message."""


def _all(fields: list[str]) -> Callable[[str], str | None]:
    """Looks up fields of which some have one name: gives all values, with commas between."""
    found: dict[str, str] = {}
    for line in fields:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        found[name] = f"{found[name]},{value}" if name in found else value
    return found.get


def _fits(raw: bytes) -> bool:
    return len(raw) <= MAX_HEAD and max(map(len, raw.split(b"\r\n"))) <= head.MAX_LINE


def broken() -> UpstreamFailed:
    """The body is not what its head said."""
    return UpstreamFailed("body", "the upstream broke off its response")
