"""When to come back: the three headers that both official SDKs obey, the same for every family."""

from typing import Final

from gateway.core.reasons import UPSTREAM_CREDENTIALS, Kind
from gateway.core.refusal import Refusal
from gateway.dialects.base import Headers

MAX_WAIT_MS: Final = 60_000
"""The longest wait that every SDK version honours; above it some hang for days and some hammer."""

_RETRYABLE: Final = frozenset({Kind.OVERLOADED, Kind.UPSTREAM, Kind.UPSTREAM_TIMEOUT, Kind.INTERNAL})


def retry_headers(refusal: Refusal) -> Headers:
    """`x-should-retry` always, `retry-after` and `retry-after-ms` only for a wait that clients really keep."""
    wait = refusal.retry_after_ms
    headers: Headers = [("x-should-retry", "true" if _should_retry(refusal) else "false")]
    if wait is not None and 0 <= wait <= MAX_WAIT_MS:
        headers.append(("retry-after", str(-(-wait // 1000))))
        headers.append(("retry-after-ms", str(wait)))
    return headers


def _should_retry(refusal: Refusal) -> bool:
    wait = refusal.retry_after_ms
    if refusal.reason.kind is Kind.THROTTLED:
        return wait is not None and wait <= MAX_WAIT_MS
    if refusal.reason is UPSTREAM_CREDENTIALS:
        return False  # only its operator can help
    return refusal.reason.kind in _RETRYABLE and (wait is None or wait <= MAX_WAIT_MS)


def rejected_status(refusal: Refusal) -> int:
    """The status of an UPSTREAM_REJECTED refusal: the upstream's own 4xx, never anything else."""
    status = refusal.status
    return status if status is not None and 400 <= status < 500 else 400
