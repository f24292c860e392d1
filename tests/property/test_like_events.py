"""Events that are told by comparing them with the one before: the same bytes and counts as looking at each."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.dialects import DIALECTS
from gateway.dialects.openai_stream import _UNLIKE

CHAT = next(dialect for dialect in DIALECTS if dialect.name == "chat")
ONE = '{"id":"c","object":"chat.completion.chunk","choices":[{"index":%s,"delta":{%s},"finish_reason":%s}]%s}'
CHUNK_OF = b'{"id":"c","choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":null}]}'
TEXT = st.sampled_from(
    [
        "", "a", " word", "é€", "\\", '\\"', "\\u00e9", '"', "\n", "\r", "\r\r", "\n\n", "\n\ndata: x", '"},"x":{"',
        "\x00", '"}}]}\n\ndata: {"choices":[{"index":0,"delta":{"content":"b',
    ]
)  # fmt: skip
DELTA = st.sampled_from(
    [
        '"content":"{}"', '"content":"{}"', '"content":"{}"', '"content": "{}"', '"role":"assistant","content":"{}"',
        '"content":"a","reasoning":"{}"', '"content":"{}","reasoning":"a"', "",
    ]
)  # fmt: skip
MORE = st.sampled_from(
    [
        "", "", "", ',"usage":null', ',"usage":null', ',"usage": null', ',"usage" : null', ',"error":{"message":"x"}',
        ',"delta":"y"', ',"usage":{"prompt_tokens":1,"completion_tokens":2}',
    ]
)  # fmt: skip
CHUNK = st.tuples(st.sampled_from(["0", "0", "1"]), DELTA, st.sampled_from(["null", "null", '"stop"']), MORE)
OTHER = st.sampled_from(
    ['{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}', "[DONE]", '{"usage":null}', "{"]
)
FIELD = st.sampled_from(["data: ", "data: ", "data: ", "data:", "event: x\ndata: ", "\n", ": "])
END = st.sampled_from(["\n\n", "\n\n", "\n\n", "\r\n\r\n", "\n"])


@st.composite
def streams(draw):
    """The pieces of a stream: runs of events that differ in their texts only, or in how they end, too."""
    out: list[bytes] = []
    for _ in range(draw(st.integers(1, 3))):
        field, event, end = draw(FIELD), draw(st.one_of(CHUNK.map(lambda parts: ONE % parts), OTHER)), draw(END)
        texts = draw(st.lists(st.tuples(TEXT, st.one_of(st.just(end), END)), min_size=1, max_size=6))
        out += [(field + event.replace('"{}"', f'"{text}"') + last).encode() for text, last in texts]
    return out


def heard(meter, chunks, forget):
    """What is forwarded, what is counted, and the ending for a budget; `forget` is called before each chunk."""
    out = []
    for chunk in chunks:
        forget()
        out.append(meter.feed(chunk))
        if meter.failed:
            break
    out.append(meter.flush())
    usage = meter.usage and (meter.usage.input_tokens, meter.usage.output_tokens, meter.usage.estimated)
    counted = meter.delta_events, meter.text_bytes, meter.finished, meter.failed, meter.error, usage
    return out, counted, meter.end_for_budget()


def fed(chunks, *, strip, compare):
    meter = CHAT.meter(strip_usage=strip)
    return heard(meter, chunks, lambda: None if compare else setattr(meter, "_unlike", _UNLIKE))


def listened(chunks, *, compare):
    meter = MESSAGES.meter(strip_usage=False)
    return heard(meter, chunks, lambda: None if compare else setattr(meter, "_head", b""))


def cut(pieces, cuts):
    """The same stream in other chunks; None leaves it as it is."""
    if cuts is None:
        return pieces
    stream = b"".join(pieces)
    places = sorted({min(place, len(stream)) for place in cuts})
    return [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]


@given(streams(), st.one_of(st.none(), st.lists(st.integers(0, 2000), max_size=12)), st.booleans())
@example([b"data: %b\n\n" % CHUNK_OF % b"", b"%b\n\n" % CHUNK_OF % b"a"], None, False)  # the second is no data
def test_comparing_changes_nothing(pieces, cuts, strip):
    chunks = cut(pieces, cuts)
    looked, compared = (fed(chunks, strip=strip, compare=compare) for compare in (False, True))
    assert compared[:2] == looked[:2]
    # Of a first event that is no JSON nothing is told; the one that others are compared with may tell it.
    assert compared[2] == looked[2] or b'"id"' not in looked[2]


MESSAGES = next(dialect for dialect in DIALECTS if dialect.name == "messages")
PART = st.sampled_from(
    [
        '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{}"}}',
        '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{}"}}',
        '{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"{}"}}',
        '{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}',
        '{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "{}"}}',
        '{"type":"content_block_delta","delta":{"text":"x","thinking":"{}"}}',
        '{"type":"content_block_delta","delta":{"text":"","thinking":"{}"}}',
        '{"type":"content_block_delta","delta":{"text":"{}","thinking":""}}',
        '{"type":"content_block_delta","delta":{"text":"ab","x":"{}"}}',
        '{"delta":{"text":"{}"}}',
        '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}',
        '{"type":"content_block_stop","index":0}', '{"type":"error","error":{"message":"text"}}', "{",
    ]
)  # fmt: skip
NAMED = st.sampled_from(
    ["event: content_block_delta\ndata: "] * 4 + ["data: ", "event: ping\ndata: ", "event: error\ndata: "]
)
NAME = st.just("content_block_delta")


@st.composite
def conversations(draw):
    """The same of named events."""
    out: list[bytes] = []
    for _ in range(draw(st.integers(1, 3))):
        name, event, end = draw(NAMED), draw(PART), draw(END)
        texts = draw(st.lists(st.tuples(TEXT | NAME, st.one_of(st.just(end), END)), min_size=1, max_size=6))
        out += [(name + event.replace('"{}"', f'"{text}"') + last).encode() for text, last in texts]
    return out


def _said(text, key='"text"', end="\n\n", name="event: content_block_delta\n"):
    return f'{name}data: {{"delta":{{{key}:"{text}"}}}}{end}'.encode()


@settings(max_examples=300)
@example([_said("a"), _said("b", end="\n"), _said("c")], None)  # the third is in the second
@example([_said("a", '"text":"x","thinking"'), _said("b", '"text":"x","thinking"')], None)  # two texts
@example([_said("", '"text":"x","thinking"'), _said("b", '"text":"x","thinking"')], None)
@example([_said("cde", '"text":"ab","x"'), _said("cdef", '"text":"ab","x"')], None)  # no text in the last place
@example([_said("content_block_delta", name=""), _said("a", name="")], None)  # the name is in the text
@example([_said("\\", '"text":"x","thinking"'), _said("b", '"text":"x","thinking"')], None)  # none that ends
@example([_said('a"b', '"text":"xy","thinking"'), _said("b", '"text":"xy","thinking"')], None)
@example([_said("a", end="\r\n\r\n"), _said("b", end="\r\n\r\n")], None)
@example([_said("a", name="event: content_block_delta\r"), _said("b", name="event: content_block_delta\r")], None)
@given(conversations(), st.one_of(st.none(), st.lists(st.integers(0, 2000), max_size=12)))
def test_comparing_named_events_changes_nothing(pieces, cuts):
    chunks = cut(pieces, cuts)
    assert listened(chunks, compare=True) == listened(chunks, compare=False)


@pytest.mark.parametrize("key", ["text", "thinking"])
def test_a_stream_of_like_named_events_is_compared(key):
    event = 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"%s":"%s"}}\n\n'
    meter = MESSAGES.meter(strip_usage=False)
    for word in ("a", "é", "c"):
        said = (event % (key, word)).encode()
        assert meter.feed(said) is said
        assert meter._head.endswith(f'"{key}":"'.encode())
    assert (meter.delta_events, meter.text_bytes) == (3, 4)


def test_a_stream_of_like_events_is_compared():
    meter = CHAT.meter(strip_usage=False)
    for word in ("a", "b", "c"):
        event = f"data: {ONE % (0, f'{chr(34)}content{chr(34)}:{chr(34)}{word}{chr(34)}', 'null', '')}\n\n".encode()
        assert meter.feed(event) is event
    assert meter._tail is not None
    assert (meter.delta_events, meter.text_bytes, meter._unlike) == (3, 3, 0)


def test_an_ending_that_cannot_be_parsed_is_no_model_for_the_next():
    end = 'data: {"choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":"stop"}]}\n\n'
    chunks = [(end % text).encode() for text in ("\x00", "a")]
    assert fed(chunks, strip=False, compare=True) == fed(chunks, strip=False, compare=False)
