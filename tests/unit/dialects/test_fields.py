"""The field tables against the official clients, and what may not pass them."""

import importlib

import pytest

from gateway.dialects import DIALECTS
from gateway.dialects.field_tables import KINDS, Group, table
from tests.support.bodies import MINIMAL

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
SELF_HOSTED = ("vllm", "llamacpp", "generic")

OFFICIAL = [
    ("chat", "openai.types.chat.completion_create_params", "CompletionCreateParamsBase"),
    ("completions", "openai.types.completion_create_params", "CompletionCreateParamsBase"),
    ("embeddings", "openai.types.embedding_create_params", "EmbeddingCreateParams"),
    ("responses", "openai.types.responses.response_create_params", "ResponseCreateParamsBase"),
    ("messages", "anthropic.types.message_create_params", "MessageCreateParamsBase"),
    ("messages", "anthropic.types.beta.message_create_params", "MessageCreateParamsBase"),
    ("count_tokens", "anthropic.types.message_count_tokens_params", "MessageCountTokensParams"),
    ("count_tokens", "anthropic.types.beta.message_count_tokens_params", "MessageCountTokensParams"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "module", "params"), OFFICIAL)
def test_every_parameter_of_the_official_clients_is_listed(name, module, params, kind):
    offered = set(getattr(importlib.import_module(module), params).__annotations__) - {"betas"}  # betas is a header
    assert offered <= set(table(name, kind))


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("kind", KINDS)
def test_engine_fields_are_engine_fields_everywhere(name, kind):
    for field in ("vllm_xargs", "chat_template", "cache_salt", "priority", "ignore_eos", "guided_json", "n_predict",
                  "n_cmpl", "response_fields", "kv_transfer_params", "id_slot", "watermarking"):  # fmt: skip
        assert table(name, kind)[field] is Group.ENGINE


def check(name, kind, **extra):
    ask = BY_NAME[name].read({**MINIMAL[name], **extra})
    return BY_NAME[name].check_fields(ask, kind)


def test_cost_and_probability_fields_pass_the_table():
    assert check("chat", "openai", n=2, service_tier="flex", logprobs=True, top_logprobs=3) is None
    assert check("chat", "vllm", best_of=2, prompt_logprobs=1, use_beam_search=True, top_k=4) is None
    assert check("chat", "llamacpp", n_probs=3, mirostat=1, repeat_penalty=1.1) is None
    assert check("messages", "vllm", top_k=3, stop_sequences=["x"]) is None


def test_a_misspelt_field_gets_the_nearest_word():
    refusal = check("chat", "vllm", max_token=5)
    assert refusal.param == "max_token"
    assert "'max_tokens'" in refusal.message
    assert "cache_salt" not in check("chat", "vllm", cache_sal=5).message


def test_a_field_of_another_kind_of_server_is_unknown():
    assert check("chat", "openai", mirostat=1).param == "mirostat"
    assert check("chat", "vllm", mirostat=1).param == "mirostat"
    assert check("completions", "openai", response_format={}).param == "response_format"


def brought(kind):
    """A conversation that brings a tool along (Anthropic's beta of inline tools)."""
    tool = {"type": "tool_definition", "definition": {"type": kind, "name": "t"}}
    return [{"role": "user", "content": [{"type": "tool_addition", "tool": tool}]}]


def compacted(kind):
    changes = [{"type": "tool_removal"}, *brought(kind)[0]["content"]]
    return [{"role": "assistant", "content": [{"type": "compaction", "tool_changes": changes}]}]


@pytest.mark.parametrize(
    ("name", "extra", "param"),
    [
        ("chat", {"store": True}, "store"),
        ("chat", {"web_search_options": {}}, "web_search_options"),
        ("chat", {"tools": [{"type": "web_search"}]}, "tools.0.type"),
        ("chat", {"tools": [{"type": "function"}, {}]}, "tools.1.type"),
        ("chat", {"tools": [{"type": ["function"]}]}, "tools.0.type"),
        ("responses", {"store": True}, "store"),
        ("responses", {"background": True}, "background"),
        ("responses", {"previous_response_id": "resp_1"}, "previous_response_id"),
        ("responses", {"conversation": "conv_1"}, "conversation"),
        ("responses", {"prompt": {"id": "pmpt_1"}}, "prompt"),
        ("responses", {"tools": [{"type": "file_search", "vector_store_ids": ["v"]}]}, "tools.0.type"),
        ("responses", {"tools": [{"type": "mcp"}]}, "tools.0.type"),
        ("responses", {"tools": [{"type": "code_interpreter"}]}, "tools.0.type"),
        ("responses", {"tools": [{"type": "namespace", "tools": [{"type": "mcp"}]}]}, "tools.0.tools.0.type"),
        ("responses", {"input": [{"type": "additional_tools", "tools": [{"type": "mcp"}]}]}, "input.0.tools.0.type"),
        ("responses", {"input": [{"type": "item_reference", "id": "i"}]}, "input.0.id"),
        ("responses", {"input": [{"id": "i"}]}, "input.0.id"),
        ("responses", {"prompt_cache_options": {"comparison_response_id": "r"}},
         "prompt_cache_options.comparison_response_id"),
        ("messages", {"container": "c"}, "container"),
        ("messages", {"fallbacks": [{"model": "other"}]}, "fallbacks"),
        ("messages", {"tools": [{"type": "web_search_20250305", "name": "w"}]}, "tools.0.type"),
        ("messages", {"tools": [{"type": "code_execution_20250522", "name": "c"}]}, "tools.0.type"),
        ("count_tokens", {"mcp_servers": [{}]}, "mcp_servers"),
        ("messages", {"messages": brought("web_search_20250305")}, "messages.0.content.0.tool.definition.type"),
        ("count_tokens", {"messages": compacted("mcp_toolset")}, "messages.0.content.0.tool.definition.type"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", KINDS)
def test_state_and_hosted_tools_are_refused(name, extra, param, kind):
    refusal = check(name, kind, **extra)
    assert refusal.reason.code == "unsupported_field"
    assert refusal.param == param


@pytest.mark.parametrize("kind", KINDS)
def test_tools_that_the_caller_runs_pass(kind):
    assert check("chat", kind, tools=[{"type": "function"}, {"type": "custom"}]) is None
    nested = [{"type": "namespace", "tools": [{"type": "function"}]}, {"type": "apply_patch"}]
    assert check("responses", kind, tools=nested) is None
    client = [{"name": "f", "input_schema": {}}, {"type": "custom", "name": "g"}, {"type": "bash_20250124"}]
    assert check("messages", kind, tools=client) is None
    assert check("messages", kind, messages=brought("custom")) is None
    assert check("messages", kind, messages=compacted("bash_20250124")) is None
    named = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "f"}}
    assert check("messages", kind, messages=user(named)) is None


def user(*parts):
    return [{"role": "user", "content": list(parts)}]


STORED = [
    ("chat", "messages", user({"type": "image_url", "image_url": None, "uuid": "u"}), "messages.0.content.0.uuid"),
    ("chat", "messages", user({"type": "image_embeds", "image_embeds": "AA"}), "messages.0.content.0.image_embeds"),
    ("chat", "messages", user({"type": "file", "file": {"file_id": "f"}}), "messages.0.content.0.file.file_id"),
    ("chat", "messages", [{"role": "assistant", "audio": {"id": "a"}}], "messages.0.audio.id"),
    ("responses", "input", user({"type": "input_file", "file_id": "f"}), "input.0.content.0.file_id"),
    (
        "responses",
        "input",
        [{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "file_id": "f"}]}],
        "input.0.output.0.file_id",
    ),
    (
        "messages",
        "messages",
        user({"type": "image", "source": {"type": "file", "file_id": "f"}}),
        "messages.0.content.0.source.file_id",
    ),
    ("messages", "messages", user({"type": "container_upload", "file_id": "f"}), "messages.0.content.0.type"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "field", "value", "param"), STORED)
def test_stored_files_and_tensors_are_refused_everywhere(name, field, value, param, kind):
    assert check(name, kind, **{field: value}).param == param


WEB = "http://169.254.169.254/x.png"
FETCHED = [
    ("chat", "messages", user({"type": "image_url", "image_url": {"url": WEB}}), "messages.0.content.0.image_url.url"),
    ("chat", "messages", user({"image_url": WEB}), "messages.0.content.0.image_url"),
    ("chat", "messages", user({"video_url": {"url": " data:x"}}), "messages.0.content.0.video_url.url"),
    ("chat", "messages", user({"type": "image_url", "image_url": {"url": 5}}), "messages.0.content.0.image_url.url"),
    ("responses", "input", user({"type": "input_image", "image_url": WEB}), "input.0.content.0.image_url"),
    ("responses", "input", user({"type": "input_file", "file_url": WEB}), "input.0.content.0.file_url"),
    (
        "responses",
        "input",
        [{"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": WEB}}],
        "input.0.output.image_url",
    ),
    (
        "messages",
        "messages",
        user({"type": "image", "source": {"type": "url", "url": WEB}}),
        "messages.0.content.0.source.url",
    ),
    (
        "messages",
        "messages",
        user({"type": "tool_result", "content": [{"type": "image", "source": {"type": "url", "url": WEB}}]}),
        "messages.0.content.0.content.0.source.url",
    ),
    (
        "messages",
        "messages",
        user({"type": "document", "source": {"type": "content", "content": [{"source": {"type": "url", "url": WEB}}]}}),
        "messages.0.content.0.source.content.0.source.url",
    ),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "field", "value", "param"), FETCHED)
def test_addresses_are_refused_towards_self_hosted_servers(name, field, value, param, kind):
    refusal = check(name, kind, **{field: value})
    if kind in SELF_HOSTED:
        assert refusal.param == param
        assert WEB not in refusal.message
    else:
        assert refusal is None


@pytest.mark.parametrize("kind", KINDS)
def test_data_urls_and_text_that_looks_like_addresses_pass(kind):
    data = {"type": "image_url", "image_url": {"url": "DATA:image/png;base64,AA"}}
    assert check("chat", kind, messages=user(data, {"type": "text", "text": WEB})) is None
    call = {"type": "tool_use", "id": "t", "name": "get", "input": {"image_url": WEB, "file_id": "x"}}
    assert check("messages", kind, messages=[{"role": "assistant", "content": [call]}]) is None
