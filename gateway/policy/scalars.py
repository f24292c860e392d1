"""The small values of policy files: durations, dollars, instants, names. Each is read once, into an exact integer."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from gateway.core.units import NANO
from gateway.scalars import Line, moment_ms

_DURATION: Final = re.compile(r"([1-9][0-9]{0,8})(s|m|h|d)")
_MOST_NANO: Final = 10**21
DAY_MS: Final = 86_400_000
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _seconds(value: Any) -> int:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected a duration such as 30s, 1m, 12h or 1d")
    return int(found[1]) * _SECONDS[found[2]]


def nano_dollars(value: Any, *, least: int | None = 1) -> int:
    """Exact nano-dollars of an amount of dollars, at least `least` of them. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("expected an amount of dollars such as 25 or 0.50")  # noqa: TRY004 - pydantic's rule
    try:
        # repr of a float is the shortest text that means it, which is what stands in the file.
        nano = Decimal(str(value)) * NANO
    except ArithmeticError:
        nano = Decimal("nan")
    if not nano.is_finite() or abs(nano) > _MOST_NANO:
        raise ValueError("expected an amount of dollars such as 25 or 0.50")
    if nano != nano.to_integral_value():
        raise ValueError("expected at most nine decimals: money is counted in nano-dollars")
    if least is not None and nano < least:
        raise ValueError("expected more than 0 dollars" if least else "expected 0 dollars or more")
    return int(nano)


def _positive_dollars(value: Any) -> int:
    return nano_dollars(value)


def _dollars_or_free(value: Any) -> int:
    return nano_dollars(value, least=0)


def _end_ms(value: Any) -> int:
    """A date ends with its day in UTC: `until: 2026-03-31` includes the 31st."""
    if isinstance(value, str) and len(value) == 10:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValueError("expected a date such as 2026-03-31") from None
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return round(midnight.timestamp() * 1000) + DAY_MS
    return moment_ms(value)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"expected an IANA time zone such as Europe/Berlin, found {name!r}") from None
    return name


def one_or_many(value: Any) -> Any:
    """`free` and `[free]` are the same. A tuple, because what leaves a validator is checked as a Python value."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Seconds = Annotated[
    int, BeforeValidator(_seconds), WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,8}[smhd]$"})
]
NanoDollars = Annotated[
    int, BeforeValidator(_positive_dollars), WithJsonSchema({"type": ["string", "number"], "examples": [25, "0.50"]})
]
Price = Annotated[int, BeforeValidator(_dollars_or_free), WithJsonSchema({"type": ["string", "number"]})]
Instant = Annotated[int, BeforeValidator(moment_ms), WithJsonSchema({"type": "string", "format": "date-time"})]
Until = Annotated[
    int,
    BeforeValidator(_end_ms),
    WithJsonSchema({"type": "string", "examples": ["2026-03-31", "2026-03-31T12:00:00Z"]}),
]
Zone = Annotated[str, AfterValidator(_zone)]
Amount = Annotated[int, Field(gt=0)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Text = Annotated[str, Field(min_length=1)]
Phrase = Annotated[Line, Field(min_length=1)]
"""One printable line: it goes into refusals, headers and records."""
Words = Annotated[
    tuple[Text, ...],
    BeforeValidator(one_or_many),
    Field(min_length=1),
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            ]
        }
    ),
]
Country = Annotated[str, Field(pattern=r"^([A-Z]{2}|unknown)$")]
Countries = Annotated[
    tuple[Country, ...],
    BeforeValidator(one_or_many),
    Field(min_length=1),
    WithJsonSchema(
        {
            "oneOf": [
                {"type": "string", "pattern": "^([A-Z]{2}|unknown)$"},
                {"type": "array", "items": {"type": "string", "pattern": "^([A-Z]{2}|unknown)$"}, "minItems": 1},
            ]
        }
    ),
]


def _model_set(value: Any) -> Any:
    return value if value in ("all", "each") else one_or_many(value)


ModelSet = Annotated[
    Literal["all", "each"] | Annotated[tuple[Text, ...], Field(min_length=1)],
    BeforeValidator(_model_set),
    WithJsonSchema(
        {"oneOf": [{"enum": ["all", "each"]}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
    Field(description="all: one counter over all matched models; each: one per model; a list: one over that set."),
]
