"""Odd heads before a body that fits, as conversations by name."""

from collections.abc import Mapping

from tests.support.bad_http import crafter
from tests.support.lanes import Do, Step
from tests.support.rawhttp import CHAT, chat_body

ODD_LINES: Mapping[str, tuple[bytes, ...]] = {
    "a field twice": (b"X-A: 1", b"X-A: 2"),
    "user-agent twice": (b"User-Agent: a", b"User-Agent: b"),
    "x-forwarded-for twice": (b"X-Forwarded-For: 10.0.0.1", b"X-Forwarded-For: 10.0.0.2"),
    "anthropic-version twice": (b"anthropic-version: 2023-06-01", b"anthropic-version: 2023-06-02"),
    "a tab in a value": (b"X-A: a\tb",),
    "a tab before a value": (b"X-A:\tb",),
    "blanks behind a value": (b"X-A: b   ",),
    "blanks before a value": (b"X-A:     b",),
    "only blanks": (b"X-A:    ",),
    "no blank": (b"X-A:b",),
    "an empty value": (b"X-A:",),
    "an empty value and a blank": (b"X-A: ",),
    "an empty key": (b"x-api-key:",),
    "another key": (b"x-api-key: sk-other",),
    "latin-1": (b"X-A: caf\xe9",),
    "utf-8": ("X-A: café".encode(),),
    "latin-1 name": (b"X-\xc9: a",),
    "delete": (b"X-A: a\x7fb",),
    "odd name": (b"!#$%&'*+.^_`|~: a",),
    "underscores": (b"X_Forwarded_For: 1.2.3.4",),
    "colons": (b"X-A: a:b:c",),
    "a colon first": (b"X-A: :",),
    "name in capitals": (b"X-REQUEST-ID: mine-7",),
    "a long value": (b"X-A: " + b"a" * 7000,),
    "a longer value": (b"X-A: " + b"a" * 8180,),
    "a value too long": (b"X-A: " + b"a" * 8200,),
    "a long name": (b"X" * 7000 + b": a",),
    "90 fields": tuple(b"X-%d: a" % n for n in range(90)),
    "95 fields": tuple(b"X-%d: a" % n for n in range(95)),
    "96 fields": tuple(b"X-%d: a" % n for n in range(96)),
    "97 fields": tuple(b"X-%d: a" % n for n in range(97)),
    "101 fields": tuple(b"X-%d: a" % n for n in range(101)),
    "many long values": tuple(b"X-%d: %s" % (n, b"a" * 4000) for n in range(7)),
    "over the limit of bytes": tuple(b"X-%d: %s" % (n, b"a" * 4000) for n in range(9)),
    "close": (b"Connection: close",),
    "Close": (b"Connection: Close",),
    "keep-alive": (b"Connection: keep-alive",),
    "Keep-Alive": (b"Connection: Keep-Alive",),
    "keep-alive, close": (b"Connection: keep-alive, close",),
    "close, keep-alive": (b"Connection: close, keep-alive",),
    "keep-alive and close": (b"Connection: keep-alive", b"Connection: close"),
    "keep-alive,": (b"Connection: keep-alive,",),
    "empty connection": (b"Connection:",),
    "connection te": (b"Connection: TE", b"TE: trailers"),
    "te": (b"TE: trailers",),
    "keep-alive field": (b"Keep-Alive: timeout=5",),
    "proxy-connection": (b"Proxy-Connection: close",),
    "upgrade": (b"Upgrade: h2c",),
    "connection upgrade": (b"Connection: Upgrade", b"Upgrade: websocket"),
    "websocket key": (b"Sec-WebSocket-Key: eA==",),
    "expect other": (b"Expect: something",),
    "trailer": (b"Trailer: X-A",),
    "cookie": (b"Cookie: a=b; c=d",),
    "range": (b"Range: bytes=0-5",),
    "if-none-match": (b'If-None-Match: "x"',),
    "accept-encoding": (b"Accept-Encoding: gzip, br",),
    "method override": (b"X-HTTP-Method-Override: GET",),
    "encoding deflate": (b"Content-Encoding: deflate",),
    "forwarded": (b"Forwarded: for=1.2.3.4",),
    "idempotency": (b"Idempotency-Key: a-b-c",),
}
HOSTS = (
    b"a", b"a:1", b"a:b", b"[::1]", b"[::1]:80", b"127.0.0.1:8080", b"a..b", b":", b":80", b"a_b", b"a b", b"a%20b",
    b"-", b"[", b"]", b"a\tb", b"xn--caf-dma", b"caf\xe9", b"A.B", b"a;b", b"a'b", b"", b"a:99999", b"a,b", b"a@b",
)  # fmt: skip
LENGTHS = (
    b"%d", b"0%d", b"00000000%d", b"+%d", b"-%d", b"%d,", b"%d, %d", b"%d %d", b"%d\t", b"%d  ", b" %d", b"\t%d",
    b"%d.0", b"%de0", b"0x%x", b"", b"0", b"00", b"000000000000000%d", b"0000000000000000000000000%d", b"1000000",
    b"99999999999999", b"999999999999999", b"9999999999999999", b"9223372036854775807", b"9223372036854775808",
    b"18446744073709551615", b"18446744073709551616", b"99999999999999999999999999",
)  # fmt: skip
TARGETS = (
    "?", "?a", "?a=b", "?a=b&c=d", "?beta=true&x=%20", "?a=b?c", "?a=/", "?a b", "#a", "?a#b", "?&&==", "?a=é", "/?a",
    "?a=-._~", "?a=+", "?a=[1]", '?a="', "?a='", "?a=|", "?" + "a" * 7000, "?" + "a" * 8200,
)  # fmt: skip


def heads(keys: Mapping[str, str]) -> dict[str, list[Step]]:
    """Odd heads, each before a body that fits."""
    make = crafter(keys["acme"])
    body = chat_body()
    length = b"Content-Length: %d" % len(body)
    found: dict[str, list[Step]] = {f"line: {name}": [make(*lines, length)] for name, lines in ODD_LINES.items()}
    for host in HOSTS:
        found[f"host: {host!r}"] = [make(length).replace(b"gateway.test", host)]
    for value in LENGTHS:
        text = value % ((len(body),) * value.count(b"%"))
        whole = make(b"Content-Length: " + text)
        if text.strip(b"0") == b"":  # what follows is no body but the next head; see `forgotten`
            found[f"length: {value!r}"] = [whole[: -len(body)], Do.READ_ANSWER, body]
        elif len(text) > 6 and text.isdigit() and int(text) > len(body):
            found[f"length: {value!r}"] = [whole, Do.HALF_CLOSE]
        else:
            found[f"length: {value!r}"] = [whole]
    for target in TARGETS:
        found[f"target: {target[:20]}.{len(target)}"] = [make(length, target=(CHAT + target).encode())]
    for version in (b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2", b"http/1.1", b"HTTP/1.1 ", b" HTTP/1.1", b"HTTP/1.10"):
        found[f"version: {version!r}"] = [make(length, version=version)]
    found["1.0 keep-alive"] = [make(length, b"Connection: keep-alive", version=b"HTTP/1.0")]
    found["1.0 no host"] = [make(length, version=b"HTTP/1.0").replace(b"Host: gateway.test\r\n", b"")]
    found["no content-length"] = [make(body=b"")]
    found["no content-type"] = [make(length).replace(b"Content-Type: application/json\r\n", b"")]
    found["lower case"] = [make(length).replace(b"Host:", b"host:").replace(b"Content-Length", b"content-length")]
    found["bearer in lower case"] = [make(length).replace(b"Bearer", b"bearer")]
    found["two blanks after bearer"] = [make(length).replace(b"Bearer ", b"Bearer  ")]
    found["basic"] = [make(length).replace(b"Bearer", b"Basic")]
    return found
