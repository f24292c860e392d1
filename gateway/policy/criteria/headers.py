"""`headers`: every named header has one of the values; `*` stands for any text, so that `"*"` asks that it is there."""

from typing import Any, Final

from gateway.core.secret_headers import SECRET_HEADERS
from gateway.policy.criteria.base import Asked, AskTest, Compiling
from gateway.policy.inquiry import Inquiry
from gateway.policy.names import matches

_MOST: Final = 1000
"""Characters of a header that are looked at."""


def _compile(wanted: dict[str, tuple[str, ...]], _: Compiling) -> AskTest:
    folded = [(name, tuple(pattern.casefold() for pattern in patterns)) for name, patterns in wanted.items()]

    def test(inquiry: Inquiry) -> bool:
        for name, patterns in folded:
            if name not in inquiry.headers or not _has(inquiry.headers, name, patterns):
                return False
        return True

    return test


def _has(headers: Any, name: str, patterns: tuple[str, ...]) -> bool:
    """Of a header that is there several times any may match: who sends one more cannot hide one that a proxy adds."""
    given = headers.getall(name) if hasattr(headers, "getall") else (headers[name],)
    return any(matches(value[:_MOST].casefold(), pattern) for value in given for pattern in patterns)


def _fact(inquiry: Inquiry) -> str:
    names = sorted({name.lower() for name in inquiry.headers} - SECRET_HEADERS)
    return ", ".join(names[:20]) or "none"


CRITERION: Asked = Asked("headers", "headers_match", "headers_differ", _compile, _fact)
