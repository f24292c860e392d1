"""How a request asks to be answered: the facts beside its text that rules look at.

Fields that no dialect checks (temperature, seed, ...) are forwarded whatever their value, and some servers are lenient:
they read "1.9" or true as a number. Such a value is read here as they would read it and its field is named in `odd`, so
that a rule never takes a strange value for an absent one.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from gateway.dialects.content import NOT_MEDIA, is_media
from gateway.dialects.usage_fields import inner

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""What reasoning efforts are called, from least to most."""
OTHER: Final = "other"
"""A value that no published API knows."""

_CHOICES: Final = {
    "none": "none", "auto": "auto", "required": "required", "any": "required", "function": "named", "custom": "named",
    "tool": "named",
}  # fmt: skip
_FORMATS: Final = ("text", "json_object", "json_schema")
_IMAGE_KEYS: Final = ("image_url", "image_embeds")
_IMAGES: Final = ("image", "input_image", "image_generation_call")


class Parameters(Struct, frozen=True):
    """What was asked for; None and 0 where nothing was."""

    temperature: float | None = None
    top_p: float | None = None
    seed: bool = False
    """Whether one is set."""
    stop: int = 0
    """Stop sequences."""
    tools: int = 0
    tool_choice: str | None = None
    """none, auto, required (any tool), named (one tool), other."""
    response_format: str | None = None
    """text, json_object, json_schema, other."""
    messages: int = 0
    """Messages, input items or prompts."""
    images: int = 0
    media: int = 0
    """Sounds, videos and files."""
    reasoning: str | int | None = None
    """An effort (one of EFFORTS, adaptive, between_tools, other) or a budget in tokens."""
    stream: bool = False
    top_logprobs: int = 0
    """The most alternatives asked for at any token."""
    odd: tuple[str, ...] = ()
    """Fields whose value is not of the type that the API publishes; a rule on one should not read it as harmless."""


class ParameterReader:
    """Reads fields of one body and remembers which of them are odd."""

    __slots__ = ("_body", "_odd")

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body
        self._odd: list[str] = []

    @property
    def odd(self) -> tuple[str, ...]:
        return tuple(self._odd)

    def number(self, name: str) -> float | None:
        value = self._body.get(name)
        if value is None:
            return None
        if type(value) not in (int, float):
            self._odd.append(name)
        if type(value) not in (int, float, bool, str):
            return None
        try:
            read = float(value)
        except OverflowError:  # an integer that no float can hold
            read = math.inf if value > 0 else -math.inf
        except ValueError:
            return None
        return None if math.isnan(read) else read + 0.0  # -0.0 is 0

    def present(self, name: str) -> bool:
        return self._body.get(name) is not None

    def length(self, *names: str) -> int:
        """Entries of lists; a single string is one."""
        total = 0
        for name in names:
            value = self._body.get(name)
            if type(value) is list:
                total += len(value)
            elif value is not None:
                total += 1
                if type(value) is not str:
                    self._odd.append(name)
        return total

    def most(self, *names: str) -> int:
        """The largest of some counts; `read` of the dialect has checked them."""
        return max((value for name in names if type(value := self._body.get(name)) is int), default=0)

    def choice(self, name: str = "tool_choice") -> str | None:
        value = self._body.get(name)
        if value is None:
            return None
        word = value.get("type") if type(value) is dict else value
        known = _CHOICES.get(word) if type(word) is str else None
        if known is None or (known == "named" and type(value) is str):
            return OTHER
        return known

    def format(self, *paths: str) -> str | None:
        """The first `type` at these dotted paths of response formats."""
        for path in paths:
            value = inner(self._body, *path.split("."))
            if value is not None:
                kind = inner(value, "type")
                return kind if type(kind) is str and kind in _FORMATS else OTHER
        return None

    def effort(self, path: str) -> str | None:
        value = inner(self._body, *path.split("."))
        if value is None:
            return None
        if type(value) is str and value in EFFORTS:
            return value
        self._odd.append(path)
        return OTHER

    def thinking(self) -> str | int | None:
        """Anthropic's `thinking`: a budget, or a mode; without it the effort of `output_config`."""
        value = self._body.get("thinking")
        kind = inner(value, "type")
        if kind == "disabled":
            return "none"
        if kind == "enabled":
            budget = inner(value, "budget_tokens")
            if type(budget) is int:
                return budget
            self._odd.append("thinking.budget_tokens")
            return OTHER
        effort = self.effort("output_config.effort")
        if value is None or (kind == "adaptive" and effort is not None):
            return effort
        if kind in ("adaptive", "between_tools"):
            return str(kind)
        self._odd.append("thinking.type")
        return OTHER


def media(items: Iterable[tuple[int, Any]]) -> tuple[int, int]:
    """Images and other media in messages or input items, counted as `content.Weight` counts them for the estimate."""
    images = others = 0
    stack = [item for _, item in items]
    while stack:
        node = stack.pop()
        if type(node) is list:
            stack.extend(node)
        elif type(node) is dict:
            for name, below in node.items():
                if below is None or name in NOT_MEDIA:
                    continue
                if not is_media(name, below, node):
                    stack.append(below)
                elif name in _IMAGE_KEYS or node.get("type") in _IMAGES:
                    images += 1
                else:
                    others += 1
    return images, others
