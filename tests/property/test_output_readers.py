"""Readers of output against any text, any document and any bytes: nothing is lost, nothing breaks them."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.core.sse import EventFramer
from gateway.dialects import DIALECTS
from tests.support import transcripts

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
STREAMED = ("chat", "completions", "responses", "messages")
TRICKY = st.sampled_from(
    [
        "\\", '\\"', '"', "\n\ndata: [DONE]\n\n", "\r\n", "[DONE]", '"content":"x"', "€", "\u2028", "\x00", "𝔘",
        '}}],"choices":[', "\ufeff", "\n\n", "|",
    ]
)  # fmt: skip
TEXTS = st.lists(st.one_of(TRICKY, st.text(max_size=12)), min_size=1, max_size=5)


def said(pieces):
    """Texts by lane; the ends of parts are no text."""
    found = {}
    for lane, text in pieces:
        found[lane] = found.get(lane, "") + text
    return [text for text in found.values() if text]


def read(name, stream):
    reader = BY_NAME[name].output_texts()
    found = [reader.read(event) for event in EventFramer().feed(stream)]
    assert None not in found
    return said(piece for pieces in found for piece in pieces)


@given(TEXTS, st.booleans(), st.booleans())
def test_chat_reads_every_character(texts, spaced, ascii_only):
    stream = transcripts.chat(texts, with_usage=True, spaced=spaced, ascii_only=ascii_only)
    assert "".join(read("chat", stream)) == "".join(texts)


@pytest.mark.parametrize("name", ["completions", "responses"])
@given(TEXTS)
def test_so_do_the_others(name, texts):
    make = {"completions": lambda: transcripts.completions(texts, with_usage=True)}
    stream = make.get(name, lambda: transcripts.responses(texts))()
    assert "".join(read(name, stream)) == "".join(texts)


@given(TEXTS, TEXTS, TEXTS)
def test_messages_keep_text_thinking_and_tools_apart(texts, thinking, tool):
    stream = transcripts.messages(texts, thinking=thinking, tool=tool)
    assert read("messages", stream) == [one for one in map("".join, (thinking, texts, tool)) if one]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type", "choices", "index", "delta", "message", "content", "text", "tool_calls", "function",
                    "arguments", "output", "response", "content_block", "input", "item", "finish_reason", "error",
                ]
            ),
            below,
            max_size=5,
        )
    ),
    max_leaves=12,
)  # fmt: skip
KIND = st.sampled_from(
    [
        None, "content_block_start", "content_block_delta", "content_block_stop", "message_start", "message_delta",
        "response.output_text.delta", "response.output_text.done", "response.completed", "response.output_item.done",
    ]
)  # fmt: skip


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for below in value.values():
            yield from strings(below)
    elif isinstance(value, list):
        for below in value:
            yield from strings(below)


def a_tools_input(text):
    """Whether it may be one: they are written out as JSON, whatever their kind."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@settings(max_examples=300)
@given(st.sampled_from(STREAMED), st.lists(st.tuples(JUNK, KIND), max_size=4))
@example("messages", [({"input": 1}, None)])
def test_no_document_breaks_a_reader_and_it_invents_nothing(name, documents):
    reader = BY_NAME[name].output_texts()
    for document, kind in documents:
        whole = {**document, "type": kind} if isinstance(document, dict) and kind else document
        pieces = reader.read(transcripts.line(whole))
        assert pieces is None or {text for _, text in pieces if not a_tools_input(text)} <= {"", *strings(whole)}
        assert BY_NAME[name].output_texts().whole(json.dumps(whole).encode()) is not NotImplemented


@settings(max_examples=200)
@given(st.sampled_from(STREAMED), st.binary(max_size=100))
def test_no_bytes_break_a_reader(name, data):
    for event in (data, b"data: " + data + b"\n\n", b'data: {"choices":[' + data + b"]}\n\n"):
        reader = BY_NAME[name].output_texts()
        assert reader.read(event) is None or isinstance(reader.read(event), list)
    body = BY_NAME[name].output_texts().whole(data)
    assert body is None or isinstance(body, list)
