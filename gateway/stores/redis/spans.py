"""The calendar of budgets, remembered: a period is worked out once and used until it is over."""

from typing import Final

from gateway.engine.calendar import Span, span_at
from gateway.engine.spec import BudgetSpec

MAX: Final = 4096


class Spans:
    """The running period of each calendar: (period, zone, anchor day)."""

    __slots__ = ("_spans",)

    def __init__(self) -> None:
        self._spans: dict[tuple[str, str, int], Span] = {}

    def at(self, spec: BudgetSpec, now_ms: int) -> Span:
        key = (spec.period, spec.zone, spec.anchor_day)
        span = self._spans.get(key)
        if span is None or not span.start_ms <= now_ms < span.end_ms:
            if len(self._spans) >= MAX:
                self._spans.clear()
            span = self._spans[key] = span_at(now_ms, spec.period, spec.zone, spec.anchor_day)
        return span
