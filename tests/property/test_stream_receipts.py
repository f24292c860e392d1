"""A stream with a receipt is the same stream with one comment in it, wherever the network cuts it."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.accounting.outcome import Outcome
from gateway.policy.mark_plan import NOTHING
from tests.support import transcripts
from tests.support.receipts import read, receipts, sha256, taken_out
from tests.support.relaying import GUARDS, exchange, relay

pytestmark = pytest.mark.interpreted

RECEIPTS = replace(NOTHING, receipts=True)
WORDS = ["Hé", ' say "x"\n', " data: [DONE]"]
SAMPLES = {
    "chat": ("chat", transcripts.chat(WORDS, with_usage=False)),
    "chat with usage": ("chat", transcripts.chat(WORDS, with_usage=True)),
    "chat crlf": ("chat", transcripts.chat(["a", "b"], with_usage=False, end="\r\n")),
    "chat cr": ("chat", transcripts.chat(["a", "b"], with_usage=False, end="\r")),
    "chat without its last blank line": ("chat", transcripts.chat(["a"], with_usage=False).rstrip(b"\n")),
    "chat with more after it": ("chat", transcripts.chat(["a"], with_usage=False) + b": bye\n\ndata: {}\n\n"),
    "completions": ("completions", transcripts.completions(WORDS, with_usage=False)),
    "responses": ("responses", transcripts.responses(WORDS)),
    "messages": ("messages", transcripts.messages(WORDS, thinking=["hm"], tool=['{"a":', "1}"])),
    "messages crlf": ("messages", transcripts.messages(WORDS).replace(b"\n", b"\r\n")),
}
ENDINGS = {"chat": b"data: [DONE]", "completions": b"data: [DONE]", "messages": b"event: message_stop",
           "responses": b"event: response.completed"}  # fmt: skip


async def with_receipt(dialect, chunks, guard="unguarded", **more):
    return await relay(exchange(dialect, guard=guard, wants=RECEIPTS, **more), chunks, receipts())


def checked(caller, outcome, stream, dialect):
    """The stream as it would have been, and one good receipt right before its ending."""
    assert outcome is Outcome.COMPLETE
    rest, receipt = taken_out(caller.body)
    assert rest == stream
    before, name, jws = receipt
    assert stream[len(before) :].startswith(ENDINGS[dialect])
    claims = read(jws)[1]
    assert (claims["jti"], claims["sub"], claims["model"], claims["over"]) == (name, "acme", "sim-small", "stream")
    assert claims["digest"] == sha256(before)
    return before


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_split(sample, guard):
    dialect, stream = SAMPLES[sample]

    async def all_splits():
        seen = set()
        for place in range(len(stream) + 1):
            pieces = [piece for piece in (stream[:place], stream[place:]) if piece]
            seen.add(checked(*await with_receipt(dialect, pieces, guard), stream, dialect))
        single = [bytes([byte]) for byte in stream]
        seen.add(checked(*await with_receipt(dialect, single, guard), stream, dialect))
        assert len(seen) == 1, "the same receipt, however it was cut"

    asyncio.run(all_splits())


@pytest.mark.parametrize("guard", GUARDS)
@given(
    texts=st.lists(st.one_of(st.text(max_size=8), st.sampled_from(WORDS)), min_size=1, max_size=4),
    dialect=st.sampled_from(sorted(ENDINGS)),
    cuts=st.lists(st.integers(0, 4000), max_size=8),
)
@settings(max_examples=60)
def test_any_text_and_any_cuts(texts, dialect, cuts, guard):
    make = {
        "chat": lambda: transcripts.chat(texts, with_usage=False),
        "completions": lambda: transcripts.completions(texts, with_usage=False),
        "responses": lambda: transcripts.responses(texts),
        "messages": lambda: transcripts.messages(texts),
    }
    stream = make[dialect]()
    places = sorted({0, len(stream), *(cut % len(stream) for cut in cuts)})
    pieces = [stream[a:b] for a, b in pairwise(places)]
    checked(*asyncio.run(with_receipt(dialect, pieces, guard)), stream, dialect)


@pytest.mark.parametrize("guard", GUARDS)
def test_our_own_usage_is_not_summed_up(guard):
    """The digest is of what the caller got, not of what the upstream sent."""
    asked = transcripts.chat(WORDS, with_usage=True)
    plain = transcripts.chat(WORDS, with_usage=False)
    for place in range(0, len(asked) + 1, 7):
        pieces = [piece for piece in (asked[:place], asked[place:]) if piece]
        checked(*asyncio.run(with_receipt("chat", pieces, guard, strip=True)), plain, "chat")
