"""What the readers take for the model's text in chat and text completions, and what they do not."""

import pytest

from gateway.dialects.output import MAX_LANES, leaves
from tests.support import transcripts
from tests.support.output_texts import BY_NAME, read, whole
from tests.support.talking import STREAMED
from tests.support.transcripts import chat_chunk, line


def deltas(*given, index=0):
    return [line(chat_chunk(delta, index=index)) for delta in given]


@pytest.mark.parametrize("style", [{}, {"spaced": True}, {"ascii_only": True}, {"end": "\r\n"}, {"end": "\r"}], ids=str)
def test_chat_content(style):
    assert read("chat", transcripts.chat(["Hé", 'say "x"\n', "漢"], with_usage=True, **style)) == ['Hésay "x"\n漢']


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("completions", transcripts.completions(["a b", "c"], with_usage=True)),
        ("responses", transcripts.responses(["a b", "c"])),
        ("messages", transcripts.messages(["a b", "c"])),
        ("messages", transcripts.messages(["a b", "c"]).replace(b"\n", b"\r\n")),
    ],
)
def test_text_of_the_other_dialects(name, stream):
    assert read(name, stream) == ["a bc"]


@pytest.mark.parametrize("name", STREAMED)
def test_recorded_streams_are_read_to_their_end(name):
    sample = {"chat": "chat_usage.sse"}.get(name, f"{name}.sse")
    (text,) = read(name, transcripts.recorded(sample))
    assert len(text) > 4


FIELDS = [
    ({"content": "x"}, ["x"]),
    ({"role": "assistant", "content": [{"type": "text", "text": "x"}]}, ["x"]),
    ({"reasoning_content": "x"}, ["x"]),
    ({"reasoning": "x", "content": None}, ["x"]),
    ({"refusal": "x"}, ["x"]),
    ({"function_call": {"name": "f", "arguments": "x"}}, ["f", "x"]),
    ({"tool_calls": [{"index": 3, "id": "i", "type": "function", "function": {"arguments": "x"}}]}, ["x"]),
    ({"tool_calls": [{"index": 0, "custom": {"name": "f", "input": "x"}}]}, ["f", "x"]),
    ({"audio": {"id": "a", "data": "AAAA", "transcript": "x", "expires_at": 1}}, ["x"]),
    ({"reasoning_details": [{"type": "reasoning.text", "text": "x", "signature": "s", "index": 0}]}, ["x"]),
    ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "s"}]}, []),
    ({"added_tomorrow": {"deep": ["x"]}}, ["x"]),
]  # fmt: skip


@pytest.mark.parametrize(("delta", "texts"), FIELDS, ids=str)
def test_every_field_of_a_chat_choice(delta, texts):
    assert read("chat", deltas(delta)) == texts
    assert whole("chat", {"choices": [{"index": 0, "message": delta, "finish_reason": "stop"}]}) == texts


def test_choices_and_tool_calls_are_told_apart():
    first = deltas({"content": "a"}, {"content": "b"})
    second = deltas({"content": "x"}, {"content": "y"}, index=1)
    assert read("chat", [first[0], second[0], first[1], second[1]]) == ["ab", "xy"]

    def call(index, text):
        return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}

    assert read("chat", deltas(call(0, "a"), call(1, "x"), call(0, "b"), call(1, "y"))) == ["a|b", "xy"]


def test_a_new_text_of_a_choice_ends_the_one_before_it():
    assert read("chat", deltas({"reasoning": "a"}, {"content": "b"}, {"content": "c"})) == ["a", "bc"]
    pieces = BY_NAME["chat"].output_texts()
    pieces.read(deltas({"reasoning": "a"})[0])
    assert pieces.read(deltas({"content": "b"})[0]) == [(0, ""), (1, "b")]
    assert pieces.read(deltas({"content": "c", "refusal": "x"})[0]) == [(1, "c"), (2, "x")], "it goes on beside it"
    both = deltas(*[{"reasoning": word, "reasoning_content": word} for word in ("ca", "ta", "logue")])
    assert read("chat", both) == ["catalogue", "catalogue"], "said under two names, and neither ends the other"


def test_the_end_of_a_choice_ends_its_text_only():
    reader = BY_NAME["chat"].output_texts()
    reader.read(deltas({"content": "a"})[0])
    reader.read(deltas({"content": "x"}, index=1)[0])
    assert reader.read(line(chat_chunk({}, finish="stop"))) == [(0, "")]
    assert reader.read(line(chat_chunk({}, index=1, finish="stop"))) == [(1, "")]


@pytest.mark.parametrize("name", ["chat", "completions"])
@pytest.mark.parametrize(
    "data",
    [
        b"[DONE]", b"", b'{"choices":[],"usage":{}}', b'{"id":"x","usage":{}}', b'{"error":{"message":"secret"}}',
        b'{"choices":null}', b'{"choices":[{"index":0,"delta":{"content":null,"role":"x"},"logprobs":{"a":"b"}}]}',
        b'{"choices":[],"prompt_filter_results":[{"severity":"safe"}]}', b'{"choices":[],"obfuscation":"abc"}',
    ],
)  # fmt: skip
def test_what_is_no_text_of_the_model(name, data):
    assert read(name, [b"data: " + data + b"\n\n"]) == []
    assert read(name, [b": a comment\n\n", b"event: ping\n\n"]) == []


UNREADABLE = [
    b"{", b"[1]", b'"text"', b'{"choices":{}}', b'{"choices":["x"]}', b'{"content":"from another kind of server"}',
    b'{"choices":[{"delta":{"content":"a","content":"b"}}]}', b'{"choices":[{"delta":{"content":"\xff"}}]}',
    b"[" * 2000 + b"]" * 2000,
]  # fmt: skip


@pytest.mark.parametrize("data", UNREADABLE, ids=lambda data: data[:40].decode("latin-1"))
@pytest.mark.parametrize("name", ["chat", "completions"])
def test_what_cannot_be_read_is_told(name, data):
    assert BY_NAME[name].output_texts().read(b"data: " + data + b"\n\n") is None
    assert BY_NAME[name].output_texts().whole(data) is None


@pytest.mark.parametrize(("name", "data"), [
    ("messages", b"{"), ("messages", b"[]"), ("messages", b'{"type":"message_start","message":{"content":"x"}}'),
    ("responses", b"{"), ("responses", b"[]"), ("responses", b'{"delta":"x"}'),
])  # fmt: skip
def test_what_cannot_be_read_is_told_in_the_other_dialects(name, data):
    assert BY_NAME[name].output_texts().read(b"data: " + data + b"\n\n") is None


@pytest.mark.parametrize(("name", "body"), [
    ("messages", b"{"), ("messages", b"{}"), ("messages", b'{"content":"x"}'), ("responses", b'{"output":"x"}'),
    ("responses", b"{}"), ("responses", b"\xff"),
])  # fmt: skip
def test_whole_answers_that_cannot_be_read(name, body):
    assert BY_NAME[name].output_texts().whole(body) is None


def test_half_characters_and_many_values_can_be_read():
    event = b'data: {"choices":[{"index":0,"delta":{"content":"\\ud835"}}]}\n\n'
    assert BY_NAME["chat"].output_texts().read(event) == [(0, "\ud835")]
    numbers = {"choices": [{"index": 0, "message": {"content": "x"}, "logprobs": {"values": [0] * 300_000}}]}
    assert whole("chat", numbers) == ["x"]


def test_more_texts_than_are_told_apart_cannot_be_read():
    reader = BY_NAME["chat"].output_texts()
    for index in range(MAX_LANES):
        assert reader.read(deltas({"content": "x"}, index=index)[0]) is not None
    assert reader.read(deltas({"content": "x"}, index=MAX_LANES)[0]) is None
    assert reader.read(deltas({"content": "x"}, index=7)[0]) == [(7, "x")]


def test_leaves_are_found_in_order_at_any_depth():
    deep = "x"
    for _ in range(5000):
        deep = [deep]
    assert [
        text
        for _, text in leaves({"a": "1", "b": ["2", {"c": "3", "skipped": "no"}], "d": deep}, frozenset({"skipped"}))
    ] == ["1", "2", "3", "x"]
