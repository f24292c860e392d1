"""What rules read beside the text: numbers however they are written, choices, formats, counts, reasoning."""

import math

import pytest

from gateway.core.ask import Ask
from gateway.core.jsonio import dumps, loads
from gateway.dialects import DIALECTS
from gateway.dialects.parameters import Parameters
from tests.support.bodies import MINIMAL

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


def parameters(name, **extra):
    ask = BY_NAME[name].read({**MINIMAL[name], **extra})
    assert isinstance(ask, Ask), ask
    return BY_NAME[name].parameters(ask)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_minimal_request_asks_for_nothing_special(name):
    assert parameters(name) == Parameters(messages=1)


@pytest.mark.parametrize(
    ("written", "read", "odd"),
    [
        (b"0.7", 0.7, False),
        (b"1", 1.0, False),
        (b"-0.0", 0.0, False),
        (b"-0", 0.0, False),
        (b"1e-400", 0.0, False),
        (b"null", None, False),
        (b"1" + b"0" * 400, math.inf, False),
        (b"-1" + b"0" * 400, -math.inf, False),
        (b"true", 1.0, True),
        (b"false", 0.0, True),
        (b'"1.9"', 1.9, True),
        (b'" 2 "', 2.0, True),
        (b'"1e999"', math.inf, True),
        (b'"nan"', None, True),
        (b'"hot"', None, True),
        (b"[1.9]", None, True),
        (b"{}", None, True),
    ],
)
@pytest.mark.parametrize("name", ["chat", "completions", "responses", "messages"])
def test_numbers_are_read_as_a_lenient_server_would(name, written, read, odd):
    given = loads(b'{"temperature":' + written + b"}")
    found = parameters(name, **given)
    assert found.temperature == read
    assert found.odd == (("temperature",) if odd else ())
    if read == 0:
        assert math.copysign(1, found.temperature) == 1
    assert loads(dumps(given)) == given


def test_the_plain_ones():
    found = parameters(
        "chat", top_p=0.5, seed=0, stop=["a", "b"], stream=True, logprobs=True, top_logprobs=5,
        tools=[{"type": "function"}], functions=[{"name": "f"}], reasoning_effort="high",
        messages=[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
    )  # fmt: skip
    assert found == Parameters(
        top_p=0.5, seed=True, stop=2, stream=True, top_logprobs=5, tools=2, messages=2, reasoning="high"
    )
    assert parameters("chat", stop="a", seed=None) == Parameters(stop=1, messages=1)
    assert parameters("completions", prompt=["a", "b"], logprobs=4, seed=1) == Parameters(
        messages=2, top_logprobs=4, seed=True
    )
    assert parameters("messages", stop_sequences=["a"], n_probs=3).stop == 1
    assert parameters("responses", input=[{"role": "user", "content": "x"}] * 3, top_logprobs=2).messages == 3
    assert parameters("embeddings", input=["a", "b"]).messages == 2
    assert parameters("embeddings", input=[[1], [2], [3]]).messages == 3
    assert parameters("embeddings", input=[1, 2]).messages == 1
    assert parameters("chat", stop={"a": 1}).odd == ("stop",)


@pytest.mark.parametrize(
    ("name", "choice", "read"),
    [
        ("chat", "none", "none"),
        ("chat", "auto", "auto"),
        ("chat", "required", "required"),
        ("chat", {"type": "function", "function": {"name": "f"}}, "named"),
        ("chat", {"type": "custom", "custom": {"name": "f"}}, "named"),
        ("chat", {"type": "allowed_tools"}, "other"),
        ("chat", "function", "other"),
        ("chat", 5, "other"),
        ("chat", {"type": ["x"]}, "other"),
        ("responses", {"type": "function", "name": "f"}, "named"),
        ("messages", {"type": "any"}, "required"),
        ("messages", {"type": "tool", "name": "f"}, "named"),
        ("count_tokens", {"type": "none"}, "none"),
    ],
)
def test_the_choice_of_tools(name, choice, read):
    assert parameters(name, tool_choice=choice).tool_choice == read


@pytest.mark.parametrize(
    ("name", "extra", "read"),
    [
        ("chat", {"response_format": {"type": "text"}}, "text"),
        ("chat", {"response_format": {"type": "json_object"}}, "json_object"),
        ("chat", {"response_format": {"type": "json_schema"}}, "json_schema"),
        ("chat", {"response_format": {"type": "structural_tag"}}, "other"),
        ("chat", {"response_format": "json"}, "other"),
        ("completions", {"response_format": {"type": "json_object"}}, "json_object"),
        ("responses", {"text": {"format": {"type": "json_schema"}}}, "json_schema"),
        ("responses", {"text": {"verbosity": "low"}}, None),
        ("messages", {"output_config": {"format": {"type": "json_schema"}}}, "json_schema"),
        ("messages", {"output_format": {"type": "json_schema"}}, "json_schema"),
    ],
)
def test_the_format_of_the_answer(name, extra, read):
    assert parameters(name, **extra).response_format == read


@pytest.mark.parametrize(
    ("name", "extra", "read", "odd"),
    [
        ("chat", {"reasoning_effort": "none"}, "none", ()),
        ("chat", {"reasoning_effort": "xhigh"}, "xhigh", ()),
        ("chat", {"reasoning_effort": "HIGH"}, "other", ("reasoning_effort",)),
        ("chat", {"reasoning_effort": 3}, "other", ("reasoning_effort",)),
        ("responses", {"reasoning": {"effort": "low"}}, "low", ()),
        ("responses", {"reasoning": {"summary": "auto"}}, None, ()),
        ("messages", {"thinking": {"type": "enabled", "budget_tokens": 2048}}, 2048, ()),
        ("messages", {"thinking": {"type": "enabled", "budget_tokens": "9"}}, "other", ("thinking.budget_tokens",)),
        ("messages", {"thinking": {"type": "enabled", "budget_tokens": True}}, "other", ("thinking.budget_tokens",)),
        ("messages", {"thinking": {"type": "disabled"}}, "none", ()),
        ("messages", {"thinking": {"type": "adaptive"}}, "adaptive", ()),
        ("messages", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "max", ()),
        ("messages", {"thinking": {"type": "between_tools"}}, "between_tools", ()),
        ("messages", {"thinking": {"type": "always"}}, "other", ("thinking.type",)),
        ("messages", {"thinking": {}}, "other", ("thinking.type",)),
        ("messages", {"output_config": {"effort": "medium"}}, "medium", ()),
    ],
)
def test_reasoning(name, extra, read, odd):
    found = parameters(name, **extra)
    assert (found.reasoning, found.odd) == (read, odd)


DATA = "data:image/png;base64,QUJD"
PICTURE = {"type": "image_url", "image_url": {"url": DATA}}
FILE = {"type": "input_file", "file_data": "QUJD"}
SOUND = {"type": "input_audio", "input_audio": {"data": "QUJD"}}


def user(*parts):
    return [{"role": "user", "content": list(parts)}]


@pytest.mark.parametrize(
    ("name", "field", "value", "images", "media"),
    [
        ("chat", "messages", user(PICTURE, {"type": "text", "text": "x"}), 1, 0),
        ("chat", "messages", user({"image_url": DATA}, SOUND, {"type": "file", "file": {"file_data": "QUJD"}}), 1, 2),
        ("chat", "messages", user({"video_url": {"url": DATA}}, {"image_url": None}), 0, 1),
        ("responses", "input", user({"type": "input_image", "image_url": DATA}, FILE), 1, 1),
        ("responses", "input", [{"type": "image_generation_call", "result": "QUJD"}], 1, 0),
        ("responses", "input", [{"type": "function_call_output", "output": [{"image_url": DATA}]}], 1, 0),
        ("messages", "messages", user({"type": "image", "source": {"type": "base64", "data": "QUJD"}}), 1, 0),
        ("messages", "messages", user({"type": "document", "source": {"type": "base64", "data": "QUJD"}}), 0, 1),
        ("messages", "messages", user({"type": "document", "source": {"type": "text", "data": "abc"}}), 0, 0),
        ("messages", "messages",
         user({"type": "tool_result", "content": [{"type": "image", "source": {"type": "url", "url": DATA}}]}), 1, 0),
        ("messages", "messages", user({"type": "tool_use", "input": {"image_url": "x"}}), 0, 0),
    ],
)  # fmt: skip
def test_images_and_other_media_are_counted_as_the_estimate_counts_them(name, field, value, images, media):
    found = parameters(name, **{field: value})
    assert (found.images, found.media) == (images, media)
    assert BY_NAME[name].read({**MINIMAL[name], field: value}).media_items == images + media
