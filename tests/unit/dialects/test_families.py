"""Refusals as callers see them: status, retry headers and body, for every reason there is."""

import json
from pathlib import Path

import anthropic
import httpx2
import openai
import pytest

from gateway.core import reasons
from gateway.core.reasons import REASONS, Kind
from gateway.core.refusal import Refusal
from gateway.dialects import ANTHROPIC, FAMILIES, OPENAI
from gateway.dialects.base import LimitAdvice
from gateway.dialects.openai_family import duration

GOLDEN = Path(__file__).parents[2] / "golden" / "dialects" / "refusals.json"


def sample(reason):
    """A refusal with every part filled in that its kind may have."""
    wait = 1500 if reason.kind in (Kind.THROTTLED, Kind.OVERLOADED) else None
    details = {"policy": "free", "limit": 100, "unit": "output_tokens"} if reason.kind is Kind.THROTTLED else {}
    param = "temperature" if reason is reasons.INVALID_FIELD else None
    return Refusal(reason, f"A sentence about {reason.code}.", param, wait, details)


def shown(family):
    out = {}
    for reason in REASONS:
        wire = family.refuse(sample(reason), "req_1")
        out[reason.code] = {"status": wire.status, "headers": dict(wire.headers), "body": json.loads(wire.body)}
    return out


def test_refusals_are_worded_as_recorded():
    now = {family.name: shown(family) for family in FAMILIES}
    assert now == json.loads(GOLDEN.read_text())


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_kind_has_words(family):
    for kind in Kind:
        wire = family.refuse(Refusal(reasons.Reason("x", kind, ""), "m"), "r")
        assert 400 <= wire.status < 600
        assert json.loads(wire.body)["error"]["message"] == "m"


def headers(reason, wait, family=OPENAI):
    return dict(family.refuse(Refusal(reason, "m", retry_after_ms=wait), "r").headers)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize(
    ("reason", "wait", "should", "after"),
    [
        (reasons.RATE_LIMIT_EXCEEDED, 1, "true", ("1", "1")),
        (reasons.RATE_LIMIT_EXCEEDED, 60_000, "true", ("60", "60000")),
        (reasons.RATE_LIMIT_EXCEEDED, 60_001, "false", None),
        (reasons.RATE_LIMIT_EXCEEDED, None, "false", None),
        (reasons.CONCURRENCY_LIMIT_EXCEEDED, 1001, "true", ("2", "1001")),
        (reasons.INSUFFICIENT_QUOTA, 5_000, "false", ("5", "5000")),
        (reasons.INSUFFICIENT_QUOTA, 86_400_000, "false", None),
        (reasons.OVERLOADED, None, "true", None),
        (reasons.UPSTREAM_BUSY, 2_000, "true", ("2", "2000")),
        (reasons.UPSTREAM_BUSY, 90_000, "false", None),
        (reasons.UPSTREAM_ERROR, None, "true", None),
        (reasons.UPSTREAM_TIMEOUT, None, "true", None),
        (reasons.INTERNAL_ERROR, None, "true", None),
        (reasons.POLICY_DENIED, None, "false", None),
        (reasons.INVALID_API_KEY, None, "false", None),
        (reasons.REQUEST_TIMEOUT, None, "false", None),
        (reasons.UPSTREAM_REJECTED, None, "false", None),
    ],
)
def test_retry_headers(family, reason, wait, should, after):
    got = headers(reason, wait, family)
    assert got["x-should-retry"] == should
    assert (got.get("retry-after"), got.get("retry-after-ms")) == (after or (None, None))


@pytest.mark.parametrize(("given", "shown"), [(404, 404), (422, 422), (None, 400), (500, 400), (302, 400)])
def test_a_rejected_request_keeps_the_upstreams_status(given, shown):
    for family in FAMILIES:
        assert family.refuse(Refusal(reasons.UPSTREAM_REJECTED, "m", status=given), "r").status == shown


def test_details_cannot_replace_the_anthropic_error_code():
    wire = ANTHROPIC.refuse(Refusal(reasons.POLICY_DENIED, "m", details={"error_code": "other"}), "r")
    assert json.loads(wire.body)["error"]["details"]["error_code"] == "policy_denied"


OPENAI_ERRORS = {
    400: openai.BadRequestError, 401: openai.AuthenticationError, 403: openai.PermissionDeniedError,
    404: openai.NotFoundError, 422: openai.UnprocessableEntityError, 429: openai.RateLimitError,
    500: openai.InternalServerError, 502: openai.InternalServerError, 503: openai.InternalServerError,
    504: openai.InternalServerError,
}  # fmt: skip


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.code)
def test_the_openai_client_reads_code_and_message(reason):
    wire = OPENAI.refuse(sample(reason), "req_1")
    error = openai_error(wire)
    assert isinstance(error, OPENAI_ERRORS.get(wire.status, openai.APIStatusError))
    assert error.code == reason.code
    assert isinstance(error.type, str)
    assert error.param is None or isinstance(error.param, str)
    assert error.body["message"] == f"A sentence about {reason.code}."


def openai_error(wire):
    with openai.OpenAI(api_key="k", base_url="http://x.invalid/v1", max_retries=0) as client:
        return client._make_status_error_from_response(response_of(wire))


def response_of(wire):
    request = httpx2.Request("POST", "http://x.invalid/v1/chat/completions")
    return httpx2.Response(wire.status, headers=wire.headers, content=wire.body, request=request)


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.code)
def test_the_anthropic_client_reads_type_and_code(reason):
    wire = ANTHROPIC.refuse(sample(reason), "req_1")
    with anthropic.Anthropic(api_key="k", base_url="http://x.invalid", max_retries=0) as client:
        error = client._make_status_error_from_response(response_of(wire))
    assert error.status_code == wire.status
    assert error.body["error"]["details"]["error_code"] == reason.code
    assert error.body["request_id"] == "req_1"
    if wire.status == 529:
        assert error.body["error"]["type"] == "overloaded_error"


def test_stream_errors_are_one_event_each():
    refusal = Refusal(reasons.UPSTREAM_ERROR, 'broken "pipe"\n\ndata: x')
    told = OPENAI.stream_error(refusal, "r")
    assert told.count(b"\n\n") == 1
    assert told.startswith(b"data: ")
    assert json.loads(told[6:])["error"]["code"] == "upstream_error"
    told = ANTHROPIC.stream_error(refusal, "r")
    assert told.startswith(b"event: error\ndata: ")
    assert told.count(b"\n\n") == 1
    assert json.loads(told.split(b"data: ", 1)[1])["error"]["type"] == "api_error"


LIMITS = [
    LimitAdvice("requests", 60, 12, 1_001),
    LimitAdvice("requests", 1000, 900, 5),
    LimitAdvice("tokens", 9000, -4, 61_000),
    LimitAdvice("output-tokens", 500, 7, 10),
]


def test_openai_advice_shows_the_closest_limit_and_never_a_negative():
    assert OPENAI.advice(LIMITS, 0) == [
        ("x-ratelimit-limit-requests", "60"),
        ("x-ratelimit-remaining-requests", "12"),
        ("x-ratelimit-reset-requests", "2s"),
        ("x-ratelimit-limit-tokens", "9000"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "1m1s"),
    ]


def test_anthropic_advice_has_times_rounded_up():
    got = dict(ANTHROPIC.advice(LIMITS, 1_800_000_000_001))
    assert got["anthropic-ratelimit-requests-reset"] == "2027-01-15T08:00:02Z"
    assert got["anthropic-ratelimit-tokens-remaining"] == "0"
    assert got["anthropic-ratelimit-output-tokens-limit"] == "500"
    assert "anthropic-ratelimit-input-tokens-limit" not in got


@pytest.mark.parametrize(
    ("wait", "text"),
    [(-5, "0ms"), (0, "0ms"), (12, "12ms"), (999, "999ms"), (1000, "1s"), (8_001, "9s"), (360_000, "6m0s"),
     (3_600_000, "1h0m0s"), (90_061_000, "25h1m1s")],
)  # fmt: skip
def test_durations_never_fall_short(wait, text):
    assert duration(wait) == text


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_an_error_is_written_whatever_is_in_it(family):
    odd = Refusal(reasons.RATE_LIMIT_EXCEEDED, "No.", details={"share": float("nan")})
    assert b'"share":null' in family.refuse(odd, "r-1").body
