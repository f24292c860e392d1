"""What each dialect reads from a body: types, caps, choices, weights."""

import pytest

from gateway.core.ask import Ask
from gateway.core.jsonio import dumps
from gateway.core.refusal import Refusal
from gateway.dialects import DIALECTS
from tests.support.bodies import MINIMAL

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


def read(name, **extra):
    return BY_NAME[name].read({**MINIMAL[name], **extra})


@pytest.mark.parametrize(
    ("name", "extra", "param"),
    [
        ("chat", {"messages": []}, "messages"),
        ("chat", {"messages": "hi"}, "messages"),
        ("chat", {"messages": ["hi"]}, "messages.0"),
        ("chat", {"messages": [{"role": "user", "content": "x"}, {"content": "x"}]}, "messages.1.role"),
        ("chat", {"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ("chat", {"messages": [{"role": "x" * 65, "content": ""}]}, "messages.0.role"),
        ("chat", {"stream": "true"}, "stream"),
        ("chat", {"stream": 1}, "stream"),
        ("chat", {"n": 0}, "n"),
        ("chat", {"n": 129}, "n"),
        ("chat", {"n": True}, "n"),
        ("chat", {"n": 1.0}, "n"),
        ("chat", {"best_of": "3"}, "best_of"),
        ("chat", {"max_tokens": 0}, "max_tokens"),
        ("chat", {"max_tokens": -1}, "max_tokens"),
        ("chat", {"max_tokens": 1 << 31}, "max_tokens"),
        ("chat", {"max_completion_tokens": "5"}, "max_completion_tokens"),
        ("chat", {"logprobs": 1}, "logprobs"),
        ("chat", {"top_logprobs": True}, "top_logprobs"),
        ("chat", {"tools": {}}, "tools"),
        ("chat", {"tools": [5]}, "tools.0"),
        ("chat", {"stream_options": []}, "stream_options"),
        ("chat", {"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ("chat", {"user": 5}, "user"),
        ("completions", {"prompt": None}, "prompt"),
        ("completions", {"prompt": []}, "prompt"),
        ("completions", {"prompt": [1, "a"]}, "prompt"),
        ("completions", {"prompt": [True]}, "prompt"),
        ("completions", {"prompt": [[]]}, "prompt"),
        ("completions", {"logprobs": True}, "logprobs"),
        ("embeddings", {"input": {}}, "input"),
        ("embeddings", {"input": [1.5]}, "input"),
        ("responses", {"input": []}, "input"),
        ("responses", {"input": None}, "input"),
        ("responses", {"input": ["x"]}, "input.0"),
        ("responses", {"max_output_tokens": 0}, "max_output_tokens"),
        ("responses", {"include": "x"}, "include"),
        ("responses", {"store": "no"}, "store"),
        ("responses", {"instructions": ["x"]}, "instructions"),
        ("messages", {"max_tokens": None}, "max_tokens"),
        ("messages", {"max_tokens": 1.5}, "max_tokens"),
        ("messages", {"metadata": "x"}, "metadata"),
        ("messages", {"system": 5}, "system"),
        ("messages", {"thinking": True}, "thinking"),
        ("count_tokens", {"messages": None}, "messages"),
    ],
)
def test_a_wrong_type_is_refused_by_its_path(name, extra, param):
    refusal = read(name, **extra)
    assert isinstance(refusal, Refusal)
    assert refusal.reason.code == "invalid_field"
    assert refusal.param == param
    assert f"'{param}'" in refusal.message


def test_the_smaller_of_two_caps_counts():
    assert read("chat", max_tokens=9, max_completion_tokens=4).output_cap == 4
    assert read("chat", max_tokens=3, max_completion_tokens=4).output_cap == 3
    assert read("chat", max_tokens=None).output_cap is None
    assert read("responses", max_output_tokens=8).output_cap == 8
    assert read("messages").output_cap == 5
    assert read("count_tokens").output_cap is None


@pytest.mark.parametrize(
    ("name", "extra", "choices"),
    [
        ("chat", {"n": 3}, 3),
        ("chat", {"n": 2, "best_of": 5}, 5),
        ("completions", {"n": 2, "prompt": ["a", "b", "c"]}, 6),
        ("completions", {"best_of": 4}, 4),
        ("completions", {"prompt": [1, 2, 3]}, 1),
        ("completions", {"prompt": [[1], [2]]}, 2),
        ("embeddings", {"input": ["a", "b"]}, 1),
    ],
)
def test_everything_that_multiplies_the_output_is_counted(name, extra, choices):
    assert read(name, **extra).choices == choices


@pytest.mark.parametrize(
    ("prompt", "count"), [("a", 1), (["a"], 1), (["a", "b"], 2), ([1, 2], 1), ([[1], [2], [3]], 3)]
)
def test_the_prompts_of_a_completion_are_counted(prompt, count):
    assert read("completions", prompt=prompt).prompts == count


@pytest.mark.parametrize(
    ("name", "extra", "asked"),
    [
        ("chat", {"logprobs": True}, True),
        ("chat", {"logprobs": False, "top_logprobs": 0}, False),
        ("chat", {"top_logprobs": 2}, True),
        ("chat", {"prompt_logprobs": 1}, True),
        ("chat", {"n_probs": 3}, True),
        ("completions", {"logprobs": 0}, True),
        ("completions", {"logprobs": None}, False),
        ("completions", {"echo": True}, True),
        ("responses", {"include": ["message.output_text.logprobs"]}, True),
        ("responses", {"include": ["reasoning.encrypted_content"]}, False),
        ("responses", {"top_logprobs": 1}, True),
        ("messages", {"n_probs": 2}, True),
    ],
)
def test_every_way_to_ask_for_probabilities_is_seen(name, extra, asked):
    assert read(name, **extra).logprobs is asked


def test_streams_and_tools_are_seen():
    assert read("chat", stream=True).stream
    assert not read("chat", stream=None).stream
    assert read("chat", stream_options={"include_usage": True}).wants_stream_usage
    assert not read("chat", stream_options={"include_usage": False}).wants_stream_usage
    assert read("chat", tools=[{"type": "function"}]).tools
    assert read("chat", functions=[{"name": "f"}]).tools
    assert not read("chat", tools=[]).tools
    assert read("messages", stream=True).wants_stream_usage


def weight(name, **extra):
    ask = read(name, **extra)
    assert isinstance(ask, Ask), ask
    return ask.prompt_bytes, ask.media_items


IMAGE = "data:image/png;base64," + "A" * 5000
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "description": "é"}}}


@pytest.mark.parametrize(
    ("name", "extra", "size", "media"),
    [
        ("chat", {"messages": [{"role": "user", "content": "é€𝔘"}]}, 9, 0),
        ("chat", {"messages": [{"role": "system", "content": "ab"}, {"role": "user", "content": "cd"}]}, 4, 0),
        ("chat", {"messages": [{"role": "user", "name": "bob", "content": "x"}]}, 4, 0),
        (
            "chat",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "hello"},
                            {"type": "image_url", "image_url": {"url": IMAGE}},
                            {"type": "input_audio", "input_audio": {"data": "A" * 99, "format": "wav"}},
                        ],
                    }
                ]
            },
            5,
            2,
        ),
        (
            "chat",
            {
                "messages": [
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "ff", "arguments": "{}"}}],
                    },
                    {"role": "tool", "tool_call_id": "c", "content": "done"},
                ]
            },
            10,
            0,
        ),
        ("chat", {"messages": [{"role": "user", "content": "x"}], "tools": [TOOL]}, 1 + len(dumps([TOOL])), 0),
        ("chat", {"messages": [{"role": "user", "content": ""}], "response_format": {"s": 1}}, len('{"s":1}'), 0),
        ("chat", {"prediction": {"type": "content", "content": "12345"}}, 10, 0),
        ("chat", {"messages": [{"role": "user", "content": [{"type": "novel", "payload": ["abc"]}]}]}, 3, 0),
        ("completions", {"prompt": ["ab", "cd"], "suffix": "e"}, 5, 0),
        ("completions", {"prompt": [1, 2, 3]}, 12, 0),
        ("completions", {"prompt": [[1, 2], [3]]}, 12, 0),
        ("embeddings", {"input": [[1, 2]]}, 8, 0),
        ("responses", {"input": "hello", "instructions": "be nice"}, 12, 0),
        (
            "responses",
            {
                "input": [
                    {"role": "user", "content": [{"type": "input_text", "text": "ab"}]},
                    {"role": "user", "content": [{"type": "input_image", "image_url": IMAGE}]},
                    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                    {"type": "function_call_output", "call_id": "c", "output": "four"},
                ]
            },
            11,
            1,
        ),
        ("responses", {"text": {"format": {"type": "text"}}}, 5 + len('{"type":"text"}'), 0),
        ("messages", {"system": [{"type": "text", "text": "sys"}]}, 8, 0),
        (
            "messages",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image", "source": {"type": "base64", "media_type": "m", "data": "A" * 99}},
                            {"type": "document", "source": {"type": "text", "media_type": "", "data": "plain"}},
                            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "ok"}]},
                            {"type": "tool_use", "id": "t", "name": "f", "input": {"image_url": "counts"}},
                        ],
                    }
                ]
            },
            5 + 2 + 1 + 2 + len('{"image_url":"counts"}'),
            1,
        ),
    ],
)
def test_all_text_is_weighed_and_media_counted(name, extra, size, media):
    assert weight(name, **extra) == (size, media)
