"""What the caller hears when an upstream refuses or fails: pure."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from gateway.core import jsonio, reasons
from gateway.core.refusal import Refusal
from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.scrub import scrub

REJECTED: Final = frozenset({400, 404, 413, 422})
BUSY: Final = frozenset({429, 503, 529})
ELSEWHERE: Final = frozenset({429, 502, 503, 529})
"""Statuses after which another upstream may be asked: this one did not take the request on."""
DEFAULT_WAIT_MS: Final = 1_000
MAX_WAIT_MS: Final = 60_000
_MAX_PARAM: Final = 64
_SAID_NOTHING: Final = "the model server refused the request and gave no usable reason"


def from_failure(failure: UpstreamFailed) -> Refusal:
    """The refusal for an upstream that could not be reached, was too slow or broke the protocol."""
    if failure.phase == "connect":
        return Refusal(reasons.UPSTREAM_UNAVAILABLE, "the model server could not be reached")
    if failure.timeout:
        return Refusal(reasons.UPSTREAM_TIMEOUT, "the model server did not answer in time")
    return Refusal(reasons.UPSTREAM_ERROR, "the model server broke off or did not speak HTTP properly")


def from_answer(
    status: int, headers: Mapping[str, str], body: bytes, now_ms: int, hide: Mapping[str, str] | None = None
) -> Refusal:
    """The refusal for an answer whose status is not 2xx. Header names are lower-case."""
    if status in (401, 403):
        # Its text would speak of our credential, so none of it is passed on.
        return Refusal(reasons.UPSTREAM_CREDENTIALS, "the model server does not accept the gateway; its operator knows")
    if status in BUSY:
        wait = retry_after_ms(headers, now_ms)
        wait = DEFAULT_WAIT_MS if wait is None else min(wait, MAX_WAIT_MS)
        return Refusal(reasons.UPSTREAM_BUSY, "the model server is busy; try again shortly", retry_after_ms=wait)
    if status in REJECTED:
        message, param = _words(body)
        text = scrub(message, hide) or _SAID_NOTHING
        return Refusal(reasons.UPSTREAM_REJECTED, text, param=param, status=status)
    if status in (408, 504):
        return Refusal(reasons.UPSTREAM_TIMEOUT, "the model server did not answer in time")
    if 300 <= status < 400:
        return Refusal(reasons.UPSTREAM_ERROR, "the model server answered with a redirect, which is never followed")
    if 400 <= status < 500:
        return Refusal(reasons.UPSTREAM_ERROR, "the model server refused the request in an unexpected way")
    return Refusal(reasons.UPSTREAM_ERROR, "the model server failed")


def from_event(data: bytes, hide: Mapping[str, str] | None = None) -> Refusal:
    """The refusal for an error event in the middle of a stream."""
    message, _ = _words(data)
    text = scrub(message, hide) or "the model server failed while answering"
    busy = b"overloaded" in data or b"rate_limit" in data
    return Refusal(reasons.UPSTREAM_BUSY if busy else reasons.UPSTREAM_ERROR, text)


def retry_after_ms(headers: Mapping[str, str], now_ms: int) -> int | None:
    """What retry-after-ms or Retry-After (seconds or a date) asks for; None when absent or unreadable."""
    exact = _number(headers.get("retry-after-ms"))
    if exact is not None:
        return round(exact)
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None:
        return round(seconds * 1000)
    if value is None:
        return None
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0, round(at.timestamp() * 1000) - now_ms)


def _number(value: str | None) -> float | None:
    """A plain decimal number of at most nine characters; float() alone takes nan, 1e9 and Arabic digits."""
    if value is None or len(value) > 9 or not value.isascii() or not value.replace(".", "", 1).isdigit():
        return None
    return float(value)


def _words(body: bytes) -> tuple[str, str | None]:
    """The message and the parameter in the error shapes that model servers use."""
    try:
        document: Any = jsonio.loads(body)
    except jsonio.JsonError:
        return "", None
    if isinstance(document, dict) and isinstance(document.get("response"), dict):
        document = document["response"]  # an event of the Responses API
    error = document.get("error", document) if isinstance(document, dict) else None
    if isinstance(error, str):
        return error, None
    if not isinstance(error, dict):
        return "", None
    message = next((error[key] for key in ("message", "detail") if isinstance(error.get(key), str)), "")
    param = error.get("param")
    known = isinstance(param, str) and 0 < len(param) <= _MAX_PARAM and scrub(param) == param
    return message, param if known else None
