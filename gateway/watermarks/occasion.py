"""When an answer may be marked by `logit_bias`, and what then becomes of the caller's own entries.

Where exactness matters more than a mark (tools, JSON, code) or probabilities would show it, no mark is sent at all.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, Literal

from gateway.core.ask import Ask
from gateway.core.model import CODE

Skip = Literal[
    "route", "tools", "format", "logprobs", "code", "table", "epoch", "uncommitted", "upstream", "rejected"
]  # fmt: skip

SKIPS: Final[Mapping[Skip, str]] = {
    "route": "the route has no logit_bias field",
    "tools": "the request offers tools, whose arguments a mark could change",
    "format": "the answer must have a format (JSON, sound), which a mark could break",
    "logprobs": "the answer carries log probabilities, which would show the mark",
    "code": "the model is tagged as one that writes code, or the request fills in text",
    "table": "no pair table for the model's family, or no pair in it of the layers that the policy wants",
    "epoch": "no epoch at this time",
    "uncommitted": "the epoch's keys were not committed to, so that a verdict would prove nothing",
    "upstream": "the upstream accepts no logit_bias, or its last self-test failed",
    "rejected": "the upstream rejected this request with a mark and accepted it without",
}
"""Why an answer that a policy wants marked is not: the label of a metric and a field of the decision record."""

_ROUTES: Final = ("chat", "completions")
_MUTE: Final = frozenset(("vllm", "llamacpp"))
"""Kinds of upstream that write text whatever `modalities` says: there the field must not switch a mark off."""


def why_not(
    dialect: str, ask: Ask, tags: AbstractSet[str] | tuple[str, ...], kinds: AbstractSet[str] = frozenset()
) -> Skip | None:
    """The reason in the request itself; None where it may be marked.

    Only what an upstream acts on counts. A field that it ignores would be a switch that costs the caller nothing.
    `kinds` are those of the upstreams that may be asked; none of them known: any.
    """
    if dialect not in _ROUTES or not ask.prompts:
        return "route"
    if CODE in tags or ask.body.get("suffix"):
        return "code"
    if ask.tools:
        return "tools"
    if ask.logprobs:
        return "logprobs"
    sounds = not kinds or not kinds <= _MUTE
    return "format" if _has_format(ask.body) or (sounds and _is_sound(ask.body)) else None


def _has_format(body: Mapping[str, Any]) -> bool:
    """Anything but an object with a type is an error to a strict server and nothing to llama.cpp."""
    wanted = body.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    return isinstance(kind, str) and kind not in ("", "text")


def _is_sound(body: Mapping[str, Any]) -> bool:
    modalities = body.get("modalities")
    return isinstance(modalities, list) and "audio" in modalities


def collides(callers: Any, known: AbstractSet[int], room: int) -> bool:
    """Whether a caller's `logit_bias` touches the pairs' words, or leaves too few entries for the mark."""
    return callers is not None and kept(callers, known, room) != callers


def kept(callers: Any, known: AbstractSet[int], room: int) -> dict[str, Any]:
    """Of a caller's entries those that may stay: at most `room`, none on any word of the pairs.

    Both words of a pair count, not just the favoured one: who learnt which of their entries are refused would
    otherwise learn the signs. A key that is no token number may be any word to the upstream, so it goes too.
    """
    if not isinstance(callers, dict):
        return {}
    free = {key: value for key, value in callers.items() if _token(key) is not None and _token(key) not in known}
    return dict(list(free.items())[:room])


def _token(key: str) -> int | None:
    return int(key) if key.isascii() and key.isdigit() and len(key) < 10 else None
