"""Usage and output of complete bodies."""

import json
import time

import pytest

from gateway.core.usage import Usage
from gateway.dialects import DIALECTS
from tests.support.transcripts import USAGE, recorded

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


def usage(name, document):
    compact = json.dumps(document, separators=(",", ":")).encode()
    told = BY_NAME[name].usage(compact)
    assert BY_NAME[name].usage(json.dumps(document, indent=1).encode()) == told
    return told


def test_chat_usage_with_all_details():
    assert usage("chat", {"choices": [], "usage": USAGE}) == Usage(20, 3, cache_read_tokens=8, reasoning_tokens=1)


def test_responses_usage_with_all_details():
    given = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
    }
    assert usage("responses", {"usage": given}) == Usage(9, 5, 4, 2, 3)


def test_anthropic_input_is_the_sum_of_its_parts():
    given = {
        "input_tokens": 5,
        "cache_creation_input_tokens": 7,
        "cache_read_input_tokens": 11,
        "output_tokens": 42,
        "output_tokens_details": {"thinking_tokens": 6},
        "cache_creation": {"ephemeral_5m_input_tokens": 7},
        "service_tier": "standard",
    }
    assert usage("messages", {"usage": given}) == Usage(23, 42, 11, 7, 6)


def test_embeddings_have_no_output():
    assert usage("embeddings", {"data": [], "usage": {"prompt_tokens": 4, "total_tokens": 4}}) == Usage(4, 0)


@pytest.mark.parametrize(
    "absent", [{}, {"usage": None}, {"usage": {}}, {"usage": {"prompt_tokens": None}}, {"usage": 3}]
)
def test_absent_and_null_are_no_report(absent):
    assert usage("chat", absent) is None
    assert usage("messages", absent) is None


def test_zero_is_a_report():
    assert usage("chat", {"usage": {"prompt_tokens": 0, "completion_tokens": 0}}) == Usage(0, 0)


def test_half_a_report_is_marked():
    assert usage("chat", {"usage": {"completion_tokens": 3}}).estimated
    assert usage("chat", {"usage": {"prompt_tokens": 3}}).estimated
    assert usage("chat", {"usage": {"prompt_tokens": 3, "total_tokens": 8}}) == Usage(3, 5)
    assert usage("messages", {"usage": {"output_tokens": 3}}).estimated


@pytest.mark.parametrize("bad", [-1, True, 1.5, "3", [3]])
def test_what_is_no_count_is_not_believed(bad):
    assert usage("chat", {"usage": {"prompt_tokens": bad, "completion_tokens": 2}}) == Usage(0, 2, estimated=True)


def test_text_that_looks_like_usage_is_none():
    text = '"usage":{"prompt_tokens":1,"completion_tokens":1}'
    body = {"choices": [{"message": {"content": text, "refusal": "usage"}}], "usage": USAGE, "note": text}
    assert usage("chat", body).input_tokens == 20
    assert usage("chat", {"choices": [{"message": {"content": text, "role": "usage"}}]}) is None


def test_usage_that_the_model_or_the_caller_wrote_is_not_believed():
    fake = {"usage": {"input_tokens": 0, "output_tokens": 0}}
    real = {"input_tokens": 5, "output_tokens": 7}
    called = {"usage": real, "content": [{"type": "tool_use", "input": fake}]}
    assert usage("messages", called) == Usage(5, 7)
    echoed = {"usage": real, "output": [], "text": {"format": {"schema": {"properties": fake}}}}
    assert usage("responses", echoed) == Usage(5, 7)


def test_usage_of_a_body_too_big_to_parse_is_found_quickly():
    body = {"data": [{"embedding": [0.5] * 3072}] * 200, "usage": {"prompt_tokens": 4, "total_tokens": 4}}
    data = json.dumps(body).encode()
    start = time.thread_time()
    assert BY_NAME["embeddings"].usage(data) == Usage(4, 0)
    assert time.thread_time() - start < 0.05


@pytest.mark.parametrize(
    ("name", "file", "tokens", "output"),
    [
        ("chat", "chat.json", (26, 6), "Say hello<|im_"),
        ("completions", "completions.json", (2, 4), ",\n\nI'"),
        ("responses", "responses.json", (25, 6), "Hello<|im_end"),
        ("messages", "messages.json", (26, 6), "Say hello<|im_"),
    ],
)
def test_recorded_bodies(name, file, tokens, output):
    told = BY_NAME[name].usage(recorded(file))
    assert (told.input_tokens, told.output_tokens) == tokens
    assert BY_NAME[name].output_bytes(recorded(file)) == len(output)


def test_output_is_all_that_the_model_wrote():
    message = {
        "content": 'é"x',
        "reasoning_content": "abc",
        "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}],
    }
    for style in ((",", ":"), (", ", ": ")):
        body = json.dumps({"choices": [{"message": message}, {"message": {"content": "z"}}]}, separators=style)
        assert BY_NAME["chat"].output_bytes(body.encode()) == 4 + 3 + 2 + 1
    blocks = [{"type": "text", "text": "é"}, {"type": "thinking", "thinking": "ab"}, {"type": "tool_use", "input": {}}]
    assert BY_NAME["messages"].output_bytes(json.dumps({"content": blocks}).encode()) == 2 + 2 + 2
    assert BY_NAME["messages"].output_bytes(b"no json") == 7
    assert BY_NAME["embeddings"].output_bytes(b"{}") == BY_NAME["count_tokens"].output_bytes(b"{}") == 0


@pytest.mark.parametrize("broken", [b'{"a":1}{"usage":{"prompt_tokens":1', b'{"usage":{"prompt_tokens":1,"d":{"e":2}'])
def test_usage_that_does_not_end_is_none(broken):
    assert BY_NAME["chat"].usage(broken) is None


def test_usage_is_read_as_strictly_as_a_request():
    assert BY_NAME["chat"].usage(b'{"usage":{"prompt_tokens":1,"completion_tokens":2}}') is not None
    for odd in (b'"prompt_tokens":1,', b'"x":NaN,', b'"x":01,', b'"x":"\\ud800",', b'"x":"\xff",'):
        assert BY_NAME["chat"].usage(b'{"usage":{' + odd + b'"prompt_tokens":1,"completion_tokens":2}}') is None
    endless = b'{"usage":{"prompt_tokens":1e999,"completion_tokens":2}}'
    assert BY_NAME["chat"].usage(endless) == Usage(0, 2, estimated=True), "a count is a whole number"
