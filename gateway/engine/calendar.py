"""Calendar periods: which day or month an instant belongs to, in an IANA zone, from an anchor day.

A period runs from one local midnight to another, so a day of 23 or 25 hours is one day. Its label is the local date
(or year and month) of its start: a change of zone finds the same counter again.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from gateway.engine.spec import Period

MOST_RUNNING: Final = 4096
"""Calendars whose running period is remembered."""


class Span(NamedTuple):
    """One period: its label and the instants [start, end) in Unix milliseconds."""

    label: str
    start_ms: int
    end_ms: int


_RUNNING: Final[dict[tuple[Period, str, int], Span]] = {}


def span_at(now_ms: int, period: Period, zone: str, anchor_day: int = 1) -> Span:
    """The period that contains `now_ms`: worked out once, and the same object until another one is asked for."""
    calendar = (period, zone, anchor_day)
    span = _RUNNING.get(calendar)
    if span is None or not span.start_ms <= now_ms < span.end_ms:
        if len(_RUNNING) >= MOST_RUNNING:
            _RUNNING.clear()
        span = _RUNNING[calendar] = _worked_out(now_ms, period, zone, anchor_day)
    return span


def _worked_out(now_ms: int, period: Period, zone: str, anchor_day: int) -> Span:
    tz = ZoneInfo(zone)
    today = datetime.fromtimestamp(now_ms // 1000, UTC).astimezone(tz).date()
    start = today if period is Period.DAY else _month_start(today.year, today.month, anchor_day)
    # The month's anchor may still lie ahead; and where a zone turns its clock back over midnight, so may the day.
    while _midnight_ms(start, tz) > now_ms:
        start = _before(start, period, anchor_day)
    while _midnight_ms(end := _after(start, period, anchor_day), tz) <= now_ms:
        start = end
    label = start.isoformat() if period is Period.DAY else f"{start.year:04d}-{start.month:02d}"
    return Span(label, _midnight_ms(start, tz), _midnight_ms(end, tz))


def _midnight_ms(day: date, tz: ZoneInfo) -> int:
    """The first instant of a local day; where midnight is skipped, the instant of the skip."""
    return int(datetime(day.year, day.month, day.day, tzinfo=tz).timestamp()) * 1000


def _month_start(year: int, month: int, anchor_day: int) -> date:
    return date(year, month, min(anchor_day, monthrange(year, month)[1]))


def _after(start: date, period: Period, anchor_day: int) -> date:
    if period is Period.DAY:
        return start + timedelta(days=1)
    return _month_start(start.year + start.month // 12, start.month % 12 + 1, anchor_day)


def _before(start: date, period: Period, anchor_day: int) -> date:
    if period is Period.DAY:
        return start - timedelta(days=1)
    last = start.replace(day=1) - timedelta(days=1)
    return _month_start(last.year, last.month, anchor_day)
