"""Which day or month it is, and when it ends, as the reference model has it: counted day by day from a date."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


def period_of(spec, now):
    """The label of a budget's period at `now` (ms), and when it ends (ms)."""
    zone = ZoneInfo(spec.zone)
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).date()
    if spec.period == "day":
        return str(today), midnight(today + timedelta(days=1), zone)
    first = today
    while not starts_month(first, spec.anchor_day):
        first -= timedelta(days=1)
    following = first + timedelta(days=1)
    while not starts_month(following, spec.anchor_day):
        following += timedelta(days=1)
    return f"{first:%Y-%m}", midnight(following, zone)


def starts_month(day: date, anchor):
    """The anchor day, or the last day of a month that has no such day."""
    last = (day + timedelta(days=1)).month != day.month
    return day.day == anchor or (last and day.day < anchor)


def midnight(day, zone):
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000
