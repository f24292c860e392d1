"""Which heads are plain: the rule by its parts. What aiohttp makes of them is compared in tests/parity."""

import pytest

from gateway.server.plain_head import read_plain

PATHS = frozenset({"/v1/messages"})


def head(*lines, target=b"/v1/messages", method=b"POST", version=b"HTTP/1.1", host=b"Host: a", length=b"5"):
    usual = [method + b" " + target + b" " + version, host, b"Content-Length: " + length]
    return b"\r\n".join([*(line for line in usual if line), *lines, b"", b""])


def test_a_plain_head_is_read_whole():
    plain = read_plain(head(b"x-API-key:  k", b"X-Empty:"), PATHS, 100)
    assert plain is not None
    assert (plain.target, plain.length) == ("/v1/messages", 5)
    assert [*plain.headers.items()] == [("Host", "a"), ("Content-Length", "5"), ("x-API-key", "k"), ("X-Empty", "")]
    assert plain.headers["X-Api-Key"] == "k"


@pytest.mark.parametrize(
    "data",
    [
        head(target=b"/v1/messages?beta=true&a=b.c-d_e"),
        head(target=b"/v1/messages?"),
        head(b"Connection: keep-alive"),
        head(b"connection: Keep-Alive"),
        head(b"Content-Encoding: gzip"),
        head(length=b"0"),
        head(length=b"005"),
        head(length=b"999999999999999"),
        head(host=b"Host: [::1]:80"),
        head(host=b"Host: a.b:8080"),
        head(b'X-A: a:b; c="d", (e) ~'),
        head(b"!#$%&'*+-.^_`|~: a"),
        head(*[b"X-%d: a" % number for number in range(98)]),
    ],
)  # fmt: skip
def test_these_are_plain(data):
    assert read_plain(data, PATHS, 100) is not None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n" + head(),
        head() + b"{",
        head()[:-2],
        head().replace(b"\r\n", b"\n"),
        head(method=b"GET"),
        head(method=b"post"),
        head(version=b"HTTP/1.0"),
        head(version=b"HTTP/1.2"),
        head(version=b"HTTP/1.1 "),
        head(target=b"/v1/models"),
        head(target=b"/v1/messages/"),
        head(target=b"/v1/messages#a"),
        head(target=b"/v1/messages?a#b"),
        head(target=b"/v1/messages?a=%20"),
        head(target=b"http://a/v1/messages"),
        head(target=b"/v1/messages?\xe9"),
        head(host=b""),
        head(host=b"Host:"),
        head(host=b"Host: a,b"),
        head(host=b"Host: a@b"),
        head(host=b"Host: a b"),
        head(b"Host: a"),
        head(b"HOST: b"),
        head(length=b""),
        head(length=b"-5"),
        head(length=b"+5"),
        head(length=b"5,5"),
        head(length=b"5 "),
        head(length=b"0x5"),
        head(length=b"9999999999999999"),
        head(b"content-length: 5"),
        head().replace(b"Content-Length: 5\r\n", b""),
        head(b"Connection: close"),
        head(b"Connection: keep-alive, close"),
        head(b"Connection: Upgrade"),
        head(b"Connection:"),
        head(b"X-A: b "),
        head(b"X-A: "),
        head(b"X-A:\tb"),
        head(b"X-A: b\tc"),
        head(b"X-A : b"),
        head(b"X-A: b", b" c"),
        head(b"X-A: b\0"),
        head(b"X-A: b\x7f"),
        head(b"X-A: \xe9"),
        head(b"X-\xe9: a"),
        head(b"X-A: b\rc"),
        head(b"X-A: b\nc: d"),
        head(b": b"),
        head(b"X-A"),
        head(b"X-A: 1", b"x-a: 2"),
        head(*[b"X-%d: a" % number for number in range(99)]),
        *[
            head(name + b": a")
            for name in (
                b"Transfer-Encoding", b"Expect", b"upgrade", b"TE", b"Trailer", b"HTTP2-Settings", b"Keep-Alive",
                b"Proxy-Connection", b"Sec-WebSocket-Key", b"SEC-WEBSOCKET-KEY1", b"Sec-WebSocket-Key2",
            )
        ],
    ],
)  # fmt: skip
def test_these_are_not(data):
    assert read_plain(data, PATHS, 100) is None
