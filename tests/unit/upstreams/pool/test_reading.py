"""Responses as bytes: the same in every splitting, nothing after the end, nothing without a bound."""

import gc

import pytest

from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.pool.reading import MAX_HEAD, MAX_QUIET, Reading
from tests.support.upstream import chunk

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LENGTH = OK + b'Content-Length: 7\r\n\r\n{"a":1}'
CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b'{"a"') + chunk(b":1}") + b"0\r\n\r\n"
TRAILED = CHUNKS[:-2] + b"X-T: y\r\nX-U:\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
EMPTY = OK + b"Content-Length: 0\r\n\r\n"
SAMPLES = {
    "length": LENGTH,
    "chunks": CHUNKS,
    "trailers": TRAILED,
    "interim": INTERIM * 2 + LENGTH,
    "no body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "empty": EMPTY,
    "empty chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


def read(*pieces, **options):
    """(body, reading) after all pieces."""
    parts = []
    reading = Reading(parts, **options)
    for piece in pieces:
        reading.feed(piece)
    return b"".join(parts), reading


def facts(body, reading):
    return body, reading.status, reading.headers, reading.complete, reading.extra, reading.keep


@pytest.mark.parametrize("data", SAMPLES.values(), ids=SAMPLES)
def test_every_split_reads_the_same(data):
    whole = facts(*read(data))
    assert whole[3:] == (True, False, True)
    assert whole[0] in (b'{"a":1}', b"")
    for place in range(len(data) + 1):
        assert facts(*read(data[:place], data[place:])) == whole
    assert facts(*read(*(data[place : place + 1] for place in range(len(data))))) == whole


@pytest.mark.parametrize("data", SAMPLES.values(), ids=SAMPLES)
@pytest.mark.parametrize("extra", [b"\r\n", b"\n", b"\r", b"x", b"0\r\n\r\n", LENGTH, CHUNKS, b"\r\n" + LENGTH])
def test_whatever_follows_the_end_is_noticed_and_adds_nothing(data, extra):
    whole = read(data)[0]
    together = data + extra
    for pieces in ((together,), (data, extra), (together[:-1], together[-1:]), (data[:-1], data[-1:] + extra)):
        body, reading = read(*pieces)
        assert (body, reading.complete, reading.extra) == (whole, True, True)


@pytest.mark.parametrize("data", SAMPLES.values(), ids=SAMPLES)
def test_half_a_response_is_not_complete(data):
    for place in range(len(data)):
        assert not read(data[:place])[1].complete


def test_a_head_is_judged_as_soon_as_it_is_there():
    _, reading = read(LENGTH[:-7])
    assert reading.status == 200
    assert reading.headers == {"content-type": "application/json", "content-length": "7"}


def test_of_a_header_that_comes_twice_the_last_one_stands():
    _, reading = read(OK + b"X-A:  one\t\r\nX-B:\r\nx-a: t\xc3\xa9\xff\r\nContent-Length: 0\r\n\r\n")
    assert reading.headers["x-a"] == "té\udcff"
    assert reading.headers["x-b"] == ""


@pytest.mark.parametrize(
    ("line", "keep"),
    [
        (b"", True), (b"Connection: keep-alive\r\n", True), (b"Connection: close\r\n", False),
        (b"connection: Foo, CLOSE\r\n", False), (b"Connection: close\r\nConnection: keep-alive\r\n", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("body", [b"Content-Length: 0\r\n\r\n", b"Content-Length: 2\r\n\r\n{}"])
def test_whether_the_connection_may_stay(line, keep, body):
    assert read(OK + line + body)[1].keep is keep


def test_a_connection_of_http_1_0_never_stays():
    assert not read(LENGTH.replace(b"1.1", b"1.0").replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n"))[1].keep


def test_the_answer_to_head_has_a_length_and_no_body():
    body, reading = read(LENGTH[:-7], no_body=True)
    assert (body, reading.complete, reading.extra) == (b"", True, False)


def refuse(*pieces):
    with pytest.raises(UpstreamFailed) as caught:
        read(*pieces)
    return caught.value.phase


def test_a_head_has_a_bound_whole_or_in_pieces():
    field = b"X-A: " + b"y" * 1000 + b"\r\n"
    room = (MAX_HEAD - len(OK) - len(b"Content-Length: 0\r\n\r\n")) // len(field)
    assert read(OK + field * room + b"Content-Length: 0\r\n\r\n")[1].complete
    assert refuse(OK + field * (room + 1) + b"Content-Length: 0\r\n\r\n") == "first_byte"
    assert refuse(OK, *[field] * (room + 1)) == "first_byte"


def test_fields_and_lines_have_a_bound():
    fields = [b"X-%d: y\r\n" % number for number in range(127)]
    assert read(b"HTTP/1.1 200 OK\r\n" + b"".join(fields) + b"Content-Length: 0\r\n\r\n")[1].complete
    assert refuse(OK + b"".join(fields) + b"Content-Length: 0\r\n\r\n") == "first_byte"
    assert read(OK + b"X: " + b"y" * (8190 - 3) + b"\r\nContent-Length: 0\r\n\r\n")[1].complete
    assert refuse(OK + b"X: " + b"y" * (8190 - 2) + b"\r\nContent-Length: 0\r\n\r\n") == "first_byte"


@pytest.mark.parametrize("noise", [b";" + b"x" * 1000, b"\r\n" + b"X-T: y\r\n" * 125], ids=["extension", "trailers"])
def test_what_is_neither_body_nor_end_has_a_bound(noise):
    start = OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"{}")
    end = b"0" + noise
    pieces = [noise.lstrip(b"\r\n")] * (MAX_QUIET // len(noise.lstrip(b"\r\n")) + 1)
    assert refuse(start, end, *pieces) == "body"
    assert not read(start, end, *pieces[:-2])[1].complete


def test_a_broken_chunk_keeps_what_came_before_it():
    parts = []
    reading = Reading(parts)
    with pytest.raises(UpstreamFailed) as caught:
        reading.feed(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"{}") + b"zz\r\n")
    assert (b"".join(parts), reading.status, caught.value.phase) == (b"{}", 200, "body")


@pytest.mark.parametrize("byte", [*range(9), *range(10, 32), 127], ids=hex)
def test_no_control_character_passes(byte):
    control = bytes([byte])
    assert refuse(OK + b"X-A: a" + control + b"b\r\nContent-Length: 0\r\n\r\n") == "first_byte"
    assert refuse((OK + b"Content-Length: 0\r\n\r\n").replace(b"OK", b"O" + control + b"K")) == "first_byte"


def test_a_few_interim_heads_pass():
    assert read(INTERIM * 8 + LENGTH)[1].complete
    assert refuse(INTERIM * 9 + LENGTH) == "first_byte"


@pytest.mark.parametrize("start", [b"{", b"\r\n", b"HTTP/2", b"HTTP/1,", b"\x15\x03", b"HTTP/1.1 200 OK\nX"])
def test_what_cannot_become_a_head_is_refused_at_once(start):
    assert refuse(start) == "first_byte"


@pytest.mark.parametrize("data", SAMPLES.values(), ids=SAMPLES)
def test_a_response_that_was_read_leaves_no_cycle(data):
    """The parser and the reading hold each other; the collector of garbage should have nothing to do."""
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            read(data)
        half = read(data[:-1])[1]
        half.drop()
        del half
        assert gc.collect() == 0
    finally:
        gc.enable()
