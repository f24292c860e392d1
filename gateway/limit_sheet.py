"""What plans with the same limits have in common: how records write these, and what is counted of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Raw

from gateway.core.units import Amounts, Unit, shown
from gateway.observe.record_values import MAX_LIST, clean_name
from gateway.observe.records import LimitRecord, encode
from gateway.policy.bound_limit import BoundLimit

_BLANK: Final = '"reserved":0,"remaining":0,"failing":false'
"""The members that differ from request to request. No text holds this: its quotes would be escaped there."""
_EACH: Final = 5
"""Pieces of a limit's line: up to `reserved`, its number, up to `remaining`, its number, the rest."""


class SheetLimit(NamedTuple):
    """What matters of one limit."""

    policy: str
    name: str
    unit: Unit
    mode: str
    size: int


class LimitSheet:
    """Writes and counts the limits that a request touched. A request has a dozen, so that it is done in one go."""

    __slots__ = ("_failing", "_pieces", "_units", "limits")

    def __init__(self, limits: tuple[SheetLimit, ...]) -> None:
        self.limits = limits
        self._units = [limit.unit for limit in limits[:MAX_LIST]]
        self._pieces: list[str] = []
        self._failing: list[str] = []
        """The last piece of each limit, where it has no room."""
        for index, limit in enumerate(limits[:MAX_LIST]):
            before, behind = _line(limit).split(_BLANK)
            behind += "]" if index == len(self._units) - 1 else ","
            begin = ("[" if not index else "") + before
            self._pieces += (begin + '"reserved":', "0", ',"remaining":', "0", ',"failing":false' + behind)
            self._failing.append(',"failing":true' + behind)

    def written(self, reserved: Amounts, remaining: Sequence[int], unfit: Iterable[int]) -> Raw:
        """The limits of a record; `remaining` is one for each limit, `unfit` the indexes of those without room."""
        pieces = self._pieces.copy()
        for index, unit in enumerate(self._units):
            pieces[_EACH * index + 1] = str(shown(unit, reserved.get(unit, 0)))
            pieces[_EACH * index + 3] = str(remaining[index])
        for index in unfit:
            if index < MAX_LIST:
                pieces[_EACH * index + 4] = self._failing[index]
        return Raw("".join(pieces).encode() or b"[]")

    def used(self, requests: Sequence[Sequence[int]], used: defaultdict[tuple[str, str], list[float]]) -> None:
        """Add by policy and limit the part of it that was used after each request, by what was remaining."""
        for (policy, name, _, _, size), remaining in zip(self.limits, zip(*requests, strict=True), strict=True):
            used[policy, name] += [_used(size, left) for left in remaining]


def _used(size: int, left: int) -> float:
    return (size - left) / size if size else 1.0


def sheet_limit(limit: BoundLimit) -> SheetLimit:
    return SheetLimit(limit.policy_id, limit.name, limit.spec.unit, limit.mode, limit.size)


def _line(limit: SheetLimit) -> str:
    """As JSON, of a limit that nothing was reserved from."""
    record = LimitRecord(clean_name(limit.policy), clean_name(limit.name), limit.unit.value, 0, 0, False, limit.mode)
    return encode(record).decode()
