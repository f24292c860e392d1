"""Heads that were read before: what one client sends, others of its kind send too, but for the key and the length.

What `read_plain` says of a head depends on nothing but its bytes, and neither on which digits stand in Content-Length
nor on which token stands in a credential: of two heads that differ there alone, both are plain or neither is, and all
else in them is the same. Without these values heads are few, and nothing that is remembered is a secret.
"""

import re
from collections.abc import Container
from typing import Final

from gateway.core.secret_headers import SECRET_HEADERS
from gateway.server.plain_head import PlainHead, read_plain

MOST: Final = 1024
"""Heads that are remembered, the newest: each takes some 3 KB."""
LONGEST: Final = 2048
"""Bytes of a head that is remembered; what clients send has 300 to 1,000."""
_LENGTH: Final = re.compile(rb"[0-9]{1,15}")
_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/=-]+")
"""RFC 6750, section 2.1: no blank, and nothing that ends a line."""


def _marks(*fields: str) -> tuple[tuple[bytes, str, bytes], ...]:
    """How a field begins as it is sent, its name, and what of its value stands before what is left out."""
    return tuple((b"\r\n%b" % field.encode(), field.split(": ")[0], field.split(": ")[1].encode()) for field in fields)


_LEFT_OUT: Final = (
    (_marks("Content-Length: ", "content-length: "), _LENGTH),
    (_marks("Authorization: Bearer ", "authorization: Bearer ", "X-Api-Key: ", "x-api-key: "), _TOKEN),
)
"""As clients write it: of each line the first that a head has."""


class KnownHeads:
    """Reads the heads of one listener; see `read_plain` for `paths` and `most_fields`."""

    __slots__ = ("_known", "_most_fields", "_paths")

    def __init__(self, paths: Container[str], most_fields: int) -> None:
        self._paths = paths
        self._most_fields = most_fields
        self._known: dict[bytes, PlainHead] = {}
        """By their bytes without what is left out of them."""

    def __len__(self) -> int:
        return len(self._known)

    def read(self, head: bytes) -> PlainHead | None:
        """As `read_plain`."""
        rest, given = head, list[tuple[str, str]]()
        for marks, form in _LEFT_OUT:
            for mark, field, before in marks:
                at = rest.find(mark)
                if at < 0:
                    continue
                at += len(mark)
                end = rest.find(b"\r\n", at)
                value = rest[at:end]
                if form.fullmatch(value) is None:
                    return read_plain(head, self._paths, self._most_fields)
                rest = rest[:at] + rest[end:]
                given.append((field, (before + value).decode("ascii")))
                break
        known = self._known.get(rest)
        if known is None:
            found = read_plain(head, self._paths, self._most_fields)
            if found is not None and len(head) <= LONGEST:
                self._remember(rest, found, given)
            return found
        headers = known.headers.copy()
        for field, text in given:
            headers[field] = text
        return PlainHead(known.target, headers, int(given[0][1]))

    def _remember(self, rest: bytes, head: PlainHead, given: list[tuple[str, str]]) -> None:
        """Where all that must be left out of it is."""
        left_out = [field.lower() for field, _ in given]
        kept = [field for field in SECRET_HEADERS if field in head.headers and field not in left_out]
        if "content-length" not in left_out or kept:
            return
        headers = head.headers.copy()
        for field, _ in given:
            headers[field] = ""
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[rest] = PlainHead(head.target, headers, 0)
