"""The edits that the gateway makes to a request, each on a shallow copy so that the Ask stays as it was."""

from typing import Any, Final

from msgspec import Raw

from gateway.core.ask import Ask
from gateway.core.jsonio import dumps_read
from gateway.dialects.base import Rewrite
from gateway.dialects.reduction import apply

_MODERN_CAP: Final = frozenset({"openai", "azure"})
_END_USER: Final = frozenset({"user", "safety_identifier"})
_CAPS: Final = ("max_completion_tokens", "max_tokens")


def model(ask: Ask, rewrite: Rewrite, kind: str) -> dict[str, Any]:
    """A copy with the upstream's model name, reduced as this kind of upstream needs it."""
    copy = dict(ask.body)
    if ask.tools_written and copy.get("tools") is ask.tools_read:
        copy["tools"] = Raw(ask.tools_written)
    if ask.for_kind is not None:
        apply(copy, ask.for_kind.get(kind, {}))
    copy["model"] = rewrite.model
    return copy


def begin(ask: Ask, rewrite: Rewrite, kind: str) -> dict[str, Any]:
    """The same, without the caller's end user."""
    copy = model(ask, rewrite, kind)
    if not _END_USER.isdisjoint(copy):
        for name in _END_USER:
            if copy.get(name) is not None:
                if rewrite.pseudonym is None:
                    del copy[name]
                else:
                    copy[name] = rewrite.pseudonym
    return copy


def cap(copy: dict[str, Any], output_cap: int | None, default: str) -> None:
    """Set the output cap in one field."""
    if output_cap is not None:
        copy[default] = output_cap


def cap_chat(copy: dict[str, Any], output_cap: int | None, kind: str) -> None:
    """Set the cap in the field that the caller used, or in the one that this kind of upstream surely knows.

    With both fields present upstreams disagree on which one wins, so both get the smaller value.
    """
    if output_cap is None and ("max_tokens" not in copy or "max_completion_tokens" not in copy):
        return
    used = [name for name in _CAPS if copy.get(name) is not None]
    if output_cap is None:
        if len(used) < 2:
            return
        output_cap = min(copy[name] for name in used)
    for name in used or ["max_completion_tokens" if kind in _MODERN_CAP else "max_tokens"]:
        copy[name] = output_cap


def ask_usage(copy: dict[str, Any], rewrite: Rewrite) -> None:
    """Have a stream report its usage at the end, and only there."""
    if rewrite.ask_stream_usage and copy.get("stream") is True:
        options = dict(copy.get("stream_options") or {})
        if options.get("include_usage") is not True:
            # Per-event usage takes effect only with include_usage: the caller did not really ask for it.
            options.pop("continuous_usage_stats", None)
            options["include_usage"] = True
        copy["stream_options"] = options


def partition_cache(copy: dict[str, Any], rewrite: Rewrite, kind: str) -> None:
    """Keep one org's prompt cache apart from another's, where the upstream can."""
    if rewrite.cache_partition is not None:
        if kind == "openai":
            copy["prompt_cache_key"] = rewrite.cache_partition
        elif kind == "vllm":
            copy["cache_salt"] = rewrite.cache_partition


def written(copy: dict[str, Any], rewrite: Rewrite) -> bytes:
    """The document as bytes. The gateway's own `logit_bias` was written once for many requests; it is set in."""
    bias = rewrite.bias
    if bias is None:
        return dumps_read(copy)
    copy.pop("logit_bias", None)
    own = bias.own if not bias.callers else dumps_read(dict(bias.callers))[:-1] + b"," + bias.own[1:]
    return dumps_read(copy)[:-1] + b',"logit_bias":' + own + b"}"
