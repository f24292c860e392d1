"""Events that are told by comparing them with the one before: the same bytes and counts as looking at each."""

from hypothesis import example, given
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


def fed(chunks, *, strip, compare):
    meter = CHAT.meter(strip_usage=strip)
    out = []
    for chunk in chunks:
        if not compare:
            meter._unlike = _UNLIKE
        out.append(meter.feed(chunk))
        if meter.failed:
            break
    out.append(meter.flush())
    usage = meter.usage and (meter.usage.input_tokens, meter.usage.output_tokens, meter.usage.estimated)
    counted = meter.delta_events, meter.text_bytes, meter.finished, meter.failed, meter.error, usage
    return out, counted, meter.end_for_budget()


@given(streams(), st.one_of(st.none(), st.lists(st.integers(0, 2000), max_size=12)), st.booleans())
@example([b"data: %b\n\n" % CHUNK_OF % b"", b"%b\n\n" % CHUNK_OF % b"a"], None, False)  # the second is no data
def test_comparing_changes_nothing(pieces, cuts, strip):
    chunks = pieces
    if cuts is not None:
        stream = b"".join(pieces)
        places = sorted({min(cut, len(stream)) for cut in cuts})
        chunks = [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]
    looked, compared = (fed(chunks, strip=strip, compare=compare) for compare in (False, True))
    assert compared[:2] == looked[:2]
    # Of a first event that is no JSON nothing is told; the one that others are compared with may tell it.
    assert compared[2] == looked[2] or b'"id"' not in looked[2]


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
