"""What is refused on the head of a request alone, before a key is looked up or a byte of body is read."""

from collections.abc import Mapping
from typing import Final

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web

from gateway.core import reasons
from gateway.core.refusal import Refusal

_SINGLE: Final = (
    hdrs.HOST, hdrs.AUTHORIZATION, "x-api-key", hdrs.CONTENT_LENGTH, hdrs.CONTENT_TYPE, hdrs.CONTENT_ENCODING,
    hdrs.TRANSFER_ENCODING,
)  # fmt: skip
"""Headers that two parsers would read differently when they come twice."""

_JSON: Final = "application/json"
_NOT_IN_HOST: Final = frozenset(" ,@/\\?#")

_HOP_BY_HOP: Final = frozenset(
    {"close", "keep-alive", "te", "upgrade", "http2-settings", "trailer", "transfer-encoding"}
)
"""What Connection may name. Naming any other header asks a proxy to drop it, which is how headers are smuggled."""


def check_head(request: web.BaseRequest, head_bytes: int) -> Refusal | None:
    """Refuse what is too large or ambiguous: version, target form, repeated or contradictory headers, upgrades."""
    if sum(len(name) + len(value) + 4 for name, value in request.raw_headers) > head_bytes:
        return Refusal(reasons.HEADERS_TOO_LARGE, f"the headers are over the limit of {head_bytes} bytes")
    version = request._version  # read past aiohttp's cache, so that the next line has an effect
    if version not in (HttpVersion11, HttpVersion10):
        request._version = HttpVersion11  # the answer's version: an echo of theirs nobody could read
        return _bad("only HTTP/1.0 and HTTP/1.1 are served")
    if not request.raw_path.startswith("/"):
        return _bad("the request target must be a path")
    headers = request.headers
    for name in _SINGLE:
        if name in headers and len(headers.getall(name)) > 1:
            return _bad(f"the header {name.lower()} may appear once")
    if hdrs.TRANSFER_ENCODING in headers:
        if headers[hdrs.TRANSFER_ENCODING] != "chunked":
            return _bad("the only transfer-encoding served is chunked")
        if hdrs.CONTENT_LENGTH in headers:
            return _bad("content-length and transfer-encoding exclude each other")
    host = headers.get(hdrs.HOST)
    if host is None:
        if version == HttpVersion11:
            return _bad("the header host is missing")
    elif not _NOT_IN_HOST.isdisjoint(host):
        return _bad("the header host must be one name or address, with or without a port")
    connection = headers.get(hdrs.CONNECTION)
    if connection is not None:
        named = {token.strip().lower() for token in connection.split(",")}
        if "upgrade" in named or hdrs.UPGRADE in headers:
            return Refusal(
                reasons.UPGRADE_REFUSED, "connection upgrades (WebSocket, h2c) are not served here; use plain HTTP/1.1"
            )
        if not named <= _HOP_BY_HOP:
            return _bad("the header connection names a header that is not hop-by-hop")
    elif hdrs.UPGRADE in headers:
        return Refusal(reasons.UPGRADE_REFUSED, "connection upgrades are not served here; use plain HTTP/1.1")
    return None


def check_body_head(headers: Mapping[str, str], announced: int | None, body_bytes: int) -> Refusal | None:
    """Refuse a body by its announcement: type, encoding, size."""
    media_type = headers.get(hdrs.CONTENT_TYPE, "")
    if media_type != _JSON:  # as nearly all write it
        if media_type.partition(";")[0].strip().lower() != _JSON:
            return Refusal(reasons.UNSUPPORTED_MEDIA_TYPE, "content-type must be application/json")
        charset = media_type.lower().partition("charset=")[2].partition(";")[0].strip(' "')
        if charset not in ("", "utf-8", "utf8"):
            return Refusal(reasons.UNSUPPORTED_MEDIA_TYPE, "the body must be UTF-8")
    if headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        return Refusal(reasons.UNSUPPORTED_ENCODING, "compressed request bodies are not accepted; send it uncompressed")
    if announced is not None and announced > body_bytes:
        return too_large(body_bytes)
    expect = headers.get(hdrs.EXPECT)
    if expect is not None and expect.lower() != "100-continue":
        return Refusal(reasons.INVALID_REQUEST, "the only expectation served is 100-continue", param="expect")
    return None


def too_large(body_bytes: int) -> Refusal:
    return Refusal(
        reasons.BODY_TOO_LARGE, f"the body is over the limit of {body_bytes} bytes", details={"limit_bytes": body_bytes}
    )


def _bad(message: str) -> Refusal:
    return Refusal(reasons.INVALID_REQUEST, message)
