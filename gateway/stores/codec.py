"""Limits and reservations as text for a journal, and back."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from gateway.core.units import Amounts, Unit
from gateway.engine.budget import Row
from gateway.engine.place import Hold
from gateway.engine.spec import BudgetSpec, DistinctSpec, Period, RateSpec, SlotSpec, Spec

_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@lru_cache(maxsize=8192)
def spec_text(spec: Spec) -> str:
    """Cached: limits are few and long-lived, and every commit names some."""
    if isinstance(spec, RateSpec):
        return _dumps(["rate", spec.key, spec.unit, spec.amount, spec.window_s, spec.burst, spec.shadow])
    if isinstance(spec, BudgetSpec):
        return _dumps(
            ["budget", spec.key, spec.unit, spec.amount, spec.period, spec.zone, spec.anchor_day, spec.shadow]
        )
    if isinstance(spec, DistinctSpec):
        return _dumps(["distinct", spec.key, spec.unit, spec.amount, spec.window_s, spec.shadow])
    return _dumps(["slots", spec.key, spec.amount, spec.shadow])


@lru_cache(maxsize=8192)
def spec_from(text: str) -> Spec:
    kind, key, *rest = json.loads(text)
    if kind == "rate":
        unit, amount, window_s, burst, shadow = rest
        return RateSpec(key, Unit(unit), amount, window_s, burst, shadow)
    if kind == "budget":
        unit, amount, period, zone, anchor_day, shadow = rest
        return BudgetSpec(key, Unit(unit), amount, Period(period), zone, anchor_day, shadow)
    if kind == "distinct":
        unit, amount, window_s, shadow = rest
        return DistinctSpec(key, Unit(unit), amount, window_s, shadow)
    amount, shadow = rest
    return SlotSpec(key, amount, shadow)


class Held(NamedTuple):
    """What a reservation holds of a limit. `label` is a budget's period; `new` what `Distinct.open` has of it."""

    spec: Spec
    label: str | None
    amount: int
    new: tuple[int, int] | None = None


def holds_text(holds: Sequence[Hold], new: Sequence[tuple[int, int] | None]) -> str:
    """`new` is for each hold what its place has in `Distinct.open`, taken when the holds were."""
    return _dumps([
        [spec_text(spec), place.label if isinstance(place, Row) else None, amount, *([mark] if mark else [])]
        for (place, spec, amount), mark in zip(holds, new, strict=True)
    ])  # fmt: skip


def holds_from(text: str) -> list[Held]:
    return [
        Held(spec_from(spec), label, amount, (mark[0][0], mark[0][1]) if mark else None)
        for spec, label, amount, *mark in json.loads(text)
    ]


def amounts_text(amounts: Amounts) -> str:
    return _dumps(dict(amounts))


def amounts_from(text: str) -> dict[Unit, int]:
    return {Unit(unit): amount for unit, amount in json.loads(text).items()}


def tokens_text(tokens: Sequence[tuple[int, int]]) -> str:
    return _dumps(tokens)


def tokens_from(text: str) -> dict[int, int]:
    return dict(json.loads(text))


def prompt_column(prompt: int) -> int:
    """A 64-bit fingerprint as SQLite's signed integer."""
    return prompt - (1 << 64) if prompt >> 63 else prompt


def prompt_from(column: int) -> int:
    return column % (1 << 64)
