import json

import pytest

from gateway.core import reasons
from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.faults import from_answer, from_failure, retry_after_ms

NOW = 1_800_000_000_000


def refuse(status, body=b"", **headers):
    return from_answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, NOW)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (UpstreamFailed("connect", "x", sent=False), reasons.UPSTREAM_UNAVAILABLE),
        (UpstreamFailed("connect", "x", sent=False, timeout=True), reasons.UPSTREAM_UNAVAILABLE),
        (UpstreamFailed("first_byte", "x", timeout=True), reasons.UPSTREAM_TIMEOUT),
        (UpstreamFailed("body", "x", timeout=True), reasons.UPSTREAM_TIMEOUT),
        (UpstreamFailed("body", "x"), reasons.UPSTREAM_ERROR),
        (UpstreamFailed("send", "x"), reasons.UPSTREAM_ERROR),
    ],
)
def test_failures(failure, reason):
    assert from_failure(failure).reason is reason


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (301, reasons.UPSTREAM_ERROR),
        (400, reasons.UPSTREAM_REJECTED),
        (401, reasons.UPSTREAM_CREDENTIALS),
        (402, reasons.UPSTREAM_ERROR),
        (403, reasons.UPSTREAM_CREDENTIALS),
        (404, reasons.UPSTREAM_REJECTED),
        (405, reasons.UPSTREAM_ERROR),
        (408, reasons.UPSTREAM_TIMEOUT),
        (413, reasons.UPSTREAM_REJECTED),
        (418, reasons.UPSTREAM_ERROR),
        (422, reasons.UPSTREAM_REJECTED),
        (429, reasons.UPSTREAM_BUSY),
        (500, reasons.UPSTREAM_ERROR),
        (502, reasons.UPSTREAM_ERROR),
        (503, reasons.UPSTREAM_BUSY),
        (504, reasons.UPSTREAM_TIMEOUT),
        (529, reasons.UPSTREAM_BUSY),
    ],
)
def test_statuses(status, reason):
    leak = b'{"error":{"message":"key sk-leak-12345678 at http://10.0.0.1"}}'
    refusal = refuse(status, leak)
    assert refusal.reason is reason
    assert refusal.status == (status if reason is reasons.UPSTREAM_REJECTED else None)
    assert (refusal.retry_after_ms is not None) == (reason is reasons.UPSTREAM_BUSY)
    assert "leak" not in refusal.message
    assert "10.0.0.1" not in refusal.message


@pytest.mark.parametrize(
    ("document", "message", "param"),
    [
        ({"error": {"message": "too long", "param": "messages"}}, "too long", "messages"),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}}, "bad", None),
        ({"object": "error", "message": "flat", "param": None}, "flat", None),
        ({"detail": "Not Found"}, "Not Found", None),
        ({"error": "plain"}, "plain", None),
        ({"error": {"message": "m", "param": "http://10.0.0.1/x"}}, "m", None),
        ({"error": {"message": "m", "param": 7}}, "m", None),
        ({"error": {"message": "m", "param": "p" * 65}}, "m", None),
    ],
)
def test_the_upstreams_words(document, message, param):
    refusal = refuse(400, json.dumps(document).encode())
    assert (refusal.message, refusal.param) == (message, param)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"7", b'{"error":7}', b'{"error":{}}', b'{"detail":[1]}', b"\xff"]
)
def test_without_usable_words_we_use_our_own(body):
    refusal = refuse(422, body)
    assert "no usable reason" in refusal.message
    assert refusal.status == 422


def test_names_of_ours_are_hidden():
    body = b'{"error":{"message":"model int-7b does not exist"}}'
    assert from_answer(404, {}, body, NOW, {"int-7b": "small"}).message == "model small does not exist"


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"retry-after": "7"}, 7000),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1500),
        ({"retry-after-ms": "250", "retry-after": "7"}, 250),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7000),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:10 GMT"}, 10_000),
        ({"retry-after": "Fri, 15 Jan 2021 08:00:10 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "1" * 40}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, waits):
    assert retry_after_ms(headers, NOW) == waits


def test_a_busy_upstreams_wait_has_a_default_and_a_bound():
    assert refuse(429).retry_after_ms == 1000
    assert refuse(429, retry_after="30").retry_after_ms == 30_000
    assert refuse(503, retry_after="86400").retry_after_ms == 60_000
