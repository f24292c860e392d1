"""How each API and server is asked for less reasoning. Facts with their sources; nothing here looks at text.

A caller sees reasoning where a server returns it: OpenAI's own API never returns more than a summary, and that only on
request; Anthropic's returns a summary unless it is told to omit it; self-hosted servers return all of it. `less` lowers
only what the caller asked for: naming an effort turns thinking on where a model's default is off (OpenAI's reasoning
guide: gpt-5.1 defaults to `none`; vLLM: naming an effort enables thinking in chat templates that are opt-in).

Sources: OpenAI API reference (`reasoning_effort`, `reasoning`, `include`) and openai-python 3.54; Anthropic docs
"Thinking" (platform.claude.com/docs/en/build-with-claude/thinking: display, one configuration per assistant turn) and
anthropic-python 2.12; vLLM docs "Reasoning outputs" and protocol.py of its openai/chat_completion, openai/responses and
anthropic entrypoints; llama.cpp tools/server/README.md and server-common.cpp (`chat_template_kwargs`,
`thinking_budget_tokens`, its converter of Anthropic requests).
"""

from collections.abc import Mapping
from typing import Any, Final

from gateway.dialects.parameters import EFFORTS
from gateway.dialects.reduction import DROP, Edits, Exposure, apply, without

HOSTED: Final = frozenset({"openai", "azure"})
"""The providers' own APIs, Anthropic's among them."""
LOW: Final = "low"
MIN_BUDGET: Final = 1024
"""Tokens; the least that Anthropic accepts for a thinking budget."""

_ENOUGH: Final = EFFORTS[: EFFORTS.index(LOW) + 1]
_OFF: Final = {"enable_thinking": False, "thinking": False}
"""What chat templates call it (vLLM: Qwen3 and others the first, Granite and DeepSeek the second)."""
_ENCRYPTED: Final = "reasoning.encrypted_content"


def nothing(body: Mapping[str, Any], how: Exposure, kind: str) -> Edits | None:  # noqa: ARG001
    """Routes on which nothing is generated."""
    return {}


def of_completions(body: Mapping[str, Any], how: Exposure, kind: str) -> Edits | None:  # noqa: ARG001
    """No field names an effort, and what a prompt makes a self-hosted model think stands in the text itself."""
    return {} if how == "less" or kind in HOSTED else None


def of_chat(body: Mapping[str, Any], how: Exposure, kind: str) -> Edits | None:
    if how == "less":
        return _lower(body, "reasoning_effort")
    if kind in HOSTED:
        return {}
    return _hidden(kind, {"include_reasoning": False})


def of_responses(body: Mapping[str, Any], how: Exposure, kind: str) -> Edits | None:
    """VLLM returns reasoning on this route in full and has no switch for it, unlike in chat."""
    reasoning = body.get("reasoning")
    asked: Mapping[str, Any] = reasoning if type(reasoning) is dict else {}
    if how == "less":
        below = _lower(asked, "effort")
        if asked.get("mode") not in (None, "standard"):
            below["mode"] = "standard"
        return {"reasoning": apply(dict(asked), below)} if below else {}
    if kind == "vllm":
        return None
    if kind not in HOSTED:
        return _hidden(kind, {})
    edits: Edits = {}
    if how == "none":
        below = {name: DROP for name in ("summary", "generate_summary") if asked.get(name) is not None}
        if below:
            edits["reasoning"] = apply(dict(asked), below) or DROP
        include = body.get("include")
        if type(include) is list and _ENCRYPTED in include:
            edits["include"] = without(include, _ENCRYPTED)
    return edits


def of_messages(body: Mapping[str, Any], how: Exposure, kind: str) -> Edits | None:
    """Towards Anthropic thinking is hidden, never switched off: a tool-use loop is one assistant turn that must keep
    one configuration, its signed blocks must come back unchanged, and some models refuse to be without thinking. With
    `display: omitted` blocks come without their text but with their signature, so that the loop goes on.
    """
    thinking = body.get("thinking")
    asked: Mapping[str, Any] = thinking if type(thinking) is dict else {}
    on = bool(asked) and asked.get("type") not in ("disabled", "between_tools")
    if how == "less":
        return _less_thinking(body, asked, kind)
    if kind in HOSTED:
        allowed = ("omitted",) if how == "none" else ("omitted", "summarized", None)
        if not on or asked.get("display") in allowed:
            return {}
        return {"thinking": {**asked, "display": "omitted" if how == "none" else "summarized"}}
    if kind == "llamacpp":  # its converter knows the budget only, and ends thinking at once where that is 0
        return {"thinking": {"type": "enabled", "budget_tokens": 0}}
    return _hidden(kind, {})


def _less_thinking(body: Mapping[str, Any], asked: Mapping[str, Any], kind: str) -> Edits:
    edits: Edits = {}
    budget = asked.get("budget_tokens")
    if asked.get("type") == "enabled" and not (type(budget) is int and budget <= MIN_BUDGET):
        edits["thinking"] = {**asked, "budget_tokens": MIN_BUDGET}
    output = body.get("output_config")
    config: Mapping[str, Any] = output if type(output) is dict else {}
    below = _lower(config, "effort")
    if asked.get("type") == "adaptive" and kind in HOSTED and config.get("effort") is None:
        below["effort"] = LOW  # adaptive thinking follows the effort, which is high where nobody says otherwise
    if below:
        edits["output_config"] = apply(dict(config), below)
    return edits


def _lower(body: Mapping[str, Any], name: str) -> Edits:
    value = body.get(name)
    return {} if value is None or (type(value) is str and value in _ENOUGH) else {name: LOW}


def _hidden(kind: str, vllm: Edits) -> Edits | None:
    """Self-hosted servers have no summaries: nothing is shown where a summary is the most that may be."""
    if kind == "vllm":
        return {**vllm, "chat_template_kwargs": _OFF}
    if kind == "llamacpp":
        return {"chat_template_kwargs": _OFF, "thinking_budget_tokens": 0}
    return None
