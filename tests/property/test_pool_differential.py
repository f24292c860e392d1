"""Both clients hear the same upstreams: what one says of a conversation, the other says, too.

Four differences are meant. Where a broken chunk comes in the same read as the head, aiohttp's client never shows the
head: the phase differs. Bytes that follow an answer in the same read may cost it the answer; the pool only drops the
connection. HTTP/1.0 with keep-alive is never reused. And aiohttp's parser reads some things that the pool refuses
(folded lines, a lone line feed): of broken bytes the pool may refuse more, and never reads them otherwise.
"""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.upstreams import TRANSPORTS
from gateway.upstreams.base import Call, UpstreamFailed
from gateway.upstreams.pool.reading import Reading
from gateway.upstreams.settings import Timeouts, UpstreamSettings
from tests.support import loops
from tests.support.upstream import ScriptedUpstream, chunk, close

FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(max_examples=1500, suppress_health_check=[HealthCheck.too_slow])

LATIN = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x17F, exclude_characters="\x7f"), max_size=8)
NAMES = st.sampled_from(["X-A", "x-a", "X-Request-ID", "Set-Cookie", "Via", "Server", "Keep-Alive", "Upgrade", "Vary"])
FIELD = st.builds(
    lambda name, before, value, after: f"{name}:{before}{value}{after}\r\n".encode(),
    NAMES, st.sampled_from(["", " ", "\t ", "  "]), st.builds(" ".join, st.lists(LATIN, max_size=2)),
    st.sampled_from(["", " ", "\t"]),
)  # fmt: skip
TYPE = st.sampled_from(
    [b"Content-Type: application/json\r\n", b"content-type: Text/Event-Stream; charset=utf-8\r\n", b""]
)
CONNECTION = st.sampled_from([b"", b"", b"Connection: keep-alive\r\n", b"connection: Close\r\n", b"Connection: x\r\n"])
ENCODING = st.sampled_from([b"", b"", b"", b"Content-Encoding: identity\r\n", b"Content-Encoding: gzip\r\n"])
BODY = st.binary(max_size=40)
STATUS = st.sampled_from([200, 200, 200, 201, 204, 304, 400, 404, 429, 500, 503, 599, 600])
REASON = st.sampled_from([b" OK", b" ", b"", b" Very\tmuch", b" " + b"x" * 256, b" " + b"x" * 257])
VERSION = st.sampled_from([b"1.1", b"1.1", b"1.1", b"1.0", b"2.0"])
INTERIM = st.sampled_from([0, 0, 0, 1, 8, 9])
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
TRICKY = st.sampled_from([bytes([byte]) for byte in b"\r\n\t :;,0aF1x\x00\x0b\x7f\xff"] + [b"\r\n", b"\r\n\r\n", b""])


@st.composite
def framings(draw):
    """(head lines, body bytes as sent, whether that is what the lines say)"""
    body = draw(BODY)
    kind = draw(st.sampled_from(["length", "length", "chunks", "chunks", "short", "both", "none", "twice", "broken"]))
    length = b"Content-Length: %d\r\n" % len(body)
    coding = draw(st.sampled_from([b"Transfer-Encoding: chunked\r\n", b"transfer-encoding: Chunked\r\n"]))
    sizes = draw(st.lists(st.integers(1, 9), max_size=4))
    pieces, rest = [], body
    for size in sizes:
        pieces, rest = [*pieces, rest[:size]], rest[size:]
    extension = draw(st.sampled_from([b"", b"", b";a=b", b';a="b c"']))
    chunks = [chunk(piece).replace(b"\r\n", extension + b"\r\n", 1) for piece in [*pieces, rest] if piece]
    trailer = draw(st.sampled_from([b"", b"", b"X-T: y\r\n", b"X-T:\r\n"]))
    match kind:
        case "length":
            return length, body, True
        case "short":
            return b"Content-Length: %d\r\n" % (len(body) + 3), body, False
        case "chunks":
            return coding, b"".join(chunks) + b"0\r\n" + trailer + b"\r\n", True
        case "both":
            return length + coding, b"".join(chunks) + b"0\r\n\r\n", False
        case "twice":
            return length + length, body, False
        case "broken":
            return (
                coding,
                b"".join(chunks) + draw(st.sampled_from([b"zz\r\n", b"-1\r\n", b"3\r\nabcd\r\n", b""])),
                False,
            )
        case _:
            return b"", body, False


@st.composite
def replies(draw):
    """(bytes, places to split them, whether the connection then ends, whether a chunk in them is broken)"""
    status = draw(STATUS)
    framing, body, whole = draw(framings())
    version = draw(VERSION)
    # A connection of HTTP/1.0 is reused by aiohttp's client when the upstream offers it, by the pool never.
    connection = draw(CONNECTION) if version != b"1.0" else b""
    lines = [draw(TYPE), *draw(st.lists(FIELD, max_size=4)), connection, draw(ENCODING), framing]
    lines = draw(st.permutations(lines))
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * draw(INTERIM)
    start = b"HTTP/%s %d%s\r\n" % (version, status, draw(REASON))
    bodyless = status in (204, 304)
    data = interim + start + b"".join(lines) + b"\r\n" + (b"" if bodyless else body)
    cut = draw(st.integers(0, len(data))) if draw(st.sampled_from([True, False, False, False])) else len(data)
    kept = (
        whole and version == b"1.1" and b"Close" not in connection
    )  # else aiohttp's client fails an answer for what follows it
    extra = ANSWER if kept and cut == len(data) and draw(st.sampled_from([True, False, False, False])) else b""
    ends = not whole or cut < len(data) or draw(st.booleans())
    data = data[:cut] + extra
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=4)))
    return data, places, ends, not whole


def steps(reply):
    data, places, ends, _ = reply
    edges = [0, *places, len(data)]

    async def say(peer):
        for start, end in pairwise(edges):
            if start < end:
                await peer.send(data[start:end])
                await asyncio.sleep(0)

    return [say, close] if ends else [say]


async def heard(transport):
    try:
        answer = await transport.send(Call("POST", "/v1/x", {"accept": "*/*"}, b"{}", stream=False))
    except UpstreamFailed as failed:
        return "failed", failed.phase, failed.timeout, failed.sent, failed.stale
    try:
        body = await answer.read()
    except UpstreamFailed as failed:
        answer.abort()
        return "failed", failed.phase, failed.timeout, failed.sent, failed.stale
    answer.finish()
    return "answered", answer.status, list(answer.headers.items()), body


async def conversation(name, scripts):
    """What came of each request, and how many connections it took."""
    async with ScriptedUpstream(*scripts) as upstream:
        transport = TRANSPORTS[name](
            UpstreamSettings("up", "generic", upstream.url, frozenset({"chat"}), timeouts=Timeouts(5.0, 5.0, 5.0, 10.0))
        )
        try:
            outcomes = []
            for number, script in enumerate(scripts):
                outcomes.append(await heard(transport))
                if close in script and number < len(upstream.peers):
                    # Whether the next request meets the end of this connection must not be a matter of luck.
                    await upstream.until(lambda peers=upstream.peers: peers[-1].writer.is_closing())
            return outcomes, len(upstream.peers)
        finally:
            await transport.close()


def without_phase(outcome):
    return (outcome[0], *outcome[2:]) if outcome[0] == "failed" else outcome


def compare(conversed, factory):
    async def main():
        return [await conversation(name, [steps(reply) for reply in conversed]) for name in ("pool", "aiohttp")]

    (ours, our_connections), (theirs, their_connections) = loops.run(main(), factory)
    for reply, mine, reference in zip(conversed, ours, theirs, strict=True):
        if reply[3]:
            mine, reference = without_phase(mine), without_phase(reference)
        assert mine == reference
    assert our_connections == their_connections


SILENT = (b"", [], True, False)
GOOD = (ANSWER, [], False, False)


@pytest.mark.parametrize("factory", loops.LOOPS.values(), ids=loops.LOOPS)
@FEW
@given(st.lists(replies(), min_size=1, max_size=3))
@example([GOOD, SILENT])
@example([SILENT, GOOD])
@example([(ANSWER, [], True, False), GOOD])
def test_both_clients_hear_the_same(factory, conversed):
    compare(conversed, factory)


@pytest.mark.slow
@MANY
@given(st.lists(replies(), min_size=1, max_size=3))
def test_both_clients_hear_the_same_in_many_more(conversed):
    compare(conversed, asyncio.new_event_loop)


@st.composite
def mutants(draw):
    """A reply with one to three places of it made worse, and the connection's end."""
    data = draw(replies())[0]
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(TRICKY) + data[place + draw(st.integers(0, 2)) :]
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=2)))
    return data, places, True, True


def never_read_otherwise(mutant):
    """What the pool takes for an answer is what aiohttp's client reads there."""

    async def main():
        return [(await conversation(name, [steps(mutant)]))[0][0] for name in ("pool", "aiohttp")]

    mine, reference = loops.run(main())
    if mine[0] == "failed":
        assert not mine[2]
        return
    if reference[0] == "failed":
        # Only for what follows the answer; the connection is not used again.
        reading = Reading([])
        reading.feed(mutant[0])
        assert reading.complete
        assert reading.extra
        return
    assert mine == reference


@FEW
@given(mutants())
def test_broken_bytes_are_never_read_otherwise(mutant):
    never_read_otherwise(mutant)


@pytest.mark.slow
@MANY
@given(mutants())
def test_many_more_broken_bytes_are_never_read_otherwise(mutant):
    never_read_otherwise(mutant)
