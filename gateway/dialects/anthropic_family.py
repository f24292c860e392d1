"""Anthropic's API family: its error envelope and its anthropic-ratelimit headers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from gateway.core.jsonio import dumps_error
from gateway.core.reasons import Kind
from gateway.core.refusal import Refusal
from gateway.dialects.base import Headers, LimitAdvice, WireRefusal
from gateway.dialects.openai_family import closest_limits
from gateway.dialects.retry_advice import rejected_status, retry_headers

_INVALID: Final = "invalid_request_error"
_WORDS: Final[dict[Kind, tuple[int, str]]] = {
    Kind.UNAUTHENTICATED: (401, "authentication_error"),
    Kind.FORBIDDEN: (403, "permission_error"),
    Kind.NOT_FOUND: (404, "not_found_error"),
    Kind.METHOD: (405, _INVALID),
    Kind.INVALID: (400, _INVALID),
    Kind.MEDIA_TYPE: (415, _INVALID),
    Kind.TOO_LARGE: (413, "request_too_large"),
    Kind.HEADERS_TOO_LARGE: (431, _INVALID),
    Kind.SLOW_REQUEST: (408, _INVALID),
    Kind.THROTTLED: (429, "rate_limit_error"),
    Kind.EXHAUSTED: (429, "rate_limit_error"),
    Kind.OVERLOADED: (529, "overloaded_error"),
    Kind.UPSTREAM: (502, "api_error"),
    Kind.UPSTREAM_TIMEOUT: (504, "timeout_error"),
    Kind.UPSTREAM_REJECTED: (400, _INVALID),
    Kind.INTERNAL: (500, "api_error"),
}
_REJECTED: Final = {404: "not_found_error", 413: "request_too_large"}
_ADVICE: Final = {
    family: tuple(f"anthropic-ratelimit-{family}-{what}" for what in ("limit", "remaining", "reset"))
    for family in ("requests", "tokens", "input-tokens", "output-tokens")
}
_DAY_S: Final = 86_400


class AnthropicFamily:
    """Errors as `{"type": "error", "error": {type, message, details}, "request_id"}`."""

    name = "anthropic"

    def refuse(self, refusal: Refusal, request_id: str) -> WireRefusal:
        status, _ = _WORDS[refusal.reason.kind]
        if refusal.reason.kind is Kind.UPSTREAM_REJECTED:
            status = rejected_status(refusal)
        return WireRefusal(status, retry_headers(refusal), dumps_error(_envelope(refusal, request_id)))

    def stream_error(self, refusal: Refusal, request_id: str) -> bytes:
        return b"event: error\ndata: " + dumps_error(_envelope(refusal, request_id)) + b"\n\n"

    def advice(self, limits: Sequence[LimitAdvice], now_ms: int) -> Headers:
        headers: Headers = []
        closest = closest_limits(limits)
        for family, (size, left, reset) in _ADVICE.items():
            limit = closest.get(family)
            if limit is not None:
                headers.append((size, str(limit.limit)))
                headers.append((left, str(max(0, limit.remaining))))
                headers.append((reset, timestamp(now_ms + max(0, limit.reset_ms))))
        return headers


def timestamp(milliseconds: int) -> str:
    """An RFC 3339 time in whole seconds, never earlier than it is."""
    day, second = divmod(-(-milliseconds // 1000), _DAY_S)
    minute, second = divmod(second, 60)
    return f"{_date(day)}T{minute // 60:02}:{minute % 60:02}:{second:02}Z"


@lru_cache(64)
def _date(day: int) -> str:
    """Of a day counted from the beginning of 1970."""
    return datetime.fromtimestamp(day * _DAY_S, UTC).strftime("%Y-%m-%d")


def _envelope(refusal: Refusal, request_id: str) -> dict[str, Any]:
    _, kind = _WORDS[refusal.reason.kind]
    if refusal.reason.kind is Kind.UPSTREAM_REJECTED:
        kind = _REJECTED.get(rejected_status(refusal), kind)
    details: dict[str, Any] = {**refusal.details, "error_code": refusal.reason.code}
    if refusal.param is not None:
        details["param"] = refusal.param
    error = {"type": kind, "message": refusal.message, "details": details}
    return {"type": "error", "error": error, "request_id": request_id}
