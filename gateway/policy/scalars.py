"""The small values of policy files: prices, instants, lists of words and networks. Each is read once and exactly."""

from datetime import UTC, date, datetime
from ipaddress import ip_network
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from gateway.core.secret_headers import SECRET_HEADERS
from gateway.scalars import Line, Text, moment_ms, nano_dollars, one_or_many

DAY_MS: Final = 86_400_000


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


Scope = Literal["key", "account", "org", "all"]
"""Whose use a limit counts."""
Price = Annotated[int, BeforeValidator(_dollars_or_free), WithJsonSchema({"type": ["string", "number"]})]
Instant = Annotated[int, BeforeValidator(moment_ms), WithJsonSchema({"type": "string", "format": "date-time"})]
Until = Annotated[
    int,
    BeforeValidator(_end_ms),
    WithJsonSchema({"type": "string", "examples": ["2026-03-31", "2026-03-31T12:00:00Z"]}),
]
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


def _header(name: str) -> str:
    if name.lower() in SECRET_HEADERS:
        raise ValueError(f"'{name}' holds a credential: policies cannot look at it")
    return name.lower()


Headers = Annotated[
    dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"), AfterValidator(_header)], Words],
    Field(min_length=1),
]


def _network(value: Any) -> Any:
    for cidr in value if isinstance(value, tuple) else ():
        try:
            ip_network(cidr)
        except ValueError:
            raise ValueError(f"expected a network such as 192.0.2.0/24 or 2001:db8::/32, found {cidr!r}") from None
    return value


Networks = Annotated[tuple[Text, ...], BeforeValidator(lambda value: _network(one_or_many(value))), Field(min_length=1)]
