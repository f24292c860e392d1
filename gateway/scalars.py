"""Small value types that the files share: moments, durations, sizes, dollars, names. Each is read once and exactly."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from gateway.core.units import NANO

_DURATION: Final = re.compile(r"([1-9][0-9]{0,8})(s|m|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MOST_NANO: Final = 10**21
_SIZE: Final = re.compile(r"([0-9]{1,15}) ?(KiB|MiB|GiB)?")
_FACTORS: Final = {None: 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def moment_ms(value: Any) -> int:
    """Unix milliseconds of `2026-03-01` (midnight UTC) or `2026-03-01T12:00:00+01:00` (the offset is required)."""
    moment = _moment(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError("expected a date like 2026-03-01 or a time with its offset like 2026-03-01T12:00:00Z")
    return round(moment.timestamp() * 1000)


def _moment(text: str) -> datetime | None:
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def size_bytes(value: Any) -> Any:
    """Bytes of `65536` or `64 MiB`."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value)
    if match is None:
        raise ValueError("expected bytes as a whole number or with a unit, like 64 MiB")
    return int(match[1]) * _FACTORS[match[2]]


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected one line of printable text")
    return text


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


def _model_set(value: Any) -> Any:
    return value if value in ("all", "each") else one_or_many(value)


Moment = Annotated[int, BeforeValidator(moment_ms)]
Size = Annotated[int, BeforeValidator(size_bytes)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$")]
"""What ids and names may look like: they end up in logs, metrics and headers."""
Line = Annotated[str, StringConstraints(max_length=500), AfterValidator(_one_line)]
Seconds = Annotated[
    int, BeforeValidator(_seconds), WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,8}[smhd]$"})
]
NanoDollars = Annotated[
    int, BeforeValidator(_positive_dollars), WithJsonSchema({"type": ["string", "number"], "examples": [25, "0.50"]})
]
Zone = Annotated[str, AfterValidator(_zone)]
Amount = Annotated[int, Field(gt=0)]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""A name that people give to a policy or a limit."""
Text = Annotated[str, Field(min_length=1)]
ModelSet = Annotated[
    Literal["all", "each"] | Annotated[tuple[Text, ...], Field(min_length=1)],
    BeforeValidator(_model_set),
    WithJsonSchema(
        {"oneOf": [{"enum": ["all", "each"]}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
    Field(description="all: one counter over all matched models; each: one per model; a list: one over that set."),
]
