"""Meters against any text and any chunking: same bytes, same counts, exactly the gateway's own bytes removed."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects import DIALECTS
from tests.support import transcripts
from tests.support.transcripts import counts, payloads, run

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
TRICKY = st.sampled_from(
    [
        ',"usage":null', '"usage":null,', '{"usage":{"completion_tokens":1}}', "\\", '\\"', '"', "\n\ndata: [DONE]\n\n",
        "\r\n", "[DONE]", '"content":"x"', "€", "\u2028", "\x00", "𝔘", "usage", "error", "content_block_delta",
        "response.completed", '"error":{', "delta", '}}],"choices":[', "\ufeff",
    ]
)  # fmt: skip
TEXT = st.one_of(TRICKY, st.text(max_size=12), st.lists(TRICKY, max_size=3).map("".join))
TEXTS = st.lists(TEXT, min_size=1, max_size=4)
STYLE = st.fixed_dictionaries({"spaced": st.booleans(), "ascii_only": st.booleans()})
ENDS = st.sampled_from(["\n", "\r\n"])

SAMPLES = {
    "chat": ("chat", transcripts.chat(["Hé", 'say "x"\n'], with_usage=True)),
    "chat crlf": ("chat", transcripts.chat(["Hé", "b"], with_usage=True, end="\r\n")),
    "completions": ("completions", transcripts.completions(["a", "é"], with_usage=True)),
    "responses": ("responses", transcripts.responses(["a", "é\n"])),
    "messages": ("messages", transcripts.messages(["a", "é"], thinking=["hm"], tool=['{"a":', "1}"])),
}


@pytest.mark.parametrize("strip", [False, True], ids=["as is", "stripped"])
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_split_gives_the_same_bytes_and_counts(sample, strip):
    name, stream = SAMPLES[sample]
    whole = BY_NAME[name].meter(strip_usage=strip)
    expected = run(whole, [stream])
    assert whole.usage is not None
    assert not whole.usage.estimated
    assert whole.finished
    for place in range(len(stream) + 1):
        meter = BY_NAME[name].meter(strip_usage=strip)
        assert run(meter, [stream[:place], stream[place:]]) == expected
        assert counts(meter) == counts(whole)
    meter = BY_NAME[name].meter(strip_usage=strip)
    assert run(meter, [bytes([byte]) for byte in stream]) == expected
    assert counts(meter) == counts(whole)


@given(TEXTS, STYLE, ENDS)
def test_stripping_leaves_what_the_upstream_would_have_sent(texts, style, end):
    asked = transcripts.chat(texts, with_usage=True, end=end, **style)
    plain = transcripts.chat(texts, with_usage=False, end=end, **style)
    meter = BY_NAME["chat"].meter(strip_usage=True)
    assert run(meter, [asked]) == plain
    assert meter.usage.output_tokens == 3


@given(TEXTS)
def test_stripping_completions_leaves_what_the_upstream_would_have_sent(texts):
    meter = BY_NAME["completions"].meter(strip_usage=True)
    assert run(meter, [transcripts.completions(texts, with_usage=True)]) == transcripts.completions(
        texts, with_usage=False
    )
    assert meter.usage.input_tokens == 20


@given(TEXTS, STYLE, st.booleans())
def test_any_text_reaches_the_client_and_is_counted_to_the_byte(texts, style, strip):
    stream = transcripts.chat(texts, with_usage=True, **style)
    meter = BY_NAME["chat"].meter(strip_usage=strip)
    seen = [json.loads(data) for data in payloads(run(meter, [stream])) if data != b"[DONE]"]
    told = [choice["delta"].get("content") for chunk in seen for choice in chunk["choices"]]
    assert [text for text in told if text] == [text for text in texts if text]
    assert meter.text_bytes == sum(len(text.encode()) for text in texts)
    assert meter.delta_events == sum(1 for text in texts if text)
    assert not meter.failed


@given(TEXTS, TEXTS, TEXTS)
def test_messages_count_to_the_byte(texts, thinking, tool):
    meter = BY_NAME["messages"].meter(strip_usage=False)
    stream = transcripts.messages(texts, thinking=thinking, tool=tool)
    assert run(meter, [stream]) == stream
    everything = [*texts, *thinking, *tool]
    assert meter.text_bytes == sum(len(text.encode()) for text in everything)
    assert meter.delta_events == sum(1 for text in everything if text)
    assert (meter.usage.input_tokens, meter.usage.output_tokens) == (23, 42)
    assert meter.finished
    assert not meter.failed


@given(TEXTS)
def test_responses_count_to_the_byte(texts):
    meter = BY_NAME["responses"].meter(strip_usage=False)
    stream = transcripts.responses(texts)
    assert run(meter, [stream]) == stream
    assert meter.text_bytes == sum(len(text.encode()) for text in texts)
    assert (meter.usage.input_tokens, meter.usage.output_tokens, meter.usage.reasoning_tokens) == (9, 5, 2)
    assert meter.finished
    assert not meter.failed


@settings(max_examples=200)
@given(st.sampled_from(["chat", "completions", "responses", "messages"]), st.booleans(), st.binary(max_size=200))
def test_no_bytes_break_a_meter_and_none_are_lost(name, strip, data):
    meter = BY_NAME[name].meter(strip_usage=strip)
    sent = data + b"data: {" + data + b"}\n\n"
    out = run(meter, [data, b"data: {", data, b"}\n\n"])
    assert sent.startswith(out) if meter.failed else out == sent


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "choices", "usage", "error", "delta", "message", "response", "index", "content"]),
            below,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(st.sampled_from(["chat", "completions", "responses", "messages"]), st.booleans(), JUNK, st.booleans())
def test_no_document_breaks_a_meter(name, strip, document, spaced):
    meter = BY_NAME[name].meter(strip_usage=strip)
    event = transcripts.line(document, spaced=spaced)
    out = run(meter, [event])
    assert out == (b"" if meter.failed else event) or strip
    assert isinstance(meter.end_for_budget(), bytes)
