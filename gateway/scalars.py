"""Small value types that the files share: moments, sizes, names."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, StringConstraints

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


Moment = Annotated[int, BeforeValidator(moment_ms)]
Size = Annotated[int, BeforeValidator(size_bytes)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}$")]
"""What ids and names may look like: they end up in logs, metrics and headers."""
Line = Annotated[str, StringConstraints(max_length=500), AfterValidator(_one_line)]
