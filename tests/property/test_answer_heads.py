"""An upstream's head that is known again, against the same head read for the first time."""

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.pool.answer_heads import LONGEST, MOST, AnswerHeads
from gateway.upstreams.pool.reading import Reading

DATES = ("Sun, 06 Nov 1994 08:49:37 GMT", "Mon, 23 Nov 2026 18:00:00 GMT")
LENGTHS = st.sampled_from(
    ["0", "5", "05", "12", "999999999999999", "9" * 16, "9" * 20, "", "-1", "5 ", "5,5", "٣", "1e3"]
)
MOMENTS = st.sampled_from(
    [*DATES, "", "today", DATES[0][:-1], f"{DATES[0]} ", f"{DATES[0]}x", "Sun, 06 Nov 1994 08:49:37 GM\x01"]
)
FIELDS = st.sampled_from(
    ["content-type: application/json", "Connection: close", "connection: keep-alive", "transfer-encoding: chunked",
     "x: \x01", "no colon", " folded", "server: s", "content-encoding: gzip", "x:y"]
)  # fmt: skip


@st.composite
def heads(draw: st.DrawFn) -> list[bytes]:
    """Several that differ in their values alone; the first is a usual one, if there is such a one at all."""
    start = draw(st.sampled_from(["HTTP/1.1 200 OK"] * 3 + ["HTTP/1.0 200 OK", "HTTP/1.1 204 x", "HTTP/1.1 503 x"]))
    length = draw(st.sampled_from(["content-length: L", "Content-Length: L"]))
    date = draw(st.sampled_from(["date: D", "Date: D"]))
    fields = [
        length,
        *draw(st.sampled_from([[date]] * 4 + [[], [date, date], [date, f"Date: {DATES[0]}"], [length, date]])),
    ]
    fields += draw(st.just([]) | st.lists(FIELDS, min_size=1, max_size=2))
    skeleton = "\r\n".join([start, *draw(st.permutations(fields)), "", ""])
    value = st.tuples(LENGTHS, st.just(DATES[1])) | st.tuples(st.just("7"), MOMENTS)
    values = draw(st.lists(value, min_size=1, max_size=4))
    pairs = [("5", DATES[0]), *values]
    return [skeleton.replace(": L", f": {size}").replace(": D", f": {moment}").encode() for size, moment in pairs]


def told(raw: bytes, known: AnswerHeads | None, *, no_body: bool = False) -> tuple[object, ...]:
    """All that a reading says of a head, and of five bytes behind it."""
    parts: list[bytes] = []
    reading = Reading(parts, known, no_body=no_body)
    try:
        reading.feed(raw)
        reading.feed(b"abcde")
    except UpstreamFailed as failure:
        return str(failure), reading.status, parts
    return reading.status, reading.headers, reading.keep, reading.complete, reading.extra, parts


TWICE = f"HTTP/1.1 200 OK\r\ndate: {DATES[0]}\r\nDate: {DATES[0]}\r\ncontent-length: 5\r\n\r\n".encode()
PLAIN = f"HTTP/1.1 200 OK\r\ndate: {DATES[0]}\r\ncontent-length: 5\r\n\r\n".encode()


@given(heads(), st.booleans())
@example([PLAIN, PLAIN.replace(b": 5", b": 0"), PLAIN.replace(DATES[0].encode(), DATES[1].encode())], False)
@example([PLAIN, PLAIN.replace(b": 5", b": " + b"9" * 20)], False)
@example([TWICE, TWICE.replace(DATES[0].encode(), DATES[1].encode(), 1)], False)
@example([PLAIN, PLAIN.replace(b": 5", b": 12"), PLAIN.replace(b"200", b"204")], True)
def test_a_head_says_the_same_whatever_came_before(raws: list[bytes], no_body: bool):
    known = AnswerHeads()
    for raw in [*raws, *raws]:
        assert told(raw, known, no_body=no_body) == told(raw, None, no_body=no_body)


def numbered(number: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nx-request-id: {number}\r\ncontent-length: 5\r\n\r\n".encode()


def test_the_first_heads_are_remembered_and_no_others():
    known = AnswerHeads()
    told(numbered(0), known)
    for number in range(2 * MOST):  # the first of them twice: remembering is of use
        told(numbered(number), known)
    assert known.again(numbered(MOST - 1)) is not None
    assert known.again(numbered(MOST)) is None
    long = numbered(1)[:-2] + b"x: " + b"y" * LONGEST + b"\r\n\r\n"
    other = AnswerHeads()
    told(long, other)
    assert other.again(long) is None


def test_an_upstream_whose_heads_are_all_different_is_asked_no_more():
    known = AnswerHeads()
    for number in range(MOST):
        told(numbered(number), known)
    assert known.again(numbered(0)) is None, "none of them came twice"
