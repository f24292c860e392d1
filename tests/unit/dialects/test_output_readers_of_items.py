"""What the readers take for the model's text in blocks of messages and items of responses."""

import pytest

from tests.support import transcripts
from tests.support.output_texts import BY_NAME, read, whole
from tests.support.transcripts import line


def test_messages_read_every_block():
    stream = transcripts.messages(["te", "xt"], thinking=["th", "ink"], tool=['{"q":"', 'x"}'])
    assert read("messages", stream) == ["think", "text", '{"q":"x"}']


def block(index, kind, **fields):
    start = {"type": "content_block_start", "index": index, "content_block": {"type": kind, **fields}}
    return line(start, event="content_block_start")


def block_delta(index, **fields):
    delta = {"type": "content_block_delta", "index": index, "delta": {"type": "some_delta", **fields}}
    return line(delta, event="content_block_delta")


STOP = line({"type": "content_block_stop", "index": 0}, event="content_block_stop")


def test_one_text_runs_through_many_blocks_of_messages():
    events = [
        block(0, "text", text="The grass "),
        STOP,
        block(1, "text", text=""),
        block_delta(1, text="is green"),
        STOP,
    ]
    assert read("messages", events) == ["The grass |is green"]


@pytest.mark.parametrize(
    ("event", "texts"),
    [
        (block(0, "redacted_thinking", data="cipher"), []),
        (block_delta(0, signature="cipher"), []),
        (block(0, "tool_use", id="toolu_1", name="search", input={}), ["search"]),
        (block(0, "server_tool_use", id="x", name="f", input={"q": 'say "x"'}), ["f", '{"q":"say \\"x\\""}']),
        (block_delta(0, citation={"type": "char_location", "cited_text": "x", "file_id": "f"}), ["x"]),
        (block_delta(0, added_tomorrow="x"), ["x"]),
        (line({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": "END"}}), []),
        (line({"type": "ping"}, event="ping"), []),
        (line({"type": "message_stop"}), []),
    ],
)
def test_parts_of_blocks(event, texts):
    assert read("messages", [event]) == texts


def test_a_whole_message_reads_as_its_stream():
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "cipher"},
        {"type": "text", "text": "The grass ", "citations": None},
        {"type": "text", "text": "is green"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"ключ": ["x", 1]}},
    ]
    document = {"type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": "end_turn"}
    assert whole("messages", document) == ["hm", "The grass |is green", "f", '{"ключ":["x",1]}']


def typed(kind, **fields):
    return line({"type": kind, "sequence_number": 1, **fields}, event=kind)


PART = {"item_id": "i", "output_index": 0, "content_index": 0}


@pytest.mark.parametrize(
    "stem",
    [
        "response.output_text", "response.refusal", "response.reasoning_text", "response.reasoning_summary_text",
        "response.function_call_arguments", "response.custom_tool_call_input", "response.mcp_call_arguments",
        "response.code_interpreter_call_code", "response.audio.transcript", "response.added_tomorrow",
    ],
)  # fmt: skip
def test_every_delta_of_responses(stem):
    events = [
        typed(f"{stem}.delta", delta=text, obfuscation="noise", logprobs=[{"token": "x"}], **PART) for text in "ab"
    ]
    assert read("responses", events) == ["ab"]


@pytest.mark.parametrize("kind", ["response.audio.delta", "response.output_audio.delta"])
def test_sound_is_no_text(kind):
    assert read("responses", [typed(kind, delta="AAAA", **PART)]) == []


def test_what_responses_say_again_is_read_once():
    item = {"type": "message", "id": "i", "status": "completed", "role": "assistant",
            "content": [{"type": "output_text", "text": "one two", "annotations": []}]}  # fmt: skip
    call = {"type": "function_call", "id": "c", "call_id": "d", "name": "f", "arguments": '{"a":1}'}
    echo = {"instructions": "the caller's", "tools": [{"name": "the caller's"}], "metadata": {"a": "the caller's"}}
    events = [
        typed("response.created", response={**echo, "output": []}),
        typed("response.output_item.added", output_index=0, item={**item, "content": []}),
        typed("response.content_part.added", part={"type": "output_text", "text": ""}, **PART),
        typed("response.output_text.delta", delta="one ", **PART),
        typed("response.output_text.delta", delta="two", **PART),
        typed("response.output_text.done", text="one two", **PART),
        typed("response.content_part.done", part=item["content"][0], **PART),
        typed("response.output_item.done", output_index=0, item=item),
        typed("response.output_item.added", output_index=1, item={**call, "arguments": ""}),
        typed("response.function_call_arguments.delta", output_index=1, item_id="c", delta='{"a":1}'),
        typed("response.function_call_arguments.done", output_index=1, item_id="c", arguments='{"a":1}'),
        typed("response.output_item.done", output_index=1, item=call),
        typed("response.completed", response={**echo, "output": [item, call]}),
    ]
    assert read("responses", events) == ["one two", "f", '{"a":1}']
    assert whole("responses", {**echo, "output": [item, call]}) == ["one two", "f", '{"a":1}']


def test_what_no_delta_said_is_read_where_it_is_said_first():
    item = {"type": "message", "content": [{"type": "output_text", "text": "never streamed"}]}
    events = [
        typed("response.output_text.delta", delta="one", **PART),
        typed("response.output_text.done", text="one more", **PART),
        typed("response.completed", response={"output": [item]}),
    ]
    assert read("responses", events) == ["one", "one more", "never streamed"]


@pytest.mark.parametrize("name", ["embeddings", "count_tokens"])
def test_routes_that_write_nothing_have_no_reader(name):
    assert BY_NAME[name].output_texts() is None
