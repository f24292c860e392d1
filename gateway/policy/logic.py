"""What conditions say about each other: whether one can ever hold, and whether one holds whenever another does.

Looked at as formulas in their disjunctive form, which is cut off where it grows too large; then nothing is said. What
is said is true of every request: an answer `not known` (conditions.py) only makes conditions hold more rarely.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from gateway.policy import overlaps
from gateway.policy.blocks import AskedKeys, Block, WhomKeys
from gateway.policy.bounds import Count, Duration, Quantity
from gateway.policy.criteria.route import dialects_of
from gateway.policy.definitions import Definitions

MOST: Final = 256
"""Ways in which a condition may hold, beyond which nothing is said about it."""
_DEEPEST: Final = 32


@dataclass(frozen=True, slots=True)
class Atom:
    """One fact, and the set that it is in. `key` names the fact for people."""

    key: str
    value: Any
    impossible: overlaps.Impossible


@dataclass(frozen=True, slots=True)
class Both:
    """Every part holds; without parts it always does."""

    parts: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One part at least holds."""

    parts: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class Never:
    """The part does not hold."""

    part: "Formula"


Formula = Atom | Both | Either | Never
Way = tuple[tuple[Atom, bool], ...]
"""Atoms that together make a formula hold, each with whether it holds itself."""


def formula(block: Block | None, definitions: Definitions, depth: int = 0) -> Formula:
    """A block as a formula. A fragment that nobody defined, or that uses itself, is a fact of its own."""
    parts: list[Formula] = []
    if block is not None:
        for key in (AskedKeys if isinstance(block, AskedKeys) else WhomKeys).model_fields:
            value = getattr(block, key)
            if value is not None:
                parts += _atoms(key, value)
        parts += [formula(inner, definitions, depth) for inner in block.all or ()]
        if block.any is not None:
            parts.append(Either(tuple(formula(inner, definitions, depth) for inner in block.any)))
        if block.not_ is not None:
            parts.append(Never(formula(block.not_, definitions, depth)))
        if block.use is not None:
            known = definitions.fragments.get(block.use)
            if known is None or depth >= _DEEPEST:
                parts.append(Atom(f"use: {block.use}", block.use, overlaps.equal))
            else:
                parts.append(formula(known, definitions, depth + 1))
    return parts[0] if len(parts) == 1 else Both(tuple(parts))


def contradiction(condition: Formula) -> tuple[str, ...]:
    """The facts because of which a condition can never hold; () where it may hold."""
    try:
        faults = [_fault(way) for way in _ways(condition, wanted=True)]
    except _TooManyError:
        return ()
    return tuple(sorted({fault for fault in faults if fault})) if all(faults) else ()


def implies(inner: Formula, outer: Formula) -> bool:
    """Whether `outer` holds of every request of which `inner` holds."""
    if isinstance(outer, Both) and not outer.parts:
        return True
    return inner == outer or bool(contradiction(Both((inner, Never(outer)))))


class _TooManyError(Exception):
    """More ways than MOST."""


def _fault(way: Way) -> str:
    """The fact that cannot be as this way needs it; "" when all can."""
    facts: dict[str, tuple[list[Any], list[Any]]] = {}
    rules: dict[str, overlaps.Impossible] = {}
    for atom, holds in way:
        facts.setdefault(atom.key, ([], []))[0 if holds else 1].append(atom.value)
        rules[atom.key] = atom.impossible
    return next((key for key, (held, failed) in facts.items() if rules[key](held, failed)), "")


def _ways(condition: Formula, *, wanted: bool) -> list[Way]:
    """All the ways in which a condition comes to be what is wanted. Raises _TooManyError."""
    match condition:
        case Atom():
            return [((condition, wanted),)]
        case Never():
            return _ways(condition.part, wanted=not wanted)
        case Both() | Either():
            inner = [_ways(part, wanted=wanted) for part in condition.parts]
            if isinstance(condition, Both) is wanted:
                return _bounded(tuple(atom for way in ways for atom in way) for ways in product(*_small(inner)))
            return _bounded(way for ways in inner for way in ways)


def _small(factors: Sequence[list[Way]]) -> Sequence[list[Way]]:
    """The same, known to make few ways: the product is not tried otherwise."""
    size = 1
    for ways in factors:
        size *= len(ways)
        if size > MOST:
            raise _TooManyError
    return factors


def _bounded(ways: Iterable[Way]) -> list[Way]:
    found: list[Way] = []
    for way in ways:
        found.append(way)
        if len(found) > MOST:
            raise _TooManyError
    return found


_BOOLEAN: Final = overlaps.one_of((True, False))
_WORD: Final = overlaps.one_of()
_KINDS: Final[dict[str, overlaps.Impossible]] = {
    "tier": _WORD,
    "account": _WORD,
    "org": _WORD,
    "key": _WORD,
    "country": _WORD,
    "owner_country": _WORD,
    "declared_purpose": _WORD,
    "tags": overlaps.some_of,
    "standing": overlaps.one_of(("clear", "watched", "limited", "blocked")),
    "model": overlaps.named,
    "family": _WORD,
    "dialect": _WORD,
    "upstream": overlaps.some_of,
    "address": overlaps.in_networks,
    "client_country": _WORD,
    "response_format": overlaps.one_of(("text", "json_object", "json_schema", "other")),
    "text": overlaps.in_text,
}


def _atoms(key: str, value: Any) -> Iterator[Formula]:
    """A criterion as facts: one, or one for each of its own keys."""
    if isinstance(value, bool):
        yield Atom(key, (value,), _BOOLEAN)
    elif isinstance(value, Count | Quantity | Duration):
        yield Atom(key, value, overlaps.within)
    elif key == "route":
        yield Atom("dialect", tuple(sorted(dialects_of(value))), _WORD)
    elif key == "headers":
        for name, patterns in value.items():
            yield Atom(f"header {name}", tuple(pattern.casefold() for pattern in patterns), overlaps.written)
    elif key == "terms":
        for part in type(value).model_fields:
            words = getattr(value, part)
            if words is not None:
                yield Atom(f"terms.{part}", words, _WORD)
    elif key == "usage":
        yield Atom(f"usage of {value.limit}", value.at_least, overlaps.full_to)
    elif key == "time":
        yield Atom(f"time in {value.zone}", value, overlaps.in_hours)
    else:
        yield Atom(key, value, _KINDS.get(key, overlaps.equal))
