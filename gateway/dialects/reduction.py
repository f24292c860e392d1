"""Asking for less than the caller did: no log probabilities, fewer choices, less reasoning.

A reduction changes the request before it is weighed, so that the estimate, the reservation and what is forwarded agree.
It copies whatever it touches: the parsed document may be shared, and messages are never changed.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from gateway.core.ask import Ask
from gateway.core.reasons import POLICY_DENIED
from gateway.core.refusal import Refusal
from gateway.dialects.field_tables import KINDS, Group, table

Exposure = Literal["less", "summary", "none"]
Edits = dict[str, Any]
"""New values by top-level field; DROP takes the field out."""
Switch = Callable[[Mapping[str, Any], Exposure, str], Edits | None]
"""The edits that reduce a body's reasoning towards one kind of upstream; None where that cannot be asked for."""

DROP: Final = object()
LOGPROBS_INCLUDE: Final = "message.output_text.logprobs"
"""How the Responses API is asked for probabilities, beside its fields."""

_SHOWN: Final = (
    "a policy limits how much of the model's reasoning may be shown, and this model's server cannot be asked for less "
    "on this route"
)


@dataclass(frozen=True, slots=True)
class Reduction:
    """What to ask for instead. Output caps are not part of it: `Rewrite.output_cap` sets them."""

    logprobs: bool = False
    """Take out every field that makes the answer carry token probabilities."""
    max_n: int | None = None
    """Most choices for a prompt, at least 1; `best_of` is held to it too."""
    reasoning: Exposure | None = None
    """`less`: lower the effort or budget that the caller named. `summary`: at most the provider's own summary is shown.
    `none`: no reasoning is shown."""


def reduce_ask(
    ask: Ask, reduction: Reduction, kinds: Collection[str], dialect: str, switch: Switch
) -> tuple[str, ...] | Refusal:
    """Change `ask` so that whichever of these kinds serves it is asked for less; the names of the changed fields.

    A refusal, and no change at all, where one of the kinds cannot be asked for so little reasoning.
    """
    edits = _logprobs(ask, dialect) if reduction.logprobs and ask.logprobs else {}
    fewer = {} if reduction.max_n is None else _choices(ask, max(1, reduction.max_n))
    edits |= fewer
    body = apply(dict(ask.body), edits)
    before = ask.for_kind or {}
    apart: dict[str, Edits] = {}
    if reduction.reasoning is not None:
        for kind in kinds:
            seen = apply(dict(body), before.get(kind, {}))
            wanted = switch(seen, reduction.reasoning, kind)
            if wanted is None:
                return Refusal(POLICY_DENIED, _SHOWN)
            apart[kind] = {name: value for name, value in wanted.items() if seen.get(name, DROP) != value}
        common = _common(list(apart.values()), before)
        edits |= common
        apply(body, common)
        apart = {kind: _but(more, common) for kind, more in apart.items()}
    if edits:
        ask.body = body
    if any(apart.values()):
        ask.for_kind = before | {kind: before.get(kind, {}) | more for kind, more in apart.items()}
    if reduction.logprobs:
        ask.logprobs = False
    if fewer:
        left = max(value for name in ("n", "best_of") if type(value := body.get(name)) is int)
        ask.choices = min(ask.choices, ask.prompts * left)
    return tuple(dict.fromkeys([*edits, *(name for more in apart.values() for name in more)]))


def apply(body: dict[str, Any], edits: Mapping[str, Any]) -> dict[str, Any]:
    """Make the edits in this very body."""
    for name, value in edits.items():
        if value is DROP:
            body.pop(name, None)
        else:
            body[name] = value
    return body


def _common(edits: list[Edits], before: Mapping[str, Edits]) -> Edits:
    """Those that every kind needs alike: they go into the body itself."""
    first, *rest = edits or [{}]
    earlier = {name for more in before.values() for name in more}
    return {
        name: value
        for name, value in first.items()
        if name not in earlier and all(name in other and other[name] == value for other in rest)
    }


def _but(edits: Edits, common: Edits) -> Edits:
    return {name: value for name, value in edits.items() if name not in common}


def _logprobs(ask: Ask, dialect: str) -> Edits:
    edits: Edits = {
        name: DROP for name, value in ask.body.items() if value is not None and name in _LOGPROB_FIELDS[dialect]
    }
    include = ask.body.get("include")
    if type(include) is list and LOGPROBS_INCLUDE in include:
        edits["include"] = without(include, LOGPROBS_INCLUDE)
    return edits


def without(values: list[Any], value: Any) -> Any:
    """The list without one value; DROP where nothing is left of it."""
    return [item for item in values if item != value] or DROP


def _choices(ask: Ask, most: int) -> Edits:
    return {name: most for name in ("n", "best_of") if type(value := ask.body.get(name)) is int and value > most}


_LOGPROB_FIELDS: Final = {
    dialect: frozenset(name for kind in KINDS for name, group in table(dialect, kind).items() if group is Group.LOGPROB)
    for dialect in ("chat", "completions", "embeddings", "responses", "messages", "count_tokens")
}
