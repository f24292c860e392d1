from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine import calendar
from gateway.engine.calendar import span_at
from gateway.engine.spec import Period

HOUR = 3_600_000
ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana", "Africa/Cairo", "Asia/Kolkata",
    "Asia/Beirut", "Pacific/Apia", "Australia/Lord_Howe", "America/St_Johns", "America/Asuncion",
]  # fmt: skip


def ms(text, zone="UTC"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)],
)
def test_a_day_of_23_or_25_hours_is_one_day(day, hours):
    span = span_at(ms(f"{day}T12:00", "Europe/Berlin"), Period.DAY, "Europe/Berlin")
    assert span.label == day
    assert span.end_ms - span.start_ms == hours * HOUR
    assert span_at(span.end_ms - 1, Period.DAY, "Europe/Berlin") == span
    assert span_at(span.end_ms, Period.DAY, "Europe/Berlin").start_ms == span.end_ms


def test_where_midnight_is_skipped_the_day_begins_at_the_skip():
    span = span_at(ms("2018-11-04T12:00", "America/Sao_Paulo"), Period.DAY, "America/Sao_Paulo")
    assert span.start_ms == ms("2018-11-04T03:00")
    assert span.end_ms - span.start_ms == 23 * HOUR


def test_where_midnight_comes_twice_the_first_counts():
    for text in ("2025-11-02T04:30", "2025-11-02T05:30"):
        span = span_at(ms(text), Period.DAY, "America/Havana")
        assert (span.label, span.end_ms - span.start_ms) == ("2025-11-02", 25 * HOUR)


@pytest.mark.parametrize(
    ("now", "anchor", "label", "start", "end"),
    [
        ("2026-02-10T00:00", 1, "2026-02", "2026-02-01", "2026-03-01"),
        ("2026-02-10T00:00", 15, "2026-01", "2026-01-15", "2026-02-15"),
        ("2026-02-28T00:00", 31, "2026-02", "2026-02-28", "2026-03-31"),
        ("2026-02-27T23:59", 31, "2026-01", "2026-01-31", "2026-02-28"),
        ("2028-02-29T00:00", 30, "2028-02", "2028-02-29", "2028-03-30"),
        ("2028-02-28T00:00", 30, "2028-01", "2028-01-30", "2028-02-29"),
        ("2026-12-31T23:59", 31, "2026-12", "2026-12-31", "2027-01-31"),
        ("2027-01-01T00:00", 15, "2026-12", "2026-12-15", "2027-01-15"),
        ("2026-04-30T00:00", 31, "2026-04", "2026-04-30", "2026-05-31"),
    ],
)
def test_an_anchor_past_the_end_of_a_month_is_its_last_day(now, anchor, label, start, end):
    span = span_at(ms(now), Period.MONTH, "UTC", anchor)
    assert span == (label, ms(start), ms(end))


def test_a_month_follows_its_zone():
    now = ms("2026-03-31T23:30")
    assert span_at(now, Period.MONTH, "UTC").label == "2026-03"
    assert span_at(now, Period.MONTH, "Europe/Berlin").label == "2026-04"


def test_a_period_is_worked_out_once():
    first = span_at(1000, Period.DAY, "UTC")
    assert span_at(86_399_999, Period.DAY, "UTC") is first
    assert span_at(86_400_000, Period.DAY, "UTC").label == "1970-01-02"
    assert span_at(86_399_999, Period.DAY, "UTC") == first, "a clock that steps back finds it again"


@pytest.mark.interpreted
def test_no_more_calendars_are_remembered_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(calendar, "_RUNNING", {})
    monkeypatch.setattr(calendar, "MOST_RUNNING", 2)
    for anchor in range(1, 32):
        span_at(1000, Period.MONTH, "UTC", anchor)
        assert 1 <= len(calendar._RUNNING) <= 2


@given(
    now=st.integers(ms("1990-01-01"), ms("2060-01-01")),
    zone=st.sampled_from(ZONES),
    period=st.sampled_from(Period),
    anchor=st.integers(1, 31),
)
def test_periods_tile_time_without_gap_or_overlap(now, zone, period, anchor):
    span = span_at(now, period, zone, anchor)
    assert span.start_ms <= now < span.end_ms
    following = span_at(span.end_ms, period, zone, anchor)
    assert following.start_ms == span.end_ms
    assert following.label > span.label
    local = datetime.fromtimestamp(span.start_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    assert timedelta(hours=local.hour, minutes=local.minute) <= timedelta(hours=1)
