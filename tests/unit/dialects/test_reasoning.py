"""Asking for less reasoning: per dialect and kind of upstream, and refused where that cannot be asked for."""

import pytest

from tests.support.asked import Asked

HOSTED = ("openai", "azure")
OFF = {"enable_thinking": False, "thinking": False}


def test_less_lowers_what_was_asked_for_and_names_nothing_that_was_not():
    for effort, left in (("high", "low"), ("max", "low"), ("odd", "low"), (7, "low"), ("medium", "low")):
        asked = Asked("chat", ("openai", "vllm"), reasoning_effort=effort)
        assert asked.reduce(reasoning="less") == ("reasoning_effort",)
        assert asked.sent("openai") == asked.sent("vllm") == {"reasoning_effort": left}
        asked = Asked("responses", reasoning={"effort": effort, "summary": "auto"})
        assert asked.reduce(reasoning="less") == ("reasoning",)
        assert asked.sent() == {"reasoning": {"effort": left, "summary": "auto"}}
    for effort in ("none", "minimal", "low", None):
        assert Asked("chat", reasoning_effort=effort).reduce(reasoning="less") == ()
        assert Asked("responses", reasoning={"effort": effort}).reduce(reasoning="less") == ()
    pro = Asked("responses", reasoning={"mode": "pro"})
    assert pro.reduce(reasoning="less") == ("reasoning",)
    assert pro.sent() == {"reasoning": {"mode": "standard"}}


@pytest.mark.parametrize(
    ("extra", "names", "sent"),
    [
        ({}, (), {}),
        ({"thinking": {"type": "enabled", "budget_tokens": 9000}}, ("thinking",),
         {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, (), None),
        ({"thinking": {"type": "disabled"}}, (), None),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, ("output_config",),
         {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max", "format": {"type": "json_schema"}}},
         ("output_config",),
         {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low", "format": {"type": "json_schema"}}}),
        ({"output_config": {"effort": "high"}}, ("output_config",), {"output_config": {"effort": "low"}}),
        ({"output_config": {"effort": "low"}}, (), None),
    ],
)  # fmt: skip
def test_less_thinking(extra, names, sent):
    asked = Asked("messages", HOSTED, **extra)
    assert asked.reduce(reasoning="less") == names
    assert asked.sent() == (extra if sent is None else sent)


def test_less_never_makes_a_self_hosted_model_think():
    """There an effort switches thinking on, and the mode means nothing."""
    asked = Asked("messages", ("vllm", "openai"), thinking={"type": "adaptive"})
    assert asked.reduce(reasoning="less") == ("output_config",)
    assert asked.sent("vllm") == {"thinking": {"type": "adaptive"}}
    assert asked.sent("openai") == {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}


@pytest.mark.parametrize("how", ["summary", "none"])
@pytest.mark.parametrize("kind", HOSTED)
def test_providers_show_no_reasoning_in_chat(how, kind):
    for name in ("chat", "completions"):
        assert Asked(name, (kind,)).reduce(reasoning=how) == ()


@pytest.mark.parametrize("how", ["summary", "none"])
def test_self_hosted_chat_is_told_not_to_think_aloud(how):
    asked = Asked("chat", ("vllm",), include_reasoning=True)
    assert asked.reduce(reasoning=how) == ("include_reasoning", "chat_template_kwargs")
    assert asked.sent() == {"include_reasoning": False, "chat_template_kwargs": OFF}
    asked = Asked("chat", ("llamacpp",))
    assert asked.reduce(reasoning=how) == ("chat_template_kwargs", "thinking_budget_tokens")
    assert asked.sent() == {"chat_template_kwargs": OFF, "thinking_budget_tokens": 0}
    asked = Asked("responses", ("llamacpp",))
    assert asked.reduce(reasoning=how) == ("chat_template_kwargs", "thinking_budget_tokens")


def test_each_kind_is_sent_its_own_switches():
    asked = Asked("chat", ("openai", "vllm", "llamacpp"))
    names = asked.reduce(reasoning="none")
    assert set(names) == {"include_reasoning", "chat_template_kwargs", "thinking_budget_tokens"}
    assert asked.sent("openai") == {}
    assert asked.sent("vllm") == {"include_reasoning": False, "chat_template_kwargs": OFF}
    assert asked.sent("llamacpp") == {"chat_template_kwargs": OFF, "thinking_budget_tokens": 0}
    assert asked.ask.body is asked.given


def test_responses_lose_their_summaries_and_encrypted_reasoning():
    given = {
        "reasoning": {"effort": "high", "summary": "detailed", "generate_summary": "auto"},
        "include": ["reasoning.encrypted_content", "file_search_call.results"],
    }
    asked = Asked("responses", HOSTED, **given)
    assert asked.reduce(reasoning="summary") == ()
    assert asked.reduce(reasoning="none") == ("reasoning", "include")
    assert asked.sent() == {"reasoning": {"effort": "high"}, "include": ["file_search_call.results"]}
    asked = Asked("responses", reasoning={"summary": "auto"}, include=["reasoning.encrypted_content"])
    assert asked.reduce(reasoning="none") == ("reasoning", "include")
    assert asked.sent() == {}


SIGNED = [
    {"role": "user", "content": "weather?"},
    {"role": "assistant", "content": [
        {"type": "thinking", "thinking": "I should call it.", "signature": "c2lnbmVk"},
        {"type": "redacted_thinking", "data": "ZW5jcnlwdGVk"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    ]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "sun"}]},
]  # fmt: skip


@pytest.mark.parametrize("how", ["less", "summary", "none"])
@pytest.mark.parametrize("mode", [{"type": "enabled", "budget_tokens": 4096}, {"type": "adaptive"}])
def test_signed_blocks_of_a_tool_use_turn_stay_and_so_does_its_mode(how, mode):
    asked = Asked("messages", messages=SIGNED, thinking=mode)
    assert asked.reduce(reasoning=how) is not None
    assert asked.ask.body["messages"] is SIGNED
    assert asked.ask.body["thinking"]["type"] == mode["type"]


@pytest.mark.parametrize(
    ("thinking", "how", "display"),
    [
        ({"type": "enabled", "budget_tokens": 2048}, "none", "omitted"),
        ({"type": "adaptive"}, "none", "omitted"),
        ({"type": "adaptive", "display": "summarized"}, "none", "omitted"),
        ({"type": "adaptive", "display": "raw"}, "summary", "summarized"),
        ({"type": "novel", "display": 5}, "none", "omitted"),
    ],
)
def test_thinking_is_hidden(thinking, how, display):
    asked = Asked("messages", HOSTED, thinking=thinking)
    assert asked.reduce(reasoning=how) == ("thinking",)
    assert asked.sent() == {"thinking": {**thinking, "display": display}}


@pytest.mark.parametrize("how", ["summary", "none"])
@pytest.mark.parametrize(
    "thinking",
    [None, {"type": "disabled"}, {"type": "between_tools"}, {"type": "adaptive", "display": "omitted"}],
)
def test_thinking_that_is_not_shown_is_left(thinking, how):
    assert Asked("messages", thinking=thinking).reduce(reasoning=how) == ()


def test_self_hosted_messages_are_told_not_to_think_aloud():
    asked = Asked("messages", ("vllm",), thinking={"type": "enabled", "budget_tokens": 2048})
    assert asked.reduce(reasoning="none") == ("chat_template_kwargs",)
    asked = Asked("messages", ("llamacpp",), thinking={"type": "enabled", "budget_tokens": 2048})
    assert asked.reduce(reasoning="summary") == ("thinking",)
    assert asked.sent() == {"thinking": {"type": "enabled", "budget_tokens": 0}}


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("chat", ("generic",)),
        ("chat", ("openai", "generic")),
        ("completions", ("vllm",)),
        ("completions", ("llamacpp",)),
        ("completions", ("generic",)),
        ("responses", ("vllm",)),
        ("responses", ("generic",)),
        ("messages", ("generic",)),
        ("messages", ("openai", "generic")),
    ],
)
@pytest.mark.parametrize("how", ["summary", "none"])
def test_what_cannot_be_asked_for_is_refused(name, kinds, how):
    assert Asked(name, kinds).reduce(reasoning=how, logprobs=True, max_n=1) is None
    assert Asked(name, kinds).reduce(reasoning="less") == ()
