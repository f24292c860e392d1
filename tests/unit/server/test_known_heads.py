"""Heads that differ in length and key are read as `read_plain` would; tests/parity does it with odd ones."""

import pytest

from gateway.server import known_heads
from gateway.server.known_heads import LONGEST, MOST, KnownHeads
from gateway.server.plain_head import read_plain

PATHS = frozenset({"/v1/messages"})


def head(length=b"5", *lines, name=b"Content-Length"):
    return b"\r\n".join([b"POST /v1/messages HTTP/1.1", b"Host: a", name + b": " + length, *lines, b"", b""])


@pytest.fixture
def heads():
    return KnownHeads(PATHS, 100)


@pytest.fixture
def parsed(monkeypatch):
    """The heads that were read whole."""
    seen = []

    def read(data, *limits):
        seen.append(data)
        return read_plain(data, *limits)

    monkeypatch.setattr(known_heads, "read_plain", read)
    return seen


def shown(plain):
    return (plain.target, plain.length, [*plain.headers.items()])


@pytest.mark.interpreted
@pytest.mark.parametrize("name", [b"Content-Length", b"content-length"])
@pytest.mark.parametrize(
    "field", [b"Authorization: Bearer ", b"authorization: Bearer ", b"X-Api-Key: ", b"x-api-key: "]
)
def test_a_head_with_another_length_and_key_is_not_read_again(heads, parsed, name, field):
    for length, key in [(b"5", b"k"), (b"5", b"k"), (b"1234567", b"k"), (b"005", b"sk-ex-a_b=="), (b"0", b"k")]:
        data = head(length, field + key, b"X-Last: z", name=name)
        plain = heads.read(data)
        assert shown(plain) == shown(read_plain(data, PATHS, 100))
        assert plain.headers.getall("Content-Length") == [length.decode()]
    assert len(parsed) == len(heads) == 1


def test_nothing_secret_is_remembered(heads):
    heads.read(head(b"5", b"Authorization: Bearer secret"))
    heads.read(head(b"5", b"x-api-key: secret"))
    assert len(heads) == 2
    for line in (
        b"Authorization: Bearer secret\r\nX-Api-Key: secret",
        b"AUTHORIZATION: Bearer secret",
        b"Authorization: Basic secret",
        b"Authorization: Bearer secret two",
        b"Authorization:Bearer secret",
        b"X-API-KEY: secret",
        b"Proxy-Authorization: Bearer secret",
        b"Cookie: secret",
        b"X-Api-Key: a\r\nauthorization:secret",
    ):
        data = head(b"5", line)
        assert shown(heads.read(data)) == shown(heads.read(data)) == shown(read_plain(data, PATHS, 100))
    assert len(heads) == 2
    remembered = [(rest, [*known.headers.values()]) for rest, known in heads._known.items()]
    assert b"secret" not in repr(remembered).encode()


def test_the_headers_of_one_request_are_not_those_of_another(heads):
    first, second, third = (heads.read(head(length)) for length in (b"5", b"6", b"6"))
    first.headers["x-added"] = "1"
    assert [one.headers["content-length"] for one in (first, second, third)] == ["5", "6", "6"]
    assert second.headers is not third.headers
    assert "x-added" not in heads.read(head(b"5")).headers


@pytest.mark.parametrize("data", [head(name=b"CONTENT-LENGTH"), head(b"5", b"X-Long: " + b"x" * LONGEST)])
def test_what_is_written_otherwise_or_long_is_read_and_forgotten(heads, data):
    assert shown(heads.read(data)) == shown(heads.read(data)) == shown(read_plain(data, PATHS, 100))
    assert len(heads) == 0


@pytest.mark.parametrize(
    "data",
    [
        head(b"-5"),
        head(b"5 "),
        head(b"5, 5"),
        head(b"\xb2"),
        head(b"1" * 16),
        head(b""),
        head(b"5", b"Content-Length: 5"),
        head(b"5", b"content-length: 6"),
        head(b"5", b"Transfer-Encoding: chunked"),
        head(b"5", b"X-Api-Key: a", b"x-api-key: b"),
        head(b"5", b"X-Api-Key: a "),
        head(b"5", b"X-Api-Key: \xe9"),
        b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nX-Api-Key: a\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_no_known_head_lets_one_through_that_is_not_plain(heads, data):
    assert heads.read(head()) is not None
    assert heads.read(head(b"5", b"X-Api-Key: a")) is not None
    assert heads.read(data) is None
    assert heads.read(data) is None
    assert len(heads) == 2


def test_only_so_many_are_remembered_and_the_newest(heads):
    for number in range(MOST + 3):
        heads.read(head(b"5", b"X-Id: %d" % number))
    assert len(heads) == MOST
    assert heads.read(head(b"7", b"X-Id: 0")).headers["x-id"] == "0"
    assert len(heads) == MOST
    assert [known.headers["x-id"] for known in heads._known.values()][-2:] == [str(MOST + 2), "0"]
