"""Event framing: nothing lost, cuts independent of chunks, one event bounded."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.sse import EventFramer, EventTooLarge, data_of

LINES = st.lists(
    st.sampled_from([b"data: x", b"data:", b": note", b"event: e", b"", b"data: \xe2\x82\xac"]), max_size=12
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@st.composite
def streams(draw):
    return b"".join(row + draw(ENDS) for row in draw(LINES)) + draw(st.sampled_from([b"", b"data: open"]))


def events_of(chunks):
    framer = EventFramer()
    events = [event for chunk in chunks for event in framer.feed(chunk)]
    return events, framer.flush()


@given(streams(), st.data())
def test_cuts_do_not_depend_on_the_chunks(stream, data):
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    edges = [0, *places, len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    whole = events_of([stream])
    assert events_of(chunks) == whole
    assert events_of([bytes([byte]) for byte in stream]) == whole
    assert b"".join(whole[0]) + whole[1] == stream


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_each_line_end_ends_an_event(end):
    stream = b"event: a" + end + b"data: 1" + end + end + b"data: 2" + end + end
    events, rest = events_of([stream])
    joined = [*events, rest] if rest else events
    assert [data_of(event) for event in joined] == [b"1", b"2"]


def test_one_event_in_one_chunk_is_passed_on_as_it_is():
    chunk = b"data: 1\n\n"
    assert EventFramer().feed(chunk)[0] is chunk


def test_several_events_in_one_chunk_come_apart():
    assert EventFramer().feed(b"data: 1\n\ndata: 2\n\n") == [b"data: 1\n\n", b"data: 2\n\n"]


def test_held_counts_the_open_event():
    framer = EventFramer()
    framer.feed(b"data: 1\n\ndata: 2")
    assert framer.held == len(b"data: 2")
    assert framer.flush() == b"data: 2"
    assert framer.held == 0


@pytest.mark.parametrize("chunk", [b"d" * 101, b"data: " + b"x" * 100 + b"\n\n", b"a\n\n" + b"x" * 120 + b"\n\n"])
def test_an_event_over_the_cap_is_refused_however_it_arrives(chunk):
    with pytest.raises(EventTooLarge, match="longer than 100 bytes"):
        EventFramer(cap=100).feed(chunk)
    framer = EventFramer(cap=100)
    with pytest.raises(EventTooLarge):
        list(map(framer.feed, (bytes([byte]) for byte in chunk)))


def test_many_small_events_are_not_one_big_one():
    assert len(EventFramer(cap=20).feed(b"data: 1\n\n" * 50)) == 50


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data: x\n\n", b"x"),
        (b"data:x\n\n", b"x"),
        (b"data:  x\n\n", b" x"),
        (b"data: a\ndata: b\n\n", b"a\nb"),
        (b"data: a\r\ndata\r\n\r\n", b"a\n"),
        (b"\xef\xbb\xbfdata: x\n\n", b"x"),
        (b"event: e\ndata: x\nid: 1\n\n", b"x"),
        (b": heartbeat\n\n", b""),
        (b"data: open", b"open"),
        (b"data: a\rdata: b", b"a\nb"),
    ],
)
def test_data_of(event, data):
    assert data_of(event) == data


def test_extra_blank_lines_are_events_of_their_own():
    stream = b"data: 1\n\n\ndata: 2\n\n"
    assert EventFramer().feed(stream) == [b"data: 1\n\n", b"\n", b"data: 2\n\n"]
    assert events_of([bytes([byte]) for byte in stream])[0] == EventFramer().feed(stream)
