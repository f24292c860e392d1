"""`time`: hours and days in a time zone, from `from` until before `to`; past midnight where `to` is earlier."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from gateway.policy.criteria.base import Asked, AskTest, Compiling
from gateway.policy.inquiry import Inquiry
from gateway.scalars import Zone, one_or_many
from gateway.validate import Strict

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["08:00", "17:30"])]


class Hours(Strict):
    """When. Every key that is given must hold."""

    zone: Zone = Field(default="UTC", description="IANA zone, for example Europe/Berlin.")
    days: Annotated[tuple[Day, ...], BeforeValidator(one_or_many), Field(min_length=1)] | None = Field(
        default=None, description="Days of the week: mon to sun."
    )
    from_: Clock | None = Field(default=None, alias="from", description="First minute, for example 22:00.")
    to: Clock | None = Field(default=None, description="First minute after it, for example 06:00.")

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if (self.from_ is None) != (self.to is None):
            raise ValueError("expected both from and to, or neither")
        if self.from_ is None and self.days is None:
            raise ValueError("expected days, or from and to")
        if self.from_ is not None and self.from_ == self.to:
            raise ValueError("from and to are the same minute: leave both out to mean the whole day")
        return self


def _compile(hours: Hours, _: Compiling) -> AskTest:
    zone = ZoneInfo(hours.zone)
    days = None if hours.days is None else frozenset(_DAYS.index(day) for day in hours.days)
    start, end = (None if at is None else int(at[:2]) * 60 + int(at[3:]) for at in (hours.from_, hours.to))

    def test(inquiry: Inquiry) -> bool:
        local = datetime.fromtimestamp(inquiry.here.now_ms / 1000, zone)
        day, minute = local.weekday(), local.hour * 60 + local.minute
        if start is not None and end is not None:
            if start < end:
                if not start <= minute < end:
                    return False
            elif end <= minute < start:
                return False
            elif minute < end:
                day = (day - 1) % 7  # the night belongs to the day on which it began
        return days is None or day in days

    return test


def _fact(inquiry: Inquiry) -> str:
    return datetime.fromtimestamp(inquiry.here.now_ms / 1000, UTC).strftime("%a %H:%M UTC")


CRITERION: Asked = Asked("time", "time_inside", "time_outside", _compile, _fact)
