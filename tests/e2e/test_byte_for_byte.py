"""With no policy that changes anything, the caller reads the upstream's own bytes, streamed or not.

The only bytes that may ever be missing are the usage chunk and the null fields that the gateway asked for itself.
"""

import json
from itertools import pairwise

import pytest

from tests.support import transcripts
from tests.support.talking import PATHS, STREAMED
from tests.support.talking import ask as ask_any
from tests.support.upstream import chunk, ok
from tests.support.witnessed import in_chunks, witnessed

WORDS = ["Hello", " wörld", " 漢字かな", " 🥃\u200d🏴", ' "quoted\\"', "\n\ttab", "", " data: no event", " end"]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with witnessed(tmp_path_factory.mktemp("gateway")) as pair:
        yield pair


@pytest.fixture
def gateway(both):
    return both[0]


@pytest.fixture
def upstream(both):
    return both[1]


def ask(gateway, dialect, *, model="public-name", **more):
    return ask_any(gateway, dialect, model=model, **more)


# whole answers


ODD_BODIES = {
    "spaced": b' {\r\n\t"id" : "x" , "choices":[ ], "usage" :{"prompt_tokens": 3 ,"completion_tokens":4}\r\n}\n\n',
    "escapes": rb'{"id":"\u00e4\/\ud83e\udd43","choices":[{"message":{"content":"a\u0000b\n"}}]}',
    "raw non-ascii": '{"id":"ä漢🥃","choices":[]}'.encode(),
    "numbers": b'{"id":"x","big":123456789012345678901234567890,"float":1.0E+2,"minus":-0.0,"choices":[]}',
    "same key twice": b'{"id":"x","id":"y","choices":[]}',
    "not an object": b'[1,2,{"usage":null}]',
    "no json at all": b"\xff\xfe not json \x00",
    "byte order mark": b'\xef\xbb\xbf{"id":"x","usage":null,"choices":[]}',
    "usage null": b'{"choices":[], "usage": null, "id":"x"}',
    "empty": b"",
}


@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES)
@pytest.mark.parametrize("dialect", PATHS)
def test_a_whole_answer_comes_as_it_was_sent(gateway, upstream, dialect, body):
    upstream.play(ok(body))
    answer = ask(gateway, dialect)
    assert (answer.status, answer.body) == (200, body)
    assert answer.header("content-length") == str(len(body))


def test_the_framing_of_a_whole_answer_may_change_its_bytes_may_not(gateway, upstream):
    body = json.dumps({"choices": [], "text": "ä" * 70_000}, ensure_ascii=False).encode()
    head = b"HTTP/1.1 200 Fine\r\nContent-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
    cuts = [0, 1, 2, 3, 11, 4096, 70_001, len(body)]
    upstream.play([head, *(chunk(body[a:b]) for a, b in pairwise(cuts)), b"0\r\n\r\n"])
    answer = ask(gateway, "chat")
    assert answer.body == body
    assert answer.header("content-type") == "application/json; charset=utf-8"


# streams


def odd(stream, end=b"\n"):
    """The same events with everything that the standard allows around and inside them."""
    events = stream.split(end * 2)
    extra = [b": a comment: with\xc3\xa9", b"id: 1" + end + b"retry: 10" + end + b": and more", b":"]
    out = []
    for number, event in enumerate(events[:-1]):
        out += [extra[number % 3]] if number % 2 else []
        out.append(event)
    return (end * 2).join([*out, events[-1]])


def rows(document, **style):
    return transcripts.line(document, **style)


TRANSCRIPTS = {
    "chat": {
        "recorded": transcripts.recorded("chat_usage.sse"),
        "compact": transcripts.chat(WORDS, with_usage=True),
        "spaced, escaped": transcripts.chat(WORDS, with_usage=True, spaced=True, ascii_only=True),
        "crlf": transcripts.chat(WORDS, with_usage=True, end="\r\n"),
        "cr": transcripts.chat(WORDS, with_usage=True, end="\r"),
    },
    "completions": {
        "recorded": transcripts.recorded("completions.sse"),
        "compact": transcripts.completions(WORDS, with_usage=True),
    },
    "responses": {
        "recorded": transcripts.recorded("responses.sse"),
        "compact": transcripts.responses(WORDS),
        "crlf": transcripts.responses(WORDS).replace(b"\n", b"\r\n"),
    },
    "messages": {
        "recorded": transcripts.recorded("messages.sse"),
        "compact": transcripts.messages(WORDS, thinking=["hm", " ö"], tool=['{"a":', "1}"]),
        "crlf": transcripts.messages(WORDS).replace(b"\n", b"\r\n"),
    },
}
ODD = {dialect: odd(named["compact"]) for dialect, named in TRANSCRIPTS.items()}
CASES = [(dialect, name) for dialect in STREAMED for name in (*TRANSCRIPTS[dialect], "odd")]
CUTS = ["whole", "events", "bytes", 1, 2]


def transcript(dialect, name):
    return ODD[dialect] if name == "odd" else TRANSCRIPTS[dialect][name]


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_a_stream_comes_as_it_was_sent(gateway, upstream, dialect, name, how):
    """The caller asks for usage itself, so that all of it is the caller's."""
    stream = transcript(dialect, name)
    upstream.play(in_chunks(stream, how))
    options = {"stream_options": {"include_usage": True}} if dialect in ("chat", "completions") else {}
    answer = ask(gateway, dialect, stream=True, **options)
    assert answer.status == 200
    assert answer.body == stream


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize(("dialect", "name"), CASES)
def test_an_upstream_that_was_not_asked_for_usage_loses_nothing(gateway, upstream, dialect, name, how):
    stream = transcript(dialect, name)
    upstream.play(in_chunks(stream, how))
    assert ask(gateway, dialect, model="bare", stream=True).body == stream
    assert "stream_options" not in json.loads(upstream.bodies()[-1])


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("style", [{}, {"spaced": True, "ascii_only": True}, {"end": "\r\n"}], ids=str)
def test_only_our_own_usage_is_taken_out_of_a_chat_stream(gateway, upstream, style, how):
    upstream.play(in_chunks(transcripts.chat(WORDS, with_usage=True, **style), how))
    answer = ask(gateway, "chat", stream=True)
    assert json.loads(upstream.bodies()[-1])["stream_options"] == {"include_usage": True}
    assert answer.body == transcripts.chat(WORDS, with_usage=False, **style)


@pytest.mark.parametrize("how", CUTS)
def test_only_our_own_usage_is_taken_out_of_a_completions_stream(gateway, upstream, how):
    upstream.play(in_chunks(transcripts.completions(WORDS, with_usage=True), how))
    assert ask(gateway, "completions", stream=True).body == transcripts.completions(WORDS, with_usage=False)


def test_usage_of_the_upstreams_own_accord_stays(gateway, upstream):
    """Running counts beside text were not asked for by us: only the chunk without choices is ours."""
    head = transcripts.HEAD
    text = {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}]}
    counted = rows({**head, **text, "usage": transcripts.USAGE})
    last = rows({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    ours = rows({**head, "choices": [], "usage": transcripts.USAGE})
    upstream.play(in_chunks(counted + last + ours + transcripts.DONE, "bytes"))
    assert ask(gateway, "chat", stream=True).body == counted + last + transcripts.DONE


@pytest.mark.parametrize(
    "stream",
    [
        b"\xef\xbb\xbf" + transcripts.chat(["a"], with_usage=False),
        b"\n\n\n" + transcripts.chat(["a"], with_usage=False) + b": bye\n\n",
        transcripts.chat(["a"], with_usage=False).replace(b"data: ", b"data:"),
        transcripts.chat(["a"], with_usage=False).replace(b'"choices"', b'\ndata: "choices"'),
        transcripts.chat(["a"], with_usage=False).rstrip(b"\n"),
    ],
    ids=["bom", "blank lines", "no space", "several data lines", "no last blank line"],
)
@pytest.mark.parametrize("model", ["public-name", "bare"])
@pytest.mark.parametrize("how", ["whole", "bytes"])
def test_legal_oddities_of_chat_streams_stay(gateway, upstream, stream, model, how):
    upstream.play(in_chunks(stream, how))
    assert ask(gateway, "chat", model=model, stream=True).body == stream
