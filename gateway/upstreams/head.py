"""What a response head must be, whichever client reads it: a head that two parsers could frame differently is none."""

from typing import Final

from gateway.upstreams.base import UpstreamFailed

MAX_INTERIM: Final = 8
"""1xx heads before the real one. We never ask for any; a few are legal."""
MAX_REASON: Final = 256
MAX_FIELDS: Final = 128
MAX_LINE: Final = 8190
"""Bytes of one line of a head."""
BODYLESS: Final = frozenset({204, 304})
"""Statuses whose answer has no body, whatever the head says."""
_MAX_DIGITS: Final = 19
_VERSIONS: Final = ((1, 1), (1, 0))
_CONTROL: Final = bytes(range(32)).replace(b"\t", b"") + b"\x7f"


def check_head(
    version: tuple[int, int],
    status: int,
    *,
    clean: bool,
    length: str | None,
    coding: str | None,
    encoding: str | None,
) -> int | None:
    """The body's length, or None for chunks. Raises UpstreamFailed for ambiguous framing or content.

    `clean` says that the text holds no `controls` and that the reason phrase has at most MAX_REASON characters.
    `length`, `coding` and `encoding` are Content-Length, Transfer-Encoding and Content-Encoding (RFC 9112, section 6),
    None where there is none, and of several fields of one name all values with commas between: none of those passes.
    """
    if version not in _VERSIONS or status > 599:
        raise failed("the upstream answered in an unknown HTTP version or status")
    if not clean:
        raise failed("the upstream's response head holds control characters or is too long")
    size: int | None = None
    if coding is not None:
        if length is not None:
            raise failed("the upstream framed its response twice")
        if coding.lower() != "chunked" or version == (1, 0):
            raise failed("the upstream's transfer coding is not plain chunked")
    elif length is not None:
        if not (length.isascii() and length.isdigit()) or len(length) > _MAX_DIGITS:
            raise failed("the upstream's Content-Length is not one number")
        size = int(length)
    elif status not in BODYLESS:
        # Without either, a cut connection and a finished body look the same.
        raise failed("the upstream's response has neither a length nor chunks")
    if encoding is not None and encoding.lower() != "identity":
        raise failed("the upstream compressed its response although asked not to")
    return 0 if status in BODYLESS else size


def controls(text: bytes) -> int:
    """How many control characters, line ends among them; a tab is none."""
    return len(text) - len(text.translate(None, _CONTROL))


def failed(message: str) -> UpstreamFailed:
    """A head that is no answer."""
    return UpstreamFailed("first_byte", message)


def switched() -> UpstreamFailed:
    return failed("the upstream switched protocols unasked")


def too_many_interim() -> UpstreamFailed:
    return failed(f"the upstream sent more than {MAX_INTERIM} interim responses")


def not_http() -> UpstreamFailed:
    return failed("the upstream's response head is not valid HTTP")


def lost(*, stale: bool) -> UpstreamFailed:
    """The connection ended before the head was there."""
    return UpstreamFailed("first_byte", "the upstream closed the connection before it answered", stale=stale)


def late() -> UpstreamFailed:
    return UpstreamFailed("first_byte", "the upstream did not begin to answer in time", timeout=True)
