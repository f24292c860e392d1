"""OpenAI's API family: its error object and its x-ratelimit headers."""

from collections.abc import Sequence
from typing import Any, Final

from gateway.core.jsonio import dumps_error
from gateway.core.reasons import Kind
from gateway.core.refusal import Refusal
from gateway.dialects.base import Headers, LimitAdvice, WireRefusal
from gateway.dialects.retry_advice import rejected_status, retry_headers

_INVALID: Final = "invalid_request_error"
_WORDS: Final[dict[Kind, tuple[int, str]]] = {
    Kind.UNAUTHENTICATED: (401, _INVALID),
    Kind.FORBIDDEN: (403, "request_forbidden"),
    Kind.NOT_FOUND: (404, _INVALID),
    Kind.METHOD: (405, _INVALID),
    Kind.INVALID: (400, _INVALID),
    Kind.MEDIA_TYPE: (415, _INVALID),
    Kind.TOO_LARGE: (413, _INVALID),
    Kind.HEADERS_TOO_LARGE: (431, _INVALID),
    Kind.SLOW_REQUEST: (408, _INVALID),
    Kind.THROTTLED: (429, "requests"),
    Kind.EXHAUSTED: (429, "insufficient_quota"),
    Kind.OVERLOADED: (503, "server_error"),
    Kind.UPSTREAM: (502, "server_error"),
    Kind.UPSTREAM_TIMEOUT: (504, "server_error"),
    Kind.UPSTREAM_REJECTED: (400, _INVALID),
    Kind.INTERNAL: (500, "server_error"),
}
_ADVICE: Final = tuple(
    (family, f"x-ratelimit-limit-{family}", f"x-ratelimit-remaining-{family}", f"x-ratelimit-reset-{family}")
    for family in ("requests", "tokens")
)


class OpenAIFamily:
    """Errors as `{"error": {message, type, param, code}}`; our facts go to `error.metadata`."""

    name = "openai"

    def refuse(self, refusal: Refusal, request_id: str) -> WireRefusal:  # noqa: ARG002 - the id is a header here
        status, _ = _WORDS[refusal.reason.kind]
        if refusal.reason.kind is Kind.UPSTREAM_REJECTED:
            status = rejected_status(refusal)
        return WireRefusal(status, retry_headers(refusal), dumps_error({"error": _error(refusal)}))

    def stream_error(self, refusal: Refusal, request_id: str) -> bytes:  # noqa: ARG002 - see refuse
        return b"data: " + dumps_error({"error": _error(refusal)}) + b"\n\n"

    def advice(self, limits: Sequence[LimitAdvice], now_ms: int) -> Headers:  # noqa: ARG002 - resets are durations
        headers: Headers = []
        closest = closest_limits(limits)
        for family, size, left, reset in _ADVICE:
            if family in closest:
                limit = closest[family]
                headers += (
                    (size, str(limit.limit)),
                    (left, str(max(0, limit.remaining))),
                    (reset, duration(limit.reset_ms)),
                )
        return headers


def closest_limits(limits: Sequence[LimitAdvice]) -> dict[str, LimitAdvice]:
    """The one limit of each family that binds first: a header can show only one."""
    closest: dict[str, LimitAdvice] = {}
    for limit in limits:
        best = closest.get(limit.family)
        if (
            best is None
            or limit.remaining < best.remaining
            or (limit.remaining == best.remaining and limit.reset_ms > best.reset_ms)
        ):
            closest[limit.family] = limit
    return closest


def duration(milliseconds: int) -> str:
    """A wait in this API's notation (12ms, 9s, 6m0s, 1h0m0s), never shorter than it is."""
    if milliseconds < 1000:
        return f"{max(0, milliseconds)}ms"
    minutes, seconds = divmod(-(-milliseconds // 1000), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def _error(refusal: Refusal) -> dict[str, Any]:
    _, kind = _WORDS[refusal.reason.kind]
    if refusal.reason.kind is Kind.THROTTLED and "tokens" in str(refusal.details.get("unit", "")):
        kind = "tokens"
    error: dict[str, Any] = {
        "message": refusal.message,
        "type": kind,
        "param": refusal.param,
        "code": refusal.reason.code,
    }
    if refusal.details:
        error["metadata"] = refusal.details
    return error
