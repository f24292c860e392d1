"""Conditions in words: what every criterion of a tree said to one request, for people who ask why.

Asked for by `explain` and failing tests only; requests are judged without it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from gateway.policy.bounds import Duration
from gateway.policy.conditions import All, AnyOf, AskedLeaf, Named, Node, Not, Truth, WhomLeaf
from gateway.policy.inquiry import Inquiry
from gateway.policy.words import window

_SHOWN: Final = 80
NOT: Final = "not"
ALWAYS: Final = "always"


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a condition and what came of it. `code` is the criterion's reason for that answer."""

    holds: Truth
    says: str
    code: str = ""
    parts: tuple["Step", ...] = field(default=())


def trace(node: Node, inquiry: Inquiry, absent: tuple[type[Exception], ...] = ()) -> Step:
    """Ask every criterion, also those that a request would not have come to.

    `absent` are the exceptions with which an inquiry says that it does not have what a criterion looks at.
    """
    match node:
        case WhomLeaf():
            return _leaf(node, node.test(inquiry.here), node.criterion.fact(inquiry.here))
        case AskedLeaf():
            try:
                return _leaf(node, node.test(inquiry), node.criterion.fact(inquiry))
            except absent:
                return Step(None, f"{node.criterion.key}: {_short(written(node.value))}", "not_recorded")
        case Named():
            inner = trace(node.part, inquiry, absent)
            return Step(inner.holds, f"use: {node.name}", parts=(inner,))
        case Not():
            inner = trace(node.part, inquiry, absent)
            return Step(None if inner.holds is None else not inner.holds, NOT, parts=(inner,))
        case All():
            return _joined("all of", tuple(trace(part, inquiry, absent) for part in node.parts), decides=False)
        case AnyOf():
            return _joined("any of", tuple(trace(part, inquiry, absent) for part in node.parts), decides=True)


def lines(step: Step, indent: int = 0) -> Iterator[str]:
    """The tree as text, one line for each node."""
    mark = {True: "yes", False: "no ", None: "?  "}[step.holds]
    code = f"  [{step.code}]" if step.code else ""
    yield f"{'  ' * indent}{mark} {step.says}{code}"
    for part in step.parts:
        yield from lines(part, indent + 1)


def outline(node: Node, indent: int = 0) -> Iterator[str]:
    """A condition as the file has it, one line for each node, where no request is at hand."""
    space = "  " * indent
    match node:
        case WhomLeaf() | AskedLeaf():
            yield f"{space}{node.criterion.key}: {_short(written(node.value))}"
        case Named(name=name, part=part):
            yield f"{space}use: {name}"
            yield from outline(part, indent + 1)
        case Not(part=part):
            yield f"{space}{NOT}"
            yield from outline(part, indent + 1)
        case All(parts=()):
            yield f"{space}{ALWAYS}"
        case All(parts=(only,)) | AnyOf(parts=(only,)):
            yield from outline(only, indent)
        case All(parts=parts) | AnyOf(parts=parts):
            yield f"{space}{'all of' if isinstance(node, All) else 'any of'}"
            for part in parts:
                yield from outline(part, indent + 1)


def decisive(step: Step) -> tuple[Step, bool]:
    """The first criterion that by itself made the answer what it is, and whether a `not` stands before it."""
    if not step.parts:
        return step, False
    leaf, turned = decisive(next((part for part in step.parts if part.holds is step.holds), step.parts[0]))
    return leaf, turned != (step.says == NOT)


def _leaf(node: WhomLeaf | AskedLeaf, holds: Truth, fact: str) -> Step:
    criterion = node.criterion
    code = "not_evaluated" if holds is None else criterion.passes if holds else criterion.fails
    return Step(holds, f"{criterion.key}: {_short(written(node.value))} (found: {_short(fact)})", code)


def _joined(word: str, parts: tuple[Step, ...], *, decides: bool) -> Step:
    answers = [part.holds for part in parts]
    holds: Truth = decides if decides in answers else None if None in answers else not decides
    return parts[0] if len(parts) == 1 else Step(holds, word if parts else ALWAYS, parts=parts)


def written(value: Any) -> str:
    """A criterion's value about as it stands in the file."""
    if isinstance(value, Duration):
        given = value.model_dump(exclude_unset=True)
        return ", ".join(f"{key} {window(seconds)}" for key, seconds in given.items() if seconds is not None)
    if isinstance(value, BaseModel):
        given = value.model_dump(by_alias=True, exclude_unset=True)
        return ", ".join(f"{key} {written(inner)}" for key, inner in given.items())
    if isinstance(value, dict):
        return ", ".join(f"{key} {written(inner)}" for key, inner in value.items())
    if isinstance(value, tuple | list):
        return " or ".join(map(written, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
