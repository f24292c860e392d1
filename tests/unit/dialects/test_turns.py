"""The last thing a user said, in every dialect that makes text."""

import pytest

from gateway.core.ask import Ask
from gateway.dialects import DIALECTS

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def turns(name: str, **body) -> tuple[int, str]:
    ask = BY_NAME[name].read({"model": "m", **body})
    assert isinstance(ask, Ask), ask
    return ask.user_turns, ask.last_user_text


def user(content):
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([user("hi")], (1, "hi")),
        ([{"role": "system", "content": "s"}, user("a"), {"role": "assistant", "content": "b"}, user("c")], (2, "c")),
        ([user("a"), {"role": "assistant", "content": "b"}], (1, "a")),
        ([user([{"type": "text", "text": "a"}, PICTURE, {"type": "text", "text": "b"}])], (1, "a\nb")),
        ([user([{"type": "text", "text": "only"}])], (1, "only")),
        ([user([PICTURE])], (1, "")),
        ([user("a"), user(None)], (2, "")),
        ([{"role": "system", "content": "s"}], (0, "")),
        ([user([{"type": "text"}, {"type": "text", "text": 5}, {"type": "text", "text": ""}])], (1, "")),
    ],
)
def test_chat(messages, expected):
    assert turns("chat", messages=messages) == expected


def test_messages():
    blocks = [{"type": "tool_result", "tool_use_id": "t", "content": "result"}, {"type": "text", "text": "go on"}]
    conversation = [user("a"), {"role": "assistant", "content": "b"}, user(blocks)]
    assert turns("messages", messages=conversation, max_tokens=5, system="s") == (2, "go on")
    results = [*conversation[:2], user(blocks[:1])]
    assert turns("messages", messages=results, max_tokens=5) == (1, "a"), "a tool's result is no turn of the user"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("hi", (1, "hi")),
        ([user("a"), {"role": "assistant", "content": "b"}, user("c")], (2, "c")),
        ([user([{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "data:,"}])], (1, "a")),
        ([{"type": "function_call_output", "call_id": "c", "output": "text"}], (0, "")),
    ],
)
def test_responses(given, expected):
    assert turns("responses", input=given) == expected


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("hi", (1, "hi")),
        (["a", "b", "c"], (3, "c")),
        ([1, 2, 3], (1, "")),
        ([[1, 2], [3]], (2, "")),
    ],
)
def test_completions(prompt, expected):
    assert turns("completions", prompt=prompt) == expected


def test_nothing_is_taken_where_nothing_is_written():
    assert turns("embeddings", input="hi") == (0, "")
    assert turns("count_tokens", messages=[user("hi")]) == (0, "")
