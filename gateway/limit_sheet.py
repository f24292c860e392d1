"""What plans with the same limits have in common: how records write these, and what is counted of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Final, NamedTuple

from msgspec import Raw

from gateway.core.units import Unit, shown
from gateway.observe.records import MAX_LIST, LimitRecord, clean_name, encode
from gateway.policy.bound_limit import BoundLimit

_NAMES_A_PROMPT: Final = (Unit.DISTINCT_PROMPTS, Unit.UNIQUE_OUTPUT_TOKENS)
_BLANK: Final = b'"reserved":0,"remaining":0,"failing":false'
"""The members that differ from request to request. No text holds this: its quotes would be escaped there."""


class SheetLimit(NamedTuple):
    """What matters of one limit."""

    policy: str
    name: str
    unit: Unit
    mode: str
    size: int


class LimitSheet:
    """Writes and counts the limits that a request touched. A request has a dozen, so that it is done in one go."""

    __slots__ = ("_named", "_template", "_units", "limits")

    def __init__(self, limits: tuple[SheetLimit, ...]) -> None:
        self.limits = limits
        self._units = tuple(limit.unit for limit in limits)
        self._named = tuple((index, unit) for index, unit in enumerate(self._units) if unit in _NAMES_A_PROMPT)
        lines = [_line(limit) for limit in limits[:MAX_LIST]]
        self._template = b"[" + b",".join(lines) + b"]"

    def written(self, reserved: Mapping[Unit, int], remaining: Sequence[int], unfit: Iterable[int]) -> Raw:
        """The limits of a record; `remaining` is one for each limit, `unfit` the indexes of those without room."""
        amounts = [*map(reserved.get, self._units, repeat(0))]
        for index, unit in self._named:
            amounts[index] = shown(unit, amounts[index])
        blanks: list[int | bytes] = [b"false"] * (3 * len(amounts))
        blanks[0::3] = amounts
        blanks[1::3] = remaining
        for index in unfit:
            blanks[3 * index + 2] = b"true"
        return Raw(self._template % tuple(blanks[: 3 * MAX_LIST]))

    def used(self, requests: Sequence[Sequence[int]], used: defaultdict[tuple[str, str], list[float]]) -> None:
        """Add by policy and limit the part of it that was used after each request, by what was remaining."""
        for (policy, name, _, _, size), remaining in zip(self.limits, zip(*requests, strict=True), strict=True):
            used[policy, name] += [(size - left) / size for left in remaining] if size else [1.0] * len(remaining)


def sheet_limit(limit: BoundLimit) -> SheetLimit:
    return SheetLimit(limit.policy_id, limit.name, limit.spec.unit, limit.mode, limit.size)


def _line(limit: SheetLimit) -> bytes:
    """As JSON, with blanks to fill in."""
    record = LimitRecord(clean_name(limit.policy), clean_name(limit.name), limit.unit.value, 0, 0, False, limit.mode)
    line = encode(record).replace(b"%", b"%%")
    return line.replace(_BLANK, b'"reserved":%d,"remaining":%d,"failing":%b')
