"""Request heads made from plain ones by a few small changes, and what aiohttp's server reads in them."""

import asyncio
from random import Random
from typing import Any, Final, NamedTuple

from aiohttp import web

from gateway.server.door import Door, DoorLimits
from gateway.server.guards import check_head

PATHS: Final = frozenset({"/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens"})
LIMITS: Final = DoorLimits()
_NAMES: Final = (
    b"Host", b"Content-Length", b"Content-Type", b"Authorization", b"x-api-key", b"Connection", b"Transfer-Encoding",
    b"Expect", b"Upgrade", b"TE", b"Trailer", b"Keep-Alive", b"Proxy-Connection", b"Content-Encoding",
    b"HTTP2-Settings", b"Sec-WebSocket-Key1", b"Sec-WebSocket-Key", b"X-A", b"!#$%&'*+-.^_`|~", b"Content_Length",
    b"X-Forwarded-For", b"Cookie", b"Set-Cookie", b"Accept-Encoding", b"User-Agent", b"X",
    b"Content-Length2", b"Transfer-Encoding\0",
)  # fmt: skip
_VALUES: Final = (
    b"", b" ", b"a", b"0", b"5", b"05", b"+5", b"5,5", b"5 ", b"5 5", b"999999999999999", b"9999999999999999",
    b"close", b"keep-alive", b"Keep-Alive", b"KEEP-ALIVE", b"keep-alive, close", b"upgrade", b"chunked", b"identity",
    b"gzip", b"deflate", b"br", b"100-continue", b"gateway.test", b"[::1]:80", b"a:b:c", b"a,b", b"a@b", b"a\tb",
    b"\x7f", b"\xe9", b"\xc3\xa9", b'"q"', b"h2c", b"websocket", b"application/json", b"a" * 300, b"a b", b"  a",
    b"a  ",
)  # fmt: skip
_BYTES: Final = b"\0\t\n\r\x0b\x0c\x1c\x1f !\"#%&'(),/0:;<=>?@A[\\]^_`az{|}~\x7f\x80\x85\xa0\xe9\xff"
_LINES: Final = (
    b"POST /v1/chat/completions HTTP/1.1", b"POST /v1/messages?beta=true HTTP/1.1", b"GET /v1/messages HTTP/1.1",
    b"POST /v1/messages/count_tokens HTTP/1.1", b"POST /v1/messages HTTP/1.0", b"POST  /v1/messages HTTP/1.1",
    b"POST http://a/v1/messages HTTP/1.1", b"POST /v1/messages?a=b&c=-._ HTTP/1.1", b"POST /v1/messages# HTTP/1.1",
    b"POST /v1/messages? HTTP/1.1", b"POST //v1/messages HTTP/1.1", b"PRI * HTTP/2.0", b"POST /v1/messages HTTP/1.1 ",
)  # fmt: skip


def odd_head(random: Random) -> bytes:
    """A head with its blank line, from quite plain to quite broken."""
    line = b"POST /v1/chat/completions HTTP/1.1" if random.random() < 0.7 else random.choice(_LINES)
    fields = [
        (b"Host", b"gateway.test"), (b"Authorization", b"Bearer sk-1"), (b"Content-Type", b"application/json"),
        (b"Content-Length", b"5"),
    ]  # fmt: skip
    for _ in range(random.choice((0, 1, 1, 2, 3, 5))):
        _change(random, fields)
    mark = random.choice((b": ",) * 9 + (b":", b":  ", b" : ", b":\t"))
    head = b"\r\n".join([line, *(name + mark + value for name, value in fields), b"", b""])
    for _ in range(random.choice((0, 0, 0, 1, 1, 2))):
        at = random.randrange(len(head))
        new = bytes([random.choice(_BYTES) if random.random() < 0.8 else random.randrange(256)])
        head = head[:at] + random.choice((new, b"", new + head[at : at + 1])) + head[at + 1 :]
    return head


def _change(random: Random, fields: list[tuple[bytes, bytes]]) -> None:
    at = random.randrange(len(fields)) if fields else 0
    what = random.randrange(7)
    if what == 0 or not fields:
        fields.insert(at, (random.choice(_NAMES), random.choice(_VALUES)))
    elif what == 1:
        fields[at] = (fields[at][0], random.choice(_VALUES))
    elif what == 2:
        fields[at] = (random.choice(_NAMES), fields[at][1])
    elif what == 3:
        name, value = fields[at]
        fields[at] = (random.choice((name.lower(), name.upper(), name.swapcase())), value)
    elif what == 4:
        fields.append(fields.pop(at))
    elif what == 5:
        fields.insert(random.randrange(len(fields)), fields[at])
    elif random.random() < 0.2:
        fields += [(b"X-%d" % number, b"a") for number in range(random.choice((90, 95, 96, 97, 98, 120)))]
    else:
        fields.pop(at)


class AsRead(NamedTuple):
    """What aiohttp's server makes of a head, and what our guards say to it."""

    method: str
    target: str
    version: tuple[int, int]
    fields: list[tuple[bytes, bytes]]
    body_bytes: int | None
    """None where it does not end by a length."""
    keeps: bool
    fault: Any
    rest: bytes
    """What the parser left of the head for the next request."""


async def read_by_aiohttp(head: bytes) -> AsRead | None:
    """With the very parser and settings of the reference lane; None where it refuses."""
    protocol = Door(_never, LIMITS, _bad)()
    parser = protocol._parser
    try:
        messages, _, rest = parser.feed_data(head)
    except Exception:  # noqa: BLE001 - whatever it does not take
        return None
    if len(messages) != 1:
        return None
    message, payload = messages[0]
    length = message.headers.get("content-length", "0")
    body = int(length) if length.isdigit() else None
    if body is not None and 0 < body < 100:
        parser.feed_data(b"x" * (body - 1))
        assert not payload.is_eof()
        parser.feed_data(b"x")
        assert payload.is_eof()
    loop = asyncio.get_running_loop()
    request = web.BaseRequest(message, payload, protocol, None, None, loop)
    return AsRead(
        message.method,
        message.path,
        tuple(message.version),
        list(message.raw_headers),
        None if message.chunked or message.upgrade else body,
        not message.should_close,
        check_head(request, LIMITS.head_bytes),
        rest,
    )


async def _never(_: web.BaseRequest) -> web.StreamResponse:
    raise AssertionError("nothing is served here")


def _bad(status: int) -> web.Response:
    return web.Response(status=status)
