"""Streams under output rules end at any byte, by either side: no byte of a match, no false clearance, no leftover."""

import json
import random
import re
from contextlib import ExitStack

import pytest

from tests.support import transcripts
from tests.support.answers_seen import watch_archive
from tests.support.rawhttp import Raw
from tests.support.rawhttp import request as http
from tests.support.recording import recording
from tests.support.running import running
from tests.support.talking import PATHS, PROMPTS, STREAMED, fresh_bridge, policy, used
from tests.support.transcripts import payloads
from tests.support.upstream import EVENTS, chunk, cut

pytestmark = pytest.mark.interpreted

WORDS = ["al", "pha ", "sec", "ret ", "word ", "words, ", "and ", "\n\n", "漢字 ", "\u200b", ". ", "secrets ", "alpha"]
RULES = """\
output:
  held: {text: {phrases: [alpha secret]}, how: hold_back, then: stop}
  later: {text: {phrases: [alpha secret]}, how: after}
"""
LIMITS = "slots: {unit: concurrent, per: account, amount: 50}"
ROUNDS = 25


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with ExitStack() as stack:
        upstream = stack.enter_context(recording())
        folder = tmp_path_factory.mktemp("gateway")
        policies = policy(LIMITS, name="output", more=RULES)
        yield upstream, stack.enter_context(running(folder, upstream=upstream.url + "/v1", policies=policies))


def make(dialect, texts):
    return {
        "chat": lambda: transcripts.chat(texts, with_usage=False),
        "completions": lambda: transcripts.completions(texts, with_usage=False),
        "responses": lambda: transcripts.responses(texts),
        "messages": lambda: transcripts.messages(texts),
    }[dialect]()


def text_of(dialect, body):
    """What a client would show of the whole events in `body`."""
    shown = ""
    for data in payloads(body):
        try:
            document = json.loads(data)
        except ValueError:
            continue
        for choice in document.get("choices", []):
            shown += choice["delta"].get("content", "") if dialect == "chat" else choice["text"]
        delta = document.get("delta", "")
        shown += delta.get("text", "") if isinstance(delta, dict) else delta
    return shown


def dechunked(raw):
    """The body as far as it came."""
    body, rest = b"", raw
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body


@pytest.mark.parametrize("seed", range(ROUNDS))
@pytest.mark.parametrize("dialect", STREAMED)
def test_whoever_ends_it_wherever(pair, dialect, seed):
    upstream, gateway = pair
    picks = random.Random(f"{dialect}{seed}")
    texts = [picks.choice(WORDS) for _ in range(picks.randrange(1, 60))]
    stream = make(dialect, texts)
    end = picks.choice(["whole", "upstream", "caller"])
    sent = stream if end == "whole" else stream[: picks.randrange(len(stream))]
    places = sorted(picks.randrange(len(sent) + 1) for _ in range(12))
    pieces = [sent[a:b] for a, b in zip([0, *places], [*places, len(sent)], strict=True) if a < b]
    upstream.play([EVENTS, *map(chunk, pieces), *([b"0\r\n\r\n"] if end == "whole" else [cut])])
    fresh_bridge(gateway)
    seen = watch_archive(gateway)
    got = b""
    body = json.dumps({"model": "sim-small", **PROMPTS[dialect], "stream": True}).encode()
    with Raw(gateway.gateway.data_port) as raw:
        raw.send(http(PATHS[dialect], body, key=gateway.keys["acme"], headers=(b"Connection: close",)))
        assert raw.head().status == 200
        if end != "caller":
            got = dechunked(raw.rest())
    gateway.settled()
    shown = text_of(dialect, got)
    plain = "".join(texts).replace("\u200b", "")
    assert "alpha secret " not in " ".join(part for part in shown.replace("\u200b", "").split("\n\n"))
    states = seen.states()
    if end == "whole" and states["held"] == "clear":
        assert got == stream
        assert states["later"] == "clear"
    elif "clear" in states.values():
        assert end == "caller", "only a caller that leaves after the end leaves a complete answer"
        assert seen.outcome() == "complete"
    if end == "whole" and re.search(r"\balpha secret\b", plain):
        assert states["held"] == "matched"
    if states["held"] == "matched":
        assert "alpha" in plain
        assert seen.newest.refusal is None or seen.newest.refusal.reason.code == "output_denied"
    assert gateway.call(gateway.runtime.store.held()) == []
    assert used(gateway)["slots"] == 0
