"""Which request heads are plain: those that every parser reads alike, so that our own lane may serve them.

Everything else (chunked, `Expect`, upgrades, repeated fields, odd bytes, other methods and versions) is not refused
here. It goes to aiohttp's server untouched, which decides. When in doubt a head is not plain.
"""

import re
from collections.abc import Container
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from multidict import CIMultiDict

from gateway.core.refusal import Refusal
from gateway.identity.authenticate import Claim, claim

LONGEST: Final = 8000
"""Bytes of a plain head: below it no line can be over the limits of aiohttp's parser (8,190 bytes)."""

_HEAD: Final = re.compile(
    rb"POST (/[\w/.-]++(?:\?[\w=&.-]*+)?) HTTP/1\.1\r\n"
    rb"(?:[!#$%&'*+.^`|~\w-]++: ?[ -~]*+\r\n)++\r\n",
    re.ASCII,
)
"""RFC 9112, section 3, of one method and version, with the field values kept to printable ASCII on one line."""
MOST_DIGITS: Final = 15
"""Of a length in bytes."""
_LENGTH: Final = re.compile(rf"[0-9]{{1,{MOST_DIGITS}}}")
_HOST: Final = re.compile(r"[A-Za-z0-9._:\[\]-]+")
_NOT_PLAIN: Final = frozenset(
    {
        b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer", b"http2-settings", b"proxy-connection",
        b"keep-alive", b"sec-websocket-key", b"sec-websocket-key1", b"sec-websocket-key2",
    }
)  # fmt: skip
"""Fields that change how a message is framed or what its connection is for."""


class PlainHead:
    """A head that leaves no question open; `length` is the body's, in bytes."""

    __slots__ = ("_claim", "headers", "length", "target")

    def __init__(self, target: str, headers: CIMultiDict[str], length: int) -> None:
        self.target = target
        self.headers = headers
        self.length = length
        self._claim: Claim | None = None

    def of_length(self, length: bytes) -> "PlainHead":
        """The same one, of the same caller, with another Content-Length: digits."""
        headers = self.headers.copy()
        headers["Content-Length"] = length.decode("ascii")
        other = PlainHead(self.target, headers, int(length))
        other._claim = self._claim
        return other

    @property
    def claimed(self) -> Claim | Refusal:
        """Whose it says it is; taken apart once."""
        if self._claim is None:
            claimed = claim(self.headers.get("authorization"), self.headers.get("x-api-key"))
            if isinstance(claimed, Refusal):
                return claimed
            self._claim = claimed
        return self._claim


class _Fields:
    """What llhttp calls while it reads."""

    __slots__ = ("names", "pairs", "target")

    def __init__(self) -> None:
        self.target = b""
        self.names: list[bytes] = []
        self.pairs: list[tuple[str, str]] = []

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.names.append(name.lower())
        self.pairs.append((name.decode("ascii"), value.decode("ascii")))


def read_plain(head: bytes, paths: Container[str], most_fields: int) -> PlainHead | None:
    """A head with its blank line, or None where it is not plain. `paths` are those that are served."""
    if _HEAD.fullmatch(head) is None or b" \r\n" in head:
        return None  # a value that ends in blanks may be read with them or without
    fields = _Fields()
    try:
        HttpRequestParser(fields).feed_data(head)
    except (HttpParserError, HttpParserUpgrade):
        return None
    names = set(fields.names)
    if len(names) != len(fields.names) or len(names) > most_fields or not names.isdisjoint(_NOT_PLAIN):
        return None
    target = fields.target.decode("ascii")
    headers = CIMultiDict(fields.pairs)
    length = headers.get("content-length", "")
    if (
        target.partition("?")[0] not in paths
        or _LENGTH.fullmatch(length) is None
        or _HOST.fullmatch(headers.get("host", "")) is None
        or headers.get("connection", "keep-alive").lower() != "keep-alive"
    ):
        return None
    return PlainHead(target, headers, int(length))
