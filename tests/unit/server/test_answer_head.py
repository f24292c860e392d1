"""Heads of answers: byte for byte the fields that aiohttp's server sends for the same status and fields."""

import asyncio

import pytest

from gateway.server.answer_head import head_of
from gateway.server.inbound import Reply
from tests.support.lane_wire import lanes, plain, say, wire

LAST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
USUAL = [("server", "excise"), ("content-type", "application/json")]
FIELDS = {
    "usual": USUAL,
    "repeated": [*USUAL, ("x-a", "1"), ("x-a", "2")],
    "empty": [*USUAL, ("x-a", "")],
    "odd": [*USUAL, ("X-oDD", 'a:b "c", (d) \\ ~')],
    "text": [*USUAL, ("x-a", "caf\u00e9 \u2713")],
    "many": [*USUAL, *((f"x-{number}", "v" * 200) for number in range(60))],
    "allow": [*USUAL, ("allow", "POST"), ("retry-after", "3")],
}
STATUSES = (200, 400, 401, 403, 404, 405, 408, 413, 415, 417, 422, 426, 429, 431, 500, 502, 503, 504, 529, 599)


def answers(status, fields, body, *, closes=False, streamed=False):
    """The heads of both lanes: status line, and the fields but the date."""

    async def serve(inbound):
        await inbound.body.more()
        if closes or streamed:
            inbound.hang_up()
        if streamed:
            stream = await inbound.stream(fields)
            await stream.write(body)
            await stream.write_eof()
            return None
        return Reply(status, fields, body)

    async def scenario():
        found = []
        for hot in (True, False):
            async with lanes(serve) as (lane, door), wire(lane if hot else door) as end:
                last = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                head, _, rest = (await say(end, [plain() + (b"" if closes or streamed else last)])).partition(
                    b"\r\n\r\n"
                )
                found.append((head, rest))
        return found

    return asyncio.run(scenario())


def shown(head):
    line, *fields = head.split(b"\r\n")
    pairs = sorted((name.lower(), value) for name, _, value in (field.partition(b": ") for field in fields))
    return line, [pair for pair in pairs if pair[0] != b"date"], sum(pair[0] == b"date" for pair in pairs)


@pytest.mark.parametrize("status", STATUSES)
def test_the_status_line_is_aiohttps(status):
    (ours, body), (theirs, other) = answers(status, USUAL, b"{}")
    assert shown(ours) == shown(theirs)
    assert shown(ours)[2] == 1
    assert body[:2] == other[:2] == b"{}"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_the_fields_are_aiohttps(fields, closes, streamed):
    (ours, body), (theirs, other) = answers(200, fields, b"some text", closes=closes, streamed=streamed)
    if streamed:  # aiohttp learns too late that it should have said so
        ours = ours.replace(b"\r\nConnection: close", b"")
        theirs = theirs.replace(b"\r\nConnection: close", b"")
        assert body == other
    assert shown(ours) == shown(theirs)


def test_an_empty_answer_has_a_length():
    (ours, _), (theirs, _) = answers(200, USUAL, b"")
    assert shown(ours) == shown(theirs)
    assert b"\r\nContent-Length: 0\r\n" in ours


@pytest.mark.parametrize("text", ["a\r\nb", "a\nb", "a\rb", "a\0b", "\r\n", "a\r\n\r\n<html>"])
@pytest.mark.parametrize("place", ["name", "value"])
def test_what_would_end_its_line_is_never_written(text, place):
    field = (text, "v") if place == "name" else ("x-a", text)
    for length in (5, None):
        with pytest.raises(ValueError, match="line break"):
            head_of(200, [*USUAL, field], length, closes=False)


def test_whether_the_connection_ends_is_said():
    assert b"\r\nConnection: close\r\n" in head_of(200, USUAL, 0, closes=True)
    assert b"onnection" not in head_of(200, USUAL, 0, closes=False)
