"""Nothing is held: each event of a stream is with the caller before its upstream sends the next.

The upstream here goes on only when the caller says that it has the last event, so that a gateway that waits for more
before it forwards waits for ever. No clock decides. (Half an event is held until the other half comes: no client can
act on it, and an ending of the gateway's own must not stick to it.)
"""

import asyncio
import json

import pytest

from tests.support import transcripts
from tests.support.rawhttp import Raw, request
from tests.support.talking import PATHS, PROMPTS, STREAMED
from tests.support.upstream import EVENTS, chunk
from tests.support.witnessed import witnessed

WORDS = ["Hello", " wörld", " 🥃", ""]
PLAIN = {
    "chat": transcripts.chat(WORDS, with_usage=False),
    "completions": transcripts.completions(WORDS, with_usage=False),
    "responses": transcripts.responses(WORDS),
    "messages": transcripts.messages(WORDS, thinking=["hm"]),
}
WITH_USAGE = {
    "chat": transcripts.chat(WORDS, with_usage=True),
    "completions": transcripts.completions(WORDS, with_usage=True),
}


class Lockstep:
    """Sends piece by piece, each after the caller's receipt of the one before."""

    def __init__(self):
        self._receipts = asyncio.Queue()

    def script(self, pieces):
        """Head, then the pieces. A piece of which nothing is forwarded is (bytes, b"") and needs no receipt."""
        steps = [self._begin, EVENTS, self._wait]
        for sent, forwarded in pieces:
            steps += [chunk(sent), self._wait] if forwarded else [chunk(sent)]
        return [*steps, b"0\r\n\r\n"]

    def received(self):
        self._loop.call_soon_threadsafe(self._receipts.put_nowait, None)

    async def _begin(self, _peer):
        self._loop = asyncio.get_running_loop()

    async def _wait(self, _peer):
        await self._receipts.get()


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with witnessed(tmp_path_factory.mktemp("gateway")) as pair:
        yield pair


def events(stream):
    return [event + b"\n\n" for event in stream.split(b"\n\n")[:-1]]


def whole(stream):
    """One event at a time."""
    return [(event, event) for event in events(stream)]


def ahead(stream):
    """With every event comes the first half of the next: the whole one must not wait for the half one."""
    every = events(stream)
    cuts = [0, *(len(event) // 2 for event in every[1:]), 0]
    padded = [*every, b""]
    return [
        (event[cut:] + padded[at + 1][: cuts[at + 1]], event)
        for at, (event, cut) in enumerate(zip(every, cuts, strict=False))
    ]


def stripped(dialect):
    """Whole events as sent, each with what the caller gets of it."""
    plain = iter(events(PLAIN[dialect]))
    return [(sent, b"" if b'"choices":[],' in sent else next(plain)) for sent in events(WITH_USAGE[dialect])]


def read(raw, size):
    """So many bytes of a chunked body; more than that in a chunk comes along."""
    got = b""
    while len(got) < size:
        got += raw._exactly(int(raw._until(b"\r\n"), 16))
        assert raw._exactly(2) == b"\r\n"
    return got


def converse(both, dialect, pieces, *, model, **more):
    """What the caller got, piece by piece, from an upstream in lockstep; the last entry is how the body ended."""
    gateway, upstream = both
    lockstep = Lockstep()
    upstream.play(lockstep.script(pieces))
    body = json.dumps({"model": model, "stream": True, **PROMPTS[dialect], **more}).encode()
    got = []
    with Raw(gateway.gateway.data_port) as raw:
        raw.send(request(PATHS[dialect], body, key=gateway.keys["acme"]))
        assert raw.head().status == 200
        lockstep.received()
        for _, forwarded in pieces:
            if forwarded:
                got.append(read(raw, len(forwarded)))
                lockstep.received()
        got.append(raw._until(b"\r\n\r\n"))
    return got


def expected(pieces):
    return [forwarded for _, forwarded in pieces if forwarded] + [b"0"]


@pytest.mark.parametrize("cut", [whole, ahead])
@pytest.mark.parametrize("dialect", STREAMED)
def test_every_event_passes_before_the_next_is_sent(both, dialect, cut):
    pieces = cut(PLAIN[dialect])
    assert converse(both, dialect, pieces, model="bare") == expected(pieces)


@pytest.mark.parametrize("cut", [whole, ahead])
@pytest.mark.parametrize("dialect", WITH_USAGE)
def test_usage_that_the_caller_asked_for_holds_nothing_up(both, dialect, cut):
    pieces = cut(WITH_USAGE[dialect])
    options = {"stream_options": {"include_usage": True}}
    assert converse(both, dialect, pieces, model="public-name", **options) == expected(pieces)


@pytest.mark.parametrize("dialect", WITH_USAGE)
def test_taking_our_own_usage_out_holds_no_event(both, dialect):
    pieces = stripped(dialect)
    assert sum(not forwarded for _, forwarded in pieces) == 1
    assert converse(both, dialect, pieces, model="public-name") == expected(pieces)
