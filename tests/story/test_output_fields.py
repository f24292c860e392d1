"""Output rules through the whole gateway: every text of an answer is looked at, and what cannot be is told."""

import json
from contextlib import ExitStack

import pytest

from tests.support import transcripts
from tests.support.output_scene import (
    ENDED,
    HELD,
    POLICIES,
    RULES,
    Scene,
    last_error,
)
from tests.support.talking import STREAMED, code
from tests.support.transcripts import chat_chunk, line
from tests.support.upstream import ok

pytestmark = pytest.mark.interpreted


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    with ExitStack() as stack:
        yield Scene(stack, tmp_path_factory.mktemp("gateway"), POLICIES)


# every text of an answer


def call(text, index=0):
    return {"tool_calls": [{"index": index, "function": {"name": "f", "arguments": text}}]}


DELTAS = {
    "content": lambda text: {"content": text},
    "reasoning": lambda text: {"reasoning_content": text},
    "refusal": lambda text: {"refusal": text},
    "arguments": call,
    "second call": lambda text: call(text, 1),
    "function": lambda text: {"function_call": {"arguments": text}},
    "transcript": lambda text: {"audio": {"transcript": text}},
}


@pytest.mark.parametrize("phrase", [HELD, ENDED])
@pytest.mark.parametrize("index", [0, 5])
@pytest.mark.parametrize("field", DELTAS)
def test_every_text_of_every_chat_choice_is_looked_at(scene, field, index, phrase):
    make = DELTAS[field]
    other = [line(chat_chunk({"content": "Something else "}, index=1))]
    pieces = [phrase[:3], phrase[3:8], phrase[8:], " and more"]
    stream = b"".join(other + [line(chat_chunk(make(text), index=index)) + other[0] for text in pieces])
    answer = scene.stream("chat", stream + transcripts.DONE)
    assert last_error(answer, "chat") == "output_denied"
    document = {"choices": [{"index": index, "message": make(phrase)}]}
    assert code(scene.ask("chat", ok(json.dumps(document).encode()))) == "output_denied"


@pytest.mark.parametrize("stream", [
    transcripts.messages(["fine"], thinking=["alpha", " secret "]),
    transcripts.messages(["fine"], tool=['{"q":"al', "pha sec", 'ret"}']),
    transcripts.messages(["fine"], tool=['{"q":"\\u0', '061lpha secret"}']),
])  # fmt: skip
def test_every_block_of_messages_is_looked_at(scene, stream):
    answer = scene.stream("messages", stream)
    assert last_error(answer, "messages") == "output_denied"
    assert b"lph" not in answer.body


@pytest.mark.parametrize("stem", ["reasoning_summary_text", "refusal", "function_call_arguments", "mcp_call_arguments"])
def test_every_item_of_responses_is_looked_at(scene, stem):
    stream = transcripts.responses(["al", "pha sec", "ret, he said"]).replace(b"output_text", stem.encode())
    assert last_error(scene.stream("responses", stream), "responses") == "output_denied"


# what cannot be seen


@pytest.mark.parametrize("data", [b'{"choices":[{"delta":', b'{"choices":"alpha secret"}', b"\xff"])
def test_what_cannot_be_read_passes_and_is_never_called_clear(scene, data):
    odd = b"data: " + data + b"\n\n"
    stream = transcripts.chat(["fine"], with_usage=False).replace(transcripts.DONE, odd + transcripts.DONE)
    assert scene.stream("chat", stream).body == stream
    assert scene.seen.outcome() == "complete"
    assert scene.seen.states() == dict.fromkeys(RULES, "not_evaluated")
    assert scene.seen.whys() == dict.fromkeys(RULES, "unreadable")


@pytest.mark.parametrize("dialect", STREAMED)
def test_a_whole_answer_that_cannot_be_read(scene, dialect):
    assert scene.ask(dialect, ok(b"no json")).body == b"no json"
    assert scene.seen.whys() == dict.fromkeys(RULES, "unreadable")


@pytest.mark.parametrize("dialect", ["embeddings", "count_tokens"])
def test_routes_that_write_nothing_have_no_findings(scene, dialect):
    assert scene.ask(dialect, ok(b'{"data":[],"usage":{}}')).status == 200
    assert scene.seen.newest.output_findings == ()
