"""The bytes that go upstream: exactly the gateway's edits and nothing else."""

import json

import pytest

from gateway.core.jsonio import dumps
from gateway.dialects import DIALECTS
from gateway.dialects.base import Rewrite
from tests.support.bodies import MINIMAL

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


def sent(name, rewrite, kind="openai", **extra):
    dialect = BY_NAME[name]
    return json.loads(dialect.rewrite(dialect.read({**MINIMAL[name], **extra}), rewrite, kind))


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "responses"])
def test_without_edits_the_bytes_are_the_canonical_dump(name):
    body = {**MINIMAL[name], "temperature": 0.5, "stop": ["é"]}
    dialect = BY_NAME[name]
    assert dialect.rewrite(dialect.read(body), Rewrite("m"), "openai") == dumps(body)


TOOLS = [{"type": "custom", "name": "nãme", "description": 'a "quoted" \n text', "input_schema": {"x": [1, 2.5, None]}}]


@pytest.mark.parametrize("name", ["chat", "responses", "messages", "count_tokens"])
def test_tools_are_forwarded_as_they_were_weighed_or_as_they_were_changed(name):
    dialect = BY_NAME[name]
    ask = dialect.read({**MINIMAL[name], "tools": TOOLS})
    bare = dialect.read(MINIMAL[name])
    assert ask.prompt_bytes - bare.prompt_bytes == len(dumps(TOOLS))
    before = dialect.rewrite(ask, Rewrite("m"), "openai")
    assert json.loads(before)["tools"] == TOOLS
    assert b'"tools":' + dumps(TOOLS) in before
    ask.body = {**ask.body, "tools": TOOLS * 2}
    assert json.loads(dialect.rewrite(ask, Rewrite("m"), "openai"))["tools"] == TOOLS * 2


@pytest.mark.parametrize("tools", [None, []])
def test_no_tools_are_forwarded_as_that(tools):
    assert sent("chat", Rewrite("m"), tools=tools)["tools"] == tools


@pytest.mark.parametrize("store", [{}, {"store": None}, {"store": False}])
def test_responses_never_store(store):
    assert sent("responses", Rewrite("m"), **store)["store"] is False


@pytest.mark.parametrize(
    ("extra", "kind", "field"),
    [
        ({}, "openai", "max_completion_tokens"),
        ({}, "azure", "max_completion_tokens"),
        ({}, "vllm", "max_tokens"),
        ({}, "llamacpp", "max_tokens"),
        ({}, "generic", "max_tokens"),
        ({"max_tokens": 50}, "openai", "max_tokens"),
        ({"max_completion_tokens": 50}, "generic", "max_completion_tokens"),
        ({"max_tokens": None}, "vllm", "max_tokens"),
    ],
)
def test_the_cap_goes_where_the_caller_or_the_server_has_it(extra, kind, field):
    told = sent("chat", Rewrite("m", output_cap=9), kind, **extra)
    assert told[field] == 9
    assert [told.get(name) for name in ("max_tokens", "max_completion_tokens") if name != field] == [None]


def test_two_caps_leave_as_the_smaller_one():
    both = {"max_tokens": 50, "max_completion_tokens": 7}
    for cap, shown in ((None, 7), (3, 3)):
        told = sent("chat", Rewrite("m", output_cap=cap), "vllm", **both)
        assert (told["max_tokens"], told["max_completion_tokens"]) == (shown, shown)


def test_the_other_dialects_have_one_cap_field():
    assert sent("completions", Rewrite("m", output_cap=3))["max_tokens"] == 3
    assert sent("responses", Rewrite("m", output_cap=3))["max_output_tokens"] == 3
    assert sent("messages", Rewrite("m", output_cap=3))["max_tokens"] == 3
    assert "max_tokens" not in sent("embeddings", Rewrite("m", output_cap=3))
    assert "max_tokens" not in sent("count_tokens", Rewrite("m", output_cap=3))


@pytest.mark.parametrize("name", ["chat", "completions"])
def test_usage_is_asked_for_in_streams_only_and_merged(name):
    asking = Rewrite("m", ask_stream_usage=True)
    assert "stream_options" not in sent(name, asking)
    assert sent(name, asking, stream=True)["stream_options"] == {"include_usage": True}
    given = {"include_obfuscation": False, "include_usage": False, "continuous_usage_stats": True}
    told = sent(name, asking, stream=True, stream_options=given)["stream_options"]
    assert told == {"include_obfuscation": False, "include_usage": True}
    assert given["include_usage"] is False
    own = {"include_usage": True, "continuous_usage_stats": True}
    assert sent(name, asking, stream=True, stream_options=own)["stream_options"] == own


def test_messages_and_responses_need_no_option_for_usage():
    for name in ("messages", "responses"):
        assert "stream_options" not in sent(name, Rewrite("m", ask_stream_usage=True), stream=True)


@pytest.mark.parametrize("name", ["chat", "responses"])
def test_the_callers_end_user_is_replaced_or_dropped(name):
    given = {"user": "bob", "safety_identifier": "bob@x"}
    told = sent(name, Rewrite("m", pseudonym="p-1"), **given)
    assert (told["user"], told["safety_identifier"]) == ("p-1", "p-1")
    told = sent(name, Rewrite("m"), **given)
    assert "user" not in told
    assert "safety_identifier" not in told
    assert "user" not in sent(name, Rewrite("m", pseudonym="p-1"))


def test_anthropics_end_user_is_replaced_or_dropped():
    given = {"metadata": {"user_id": "bob", "other": 1}}
    assert sent("messages", Rewrite("m", pseudonym="p-1"), **given)["metadata"] == {"user_id": "p-1", "other": 1}
    assert sent("messages", Rewrite("m"), **given)["metadata"] == {"other": 1}
    assert "metadata" not in sent("messages", Rewrite("m", pseudonym="p-1"))


def test_the_cache_is_partitioned_where_the_upstream_can():
    rewrite = Rewrite("m", cache_partition="org-1")
    assert sent("chat", rewrite, "openai", prompt_cache_key="mine")["prompt_cache_key"] == "org-1"
    assert sent("responses", rewrite, "openai")["prompt_cache_key"] == "org-1"
    for name in ("chat", "completions", "responses"):
        assert sent(name, rewrite, "vllm")["cache_salt"] == "org-1"
    for name, kind in (("chat", "llamacpp"), ("chat", "generic"), ("completions", "openai"), ("messages", "vllm")):
        told = sent(name, rewrite, kind)
        assert "cache_salt" not in told
        assert "prompt_cache_key" not in told
