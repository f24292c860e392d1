"""Asking for less: what is changed, what is named, and what is left alone."""

import pytest

from gateway.core.ask import Ask
from gateway.dialects import DIALECTS
from gateway.dialects.reduction import DROP, Reduction, apply, reduce_ask
from tests.support.asked import Asked


def test_nothing_to_reduce_is_nothing_named():
    for name in [dialect.name for dialect in DIALECTS]:
        asked = Asked(name)
        assert asked.reduce(logprobs=True, max_n=1, reasoning="less") == ()
        assert asked.reduce() == ()
        assert asked.sent() == {}
        assert asked.ask.body is asked.given


@pytest.mark.parametrize(
    ("name", "kind", "extra", "names"),
    [
        ("chat", "openai", {"logprobs": True, "top_logprobs": 5}, ("logprobs", "top_logprobs")),
        ("chat", "openai", {"logprobs": True, "top_logprobs": 0}, ("logprobs", "top_logprobs")),
        ("chat", "vllm", {"prompt_logprobs": 1, "echo": True}, ("prompt_logprobs", "echo")),
        ("chat", "llamacpp", {"n_probs": 3}, ("n_probs",)),
        ("completions", "vllm", {"logprobs": 0}, ("logprobs",)),
        ("completions", "openai", {"logprobs": 5, "echo": True}, ("logprobs", "echo")),
        ("responses", "openai", {"top_logprobs": 2}, ("top_logprobs",)),
        ("responses", "openai", {"include": ["message.output_text.logprobs"]}, ("include",)),
        ("messages", "llamacpp", {"n_probs": 3}, ("n_probs",)),
    ],
)
def test_log_probabilities_are_taken_out(name, kind, extra, names):
    asked = Asked(name, (kind,), **extra)
    assert asked.ask.logprobs
    assert asked.reduce(logprobs=True) == names
    assert not asked.ask.logprobs
    assert asked.sent() == {}
    again = asked.dialect.read(asked.ask.body)
    assert not again.logprobs, "and who reads the request anew sees none either"


def test_only_what_asks_for_probabilities_is_taken_out_of_a_list():
    asked = Asked("responses", include=["reasoning.encrypted_content", "message.output_text.logprobs"])
    assert asked.reduce(logprobs=True) == ("include",)
    assert asked.sent() == {"include": ["reasoning.encrypted_content"]}
    both = Asked("responses", include=["reasoning.encrypted_content", "message.output_text.logprobs"])
    assert both.reduce(logprobs=True, reasoning="none") == ("include",)
    assert both.sent() == {}


def test_fields_that_ask_for_none_are_left():
    asked = Asked("chat", logprobs=False, top_logprobs=None)
    assert asked.reduce(logprobs=True) == ()
    assert asked.sent() == {"logprobs": False, "top_logprobs": None}


@pytest.mark.parametrize(
    ("name", "extra", "most", "names", "choices"),
    [
        ("chat", {"n": 8}, 2, ("n",), 2),
        ("chat", {"n": 2}, 2, (), 2),
        ("chat", {"n": 2, "best_of": 9}, 3, ("best_of",), 3),
        ("completions", {"n": 4, "prompt": ["a", "b"]}, 1, ("n",), 2),
        ("completions", {"n": 4, "best_of": 5}, 2, ("n", "best_of"), 2),
        ("chat", {"n": 8}, 0, ("n",), 1),
        ("chat", {}, 1, (), 1),
    ],
)
def test_choices_are_held_to_a_number(name, extra, most, names, choices):
    asked = Asked(name, **extra)
    assert asked.reduce(max_n=most) == names
    assert asked.ask.choices == choices
    assert asked.dialect.read(asked.ask.body).choices == choices, "the estimate sees what is sent"


@pytest.mark.parametrize("name", ["embeddings", "count_tokens"])
def test_where_nothing_is_written_nothing_is_reduced(name):
    extra = {"thinking": {"type": "adaptive"}} if name == "count_tokens" else {}
    assert Asked(name, ("generic",), **extra).reduce(reasoning="none", logprobs=True, max_n=1) == ()


def test_reductions_add_up_in_any_order():
    def asked():
        return Asked("chat", ("openai", "vllm"), reasoning_effort="high", n=5, logprobs=True)

    first, second = asked(), asked()
    first.reduce(reasoning="less", max_n=2)
    first.reduce(reasoning="none", logprobs=True)
    second.reduce(reasoning="none", logprobs=True)
    second.reduce(reasoning="less", max_n=2)
    for kind in ("openai", "vllm"):
        assert first.sent(kind) == second.sent(kind)
    assert first.sent("openai") == {"reasoning_effort": "low", "n": 2}


def test_an_edit_for_one_kind_is_not_hidden_by_an_earlier_one():
    ask = Ask(body={"a": 9}, model="m", stream=False, prompt_bytes=0, for_kind={"vllm": {"a": 5}})
    names = reduce_ask(ask, Reduction(reasoning="less"), ("vllm", "openai"), "chat", lambda *_: {"a": 1, "b": 2})
    assert names == ("b", "a")
    assert ask.for_kind is not None
    for kind in ("vllm", "openai"):
        assert apply(dict(ask.body), ask.for_kind[kind]) == {"a": 1, "b": 2}


def test_a_dropped_field_is_dropped_for_its_kind_only():
    ask = Ask(body={"a": 9}, model="m", stream=False, prompt_bytes=0)

    def switch(_body, _how, kind):
        return {"a": DROP} if kind == "vllm" else {}

    assert reduce_ask(ask, Reduction(reasoning="less"), ("vllm", "openai"), "chat", switch) == ("a",)
    assert ask.for_kind is not None
    assert apply(dict(ask.body), ask.for_kind["vllm"]) == {}
    assert apply(dict(ask.body), ask.for_kind["openai"]) == {"a": 9}
