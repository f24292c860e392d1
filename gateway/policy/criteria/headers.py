"""`headers`: every named header has one of the values; `*` stands for any text, so that `"*"` asks that it is there."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from gateway.policy.criteria.base import Asked, AskTest, Compiling
from gateway.policy.inquiry import Inquiry
from gateway.policy.names import matches
from gateway.policy.scalars import Words

_SECRET: Final = frozenset({"authorization", "x-api-key", "cookie", "proxy-authorization"})
_MOST: Final = 1000
"""Characters of a header that are looked at."""


def _header(name: str) -> str:
    if name.lower() in _SECRET:
        raise ValueError(f"'{name}' holds a credential: policies cannot look at it")
    return name.lower()


Headers = Annotated[
    dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"), AfterValidator(_header)], Words],
    Field(min_length=1),
]


def _compile(wanted: dict[str, tuple[str, ...]], _: Compiling) -> AskTest:
    folded = {name: tuple(pattern.casefold() for pattern in patterns) for name, patterns in wanted.items()}

    def test(inquiry: Inquiry) -> bool:
        return all(_has(inquiry, name, patterns) for name, patterns in folded.items())

    return test


def _has(inquiry: Inquiry, name: str, patterns: tuple[str, ...]) -> bool:
    """Of a header that is there several times any may match: who sends one more cannot hide one that a proxy adds."""
    headers: Any = inquiry.headers
    given = headers.getall(name, ()) if hasattr(headers, "getall") else (headers.get(name),)
    values = [value for value in given if value is not None]
    return any(matches(value[:_MOST].casefold(), pattern) for value in values for pattern in patterns)


def _fact(inquiry: Inquiry) -> str:
    names = sorted({name.lower() for name in inquiry.headers} - _SECRET)
    return ", ".join(names[:20]) or "none"


CRITERION: Asked = Asked("headers", "headers_match", "headers_differ", _compile, _fact)
