"""Anthropic's API family: its error envelope and its anthropic-ratelimit headers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from gateway.core.jsonio import dumps
from gateway.core.reasons import Kind
from gateway.core.refusal import Refusal
from gateway.dialects.base import Headers, LimitAdvice, WireRefusal
from gateway.dialects.openai_family import closest_limit
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
_FAMILIES: Final = ("requests", "tokens", "input-tokens", "output-tokens")


class AnthropicFamily:
    """Errors as `{"type": "error", "error": {type, message, details}, "request_id"}`."""

    name = "anthropic"

    def refuse(self, refusal: Refusal, request_id: str) -> WireRefusal:
        status, _ = _WORDS[refusal.reason.kind]
        if refusal.reason.kind is Kind.UPSTREAM_REJECTED:
            status = rejected_status(refusal)
        return WireRefusal(status, retry_headers(refusal), dumps(_envelope(refusal, request_id)))

    def stream_error(self, refusal: Refusal, request_id: str) -> bytes:
        return b"event: error\ndata: " + dumps(_envelope(refusal, request_id)) + b"\n\n"

    def advice(self, limits: Sequence[LimitAdvice], now_ms: int) -> Headers:
        headers: Headers = []
        for family in _FAMILIES:
            closest = closest_limit(limits, family)
            if closest is not None:
                prefix = f"anthropic-ratelimit-{family}-"
                headers.append((prefix + "limit", str(closest.limit)))
                headers.append((prefix + "remaining", str(max(0, closest.remaining))))
                headers.append((prefix + "reset", timestamp(now_ms + max(0, closest.reset_ms))))
        return headers


def timestamp(milliseconds: int) -> str:
    """An RFC 3339 time in whole seconds, never earlier than it is."""
    return datetime.fromtimestamp(-(-milliseconds // 1000), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _envelope(refusal: Refusal, request_id: str) -> dict[str, Any]:
    _, kind = _WORDS[refusal.reason.kind]
    if refusal.reason.kind is Kind.UPSTREAM_REJECTED:
        kind = _REJECTED.get(rejected_status(refusal), kind)
    details: dict[str, Any] = {**refusal.details, "error_code": refusal.reason.code}
    if refusal.param is not None:
        details["param"] = refusal.param
    error = {"type": kind, "message": refusal.message, "details": details}
    return {"type": "error", "error": error, "request_id": request_id}
