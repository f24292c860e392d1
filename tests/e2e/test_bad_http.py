"""Requests that are ambiguous, broken or too much, as raw bytes: one clear 4xx, closed, nothing of it forwarded.

Wherever it could matter, a good request (the "smuggled" one) follows on the same connection: if the gateway and a
hostile client disagree about where a request ends, it is the one that would be processed.
"""

import base64
import concurrent.futures
import gzip
import json
import os

import pytest

from tests.support.bad_http import (
    AMBIGUOUS_FRAMING,
    BODY,
    BROKEN_HEADS,
    CL,
    HARMLESS_FRAMING,
    IN_THE_LINE,
    JSON,
    PATHS,
    TE,
    TOO_MUCH,
    armed,
    crafter,
)  # fmt: skip
from tests.support.rawhttp import CHAT, MESSAGES, Closed, Raw, chat_body, error_of, request
from tests.support.recording import recording
from tests.support.running import running
from tests.support.vectors import http_requests, needs_vectors

LIMIT = 80 << 20
SETTINGS = {
    "timers": {"head_s": 2, "keepalive_s": 2, "body_s": 2, "drain_s": 1},
    "limits": {
        "body_bytes": LIMIT,
        "inflight_body_bytes": 2 * LIMIT,
        "inflight_body_bytes_per_account": LIMIT,
        "head_bytes": 32768,
        "headers": 100,
    },
}


@pytest.fixture(scope="module")
def upstream():
    with recording() as one:
        yield one


@pytest.fixture(scope="module")
def gateway(upstream, tmp_path_factory):
    with running(tmp_path_factory.mktemp("gateway"), upstream=upstream.url + "/v1", settings=SETTINGS) as one:
        yield one


@pytest.fixture(scope="module")
def key(gateway):
    return gateway.keys["acme"]


@pytest.fixture
def connect(gateway):
    return lambda: Raw(gateway.gateway.data_port)


@pytest.fixture(autouse=True)
def still_healthy(gateway, upstream):
    yield
    assert not [body for body in upstream.bodies() if b"smuggled" in body]
    with Raw(gateway.gateway.data_port) as raw:
        raw.send(request(CHAT, BODY, key=gateway.keys["acme"]))
        assert raw.answer().status == 200


@pytest.fixture(scope="module")
def post(key):
    return crafter(key)


@pytest.fixture(scope="module")
def smuggled(key):
    return request(CHAT, chat_body("smuggled"), key=key)


@pytest.fixture
def refuse(connect, upstream, smuggled):
    """Send bytes and a smuggled request behind them; one refusal must come, then the end, and nothing be forwarded."""

    def call(data, status=400, code="invalid_request"):
        before = upstream.count()
        with connect() as raw:
            raw.send(data + smuggled)
            answer = raw.answer()
            assert answer.status == status, answer
            assert error_of(answer)["code"] == code, answer
            assert raw.closed(), "something came after the refusal"
        with connect() as raw:
            raw.send(data)  # alone, so that nothing behind it is what is refused
            assert [error_of(answer)["code"] for answer in raw.answers()] == [code]
        assert upstream.count() == before
        return answer

    return call


@pytest.mark.parametrize(("lines", "body"), AMBIGUOUS_FRAMING.values(), ids=AMBIGUOUS_FRAMING)
def test_ambiguous_framing_is_refused_and_closed(refuse, post, lines, body):
    refuse(post(*lines, body=body))


@pytest.mark.parametrize("tail", [b"zz\r\nhello\r\n", b"-1\r\n", b"5\r\nhelloXX", b"0\r\nbad trailer\r\n\r\n"])
def test_a_chunk_that_breaks_later_is_refused_at_once(connect, upstream, post, smuggled, tail):
    """The head is accepted and its handler waits for the body when the framing breaks."""
    before = upstream.count()
    with connect() as raw:
        raw.send(post(TE, b"Expect: 100-continue", body=b""))
        assert raw.answer().status == 100
        raw.send(tail + smuggled)
        assert error_of(raw.answer())["code"] == "invalid_request"
        assert raw.closed()
    assert upstream.count() == before


def test_a_length_that_fits_no_limit_is_too_large(connect, upstream, post):
    before = upstream.count()
    for length in (LIMIT + 1, 2**63, 2**64 - 1):
        with connect() as raw:
            raw.send(post(b"Content-Length: %d" % length, body=b""))
            assert error_of(raw.answer())["code"] == "body_too_large"
            raw.half_close()
            assert raw.closed()
    assert upstream.count() == before


def test_a_chunk_larger_than_any_memory_is_not_waited_for(connect, upstream, post):
    before = upstream.count()
    with connect() as raw:
        raw.send(post(TE, body=b"ffffffffffffffff\r\n" + BODY))
        answer = raw.answer()
        assert (answer.status, error_of(answer)["code"]) == (408, "request_timeout")
    assert upstream.count() == before


@pytest.mark.parametrize(("lines", "body"), HARMLESS_FRAMING.values(), ids=HARMLESS_FRAMING)
def test_unusual_but_clear_framing_arrives_as_one_canonical_request(connect, upstream, post, lines, body):
    before = upstream.count()
    with connect() as raw:
        raw.send(post(*lines, body=body) + request("/v1/models", method=b"GET"))
        assert raw.answer().status == 200
        assert raw.answer().status == 401  # the next request was found where it begins
    assert upstream.count() == before + 1
    head = upstream.heads()[-1].lower()
    assert b"content-length: %d\r\n" % len(upstream.bodies()[-1]) in head
    for name in (b"transfer-encoding", b"content_length", b"x-org-id", b"expect", b"trailer"):
        assert name not in head
    assert json.loads(upstream.bodies()[-1])["messages"] == json.loads(BODY)["messages"]


@pytest.mark.parametrize("make", BROKEN_HEADS.values(), ids=BROKEN_HEADS)
def test_a_broken_head_is_refused_and_closed(refuse, post, make):
    refuse(make(post))


def test_the_one_other_protocol_the_parser_knows_is_read_as_http_1_0(connect, upstream, post):
    """llhttp takes POST in RTSP's name for the sake of AirPlay and does not tell: framing and routes stay ours."""
    before = upstream.count()
    with connect() as raw:
        raw.send(post(CL, version=b"RTSP/1.0"))
        assert raw.answer().status == 200
        assert raw.closed()
    assert upstream.count() == before + 1
    assert upstream.heads()[-1].startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "lines",
    [
        (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: eA=="),
        (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
        (b"Connection: upgrade", b"Upgrade: TLS/1.0"),
        (b"Connection: keep-alive", b"Upgrade: websocket"),
        (b"Upgrade: websocket",),
    ],
)
def test_an_upgrade_is_refused_and_what_follows_it_is_nothing(refuse, post, lines):
    refuse(post(CL, *lines), code="upgrade_refused")


@pytest.mark.parametrize("make", TOO_MUCH.values(), ids=TOO_MUCH)
def test_a_head_over_a_limit_is_refused(refuse, post, make):
    refuse(make(post), 431, "headers_too_large")


UNFINISHED = {
    "finish: It should be unsafe to finish after incomplete PUT request",
    "finish: It should be unsafe to finish inside of the header",
}
"""These end before their head does: there is nothing to answer, the connection just closes."""


@needs_vectors
def test_every_published_request_leaves_no_doubt(connect, upstream, smuggled, key):
    """As published, and once more with a host, a key and a route that is served, so that only framing is left."""

    def ask(case):
        with connect() as raw:
            raw.send(case.data + (smuggled if case.error else b""))
            return case, raw.answers()

    vectors = http_requests()
    cases = vectors + [
        one._replace(name="armed " + one.name, data=armed(one.data, key))
        for one in vectors
        if one.error not in IN_THE_LINE
    ]
    before = upstream.count()
    with concurrent.futures.ThreadPoolExecutor(48) as pool:
        results = list(pool.map(ask, cases))
    assert len(vectors) > 150
    for case, answers in results:
        assert [answer for answer in answers if not 400 <= answer.status < 500] == [], case
        for answer in answers:
            error_of(answer)
    several = {case.name for case, answers in results if case.error and len(answers) != 1}
    assert several == set()
    silent = {case.name.removeprefix("armed ") for case, answers in results if not answers}
    assert silent == UNFINISHED
    assert upstream.count() == before


def test_only_exact_paths_are_served(connect, upstream, post):
    before = upstream.count()
    with connect() as raw:
        for path in PATHS:
            raw.send(post(CL, target=path.encode()))
            answer = raw.answer()
            assert answer.status in (404, 405), (path, answer)
            error_of(answer)
    assert upstream.count() == before


@pytest.mark.parametrize("method", [b"GET", b"PUT", b"PATCH", b"DELETE", b"TRACE", b"OPTIONS", b"PROPFIND", b"CONNECT"])
def test_another_method_is_405_and_says_which_is_served(connect, upstream, post, method):
    before = upstream.count()
    with connect() as raw:
        raw.send(post(CL, method=method))
        answer = raw.answer()
        assert error_of(answer)["code"] == "method_not_allowed"
        assert answer.status == 405
        assert answer.header("allow") == "POST"
        if method == b"CONNECT":
            assert raw.closed()
    assert upstream.count() == before


def test_a_head_request_gets_no_body(connect, post):
    with connect() as raw:
        raw.send(post(method=b"HEAD", target=b"/v1/models", body=b""))
        assert raw.answer(bodiless=True).status == 405
        raw.send(post(CL))
        assert raw.answer().status == 200


def test_a_method_override_overrides_nothing(connect, upstream, post):
    before = upstream.count()
    with connect() as raw:
        raw.send(post(b"X-HTTP-Method-Override: POST", method=b"GET", body=b""))
        assert raw.answer().status == 405
    assert upstream.count() == before


def test_the_query_is_dropped(connect, upstream, post, key):
    with connect() as raw:
        raw.send(post(CL, target=CHAT.encode() + b"?key=abc&model=sim-large&api-version=1&x=%0d%0aA:b"))
        assert raw.answer().status == 200
        assert upstream.heads()[-1].startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
        target = CHAT.encode() + b"?api_key=" + key.encode()
        raw.send(post(CL, b"Host: gateway.test", JSON, target=target, usual=False))
        assert raw.answer().status == 401


MEDIA_TYPES = [
    None, b"", b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x",
    b"text/plain; application/json", b"application/jsonx", b"application/json, text/plain", b"application/json+x",
    b"text/json", b"application/json; charset=utf-16", b"application/json; charset=latin-1", b"json", b"*/*",
]  # fmt: skip


def test_only_json_by_its_name_is_read(connect, upstream, post):
    before = upstream.count()
    with connect() as raw:
        for media_type in MEDIA_TYPES:
            line = b"" if media_type is None else b"Content-Type: " + media_type + b"\r\n"
            raw.send(post(CL).replace(JSON + b"\r\n", line))
            answer = raw.answer()
            assert answer.status == 415, (media_type, answer)
            error_of(answer)
    assert upstream.count() == before


@pytest.mark.parametrize(
    "media_type", [b"Application/JSON", b'application/json; charset="UTF-8"', b"application/json;"]
)
def test_json_by_any_of_its_spellings_is_read(connect, post, media_type):
    with connect() as raw:
        raw.send(post(CL).replace(JSON, b"Content-Type: " + media_type))
        assert raw.answer().status == 200


@pytest.mark.parametrize("coding", [b"gzip", b"GZIP", b"deflate", b"br", b"zstd", b"x-gzip", b"gzip, identity", b""])
def test_a_compressed_body_is_refused_unopened(connect, upstream, post, coding):
    before = upstream.count()
    bomb = gzip.compress(b"0" * (8 << 20))
    with connect() as raw:
        raw.send(post(b"Content-Length: %d" % len(bomb), b"Content-Encoding: " + coding, body=bomb))
        answer = raw.answer()
        assert (answer.status, error_of(answer)["code"]) == (415, "unsupported_encoding")
    assert upstream.count() == before


def test_conflicting_credentials_are_refused(connect, upstream, gateway, post, key):
    before = upstream.count()
    with connect() as raw:
        for other in (b"x", gateway.keys["ada"].encode(), key.encode()[:-1]):
            raw.send(post(CL, b"x-api-key: " + other))
            answer = raw.answer()
            assert error_of(answer)["code"] == "conflicting_credentials"
            assert other not in answer.body or other == b"x"
        raw.send(post(CL, b"x-api-key: " + key.encode()))
        assert raw.answer().status == 200
    assert upstream.count() == before + 1


BAD_KEYS = [
    b"", b"Bearer", b"Bearer ", b"Bearer x", b"Basic YTpi", b"bearer\tx", b"Bearer \xff\xfe", b"Bearer sk-ex-",
    b"Bearer sk-ex-%s_%s" % (b"a" * 12, b"b" * 27), b"Bearer " + b"a" * 8000, b"Bearer ' OR 1=1 --",
    b"Bearer ${jndi:x}", b"Bearer sk-adm-x", b"Digest x", b"Bearer \xd9\xa1",
]  # fmt: skip


def test_a_bad_key_is_401_in_both_dialects(connect, upstream):
    before = upstream.count()
    with connect() as raw:
        for value in BAD_KEYS:
            for path, dialect in ((CHAT, "openai"), (MESSAGES, "anthropic")):
                raw.send(request(path, BODY, headers=(b"Authorization: " + value,)))
                answer = raw.answer()
                assert answer.status == 401, (value, answer)
                assert error_of(answer, dialect)["code"] == "invalid_api_key"
                assert answer.header("x-should-retry") in (None, "false")
    assert upstream.count() == before


def test_expect_100_continue_is_answered_before_the_body(connect, post):
    with connect() as raw:
        raw.send(post(CL, b"Expect: 100-Continue", body=b""))
        assert raw.answer().status == 100
        raw.send(BODY)
        assert raw.answer().status == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda head: head.replace(b"Bearer sk", b"Bearer no"), 401),
        (lambda head: head.replace(CL, b"Content-Length: %d" % (LIMIT + 1)), 413),
        (lambda head: head.replace(JSON, b"Content-Type: text/plain"), 415),
        (lambda head: head.replace(b"/v1/chat", b"/v1/chut"), 404),
    ],
)
def test_a_body_that_is_not_wanted_is_not_asked_for(connect, upstream, post, change, status):
    before = upstream.count()
    with connect() as raw:
        raw.send(change(post(CL, b"Expect: 100-continue", body=b"")))
        answer = raw.answer()
        assert answer.status == status
        assert answer.header("connection") == "close"
        error_of(answer)
        raw.half_close()
        assert raw.closed()
    assert upstream.count() == before


def test_a_refusal_with_its_body_unread_closes(connect, upstream, post, smuggled):
    """The length is over the limit and the "body" holds a request: it must stay a body."""
    before = upstream.count()
    with connect() as raw:
        raw.send(post(b"Content-Length: %d" % (LIMIT + 1), body=b"") + smuggled)
        assert error_of(raw.answer())["code"] == "body_too_large"
        raw.half_close()
        assert raw.closed()
    assert upstream.count() == before


def test_a_chunked_body_over_the_limit_is_stopped_on_the_way(connect, upstream, post):
    before = upstream.count()
    piece = b"%x\r\n%s\r\n" % (1 << 20, b"x" * (1 << 20))
    with connect() as raw:
        raw.send(post(TE, body=b""))
        for _ in range((LIMIT >> 20) + 1):
            if not raw.send(piece):
                break
        answer = raw.answer()
        assert (answer.status, error_of(answer)["code"]) == (413, "body_too_large")
        raw.half_close()
        assert raw.closed()
    assert upstream.count() == before


def test_fifty_megabytes_of_images_pass(connect, upstream, post):
    image = base64.b64encode(os.urandom(3 << 20)).decode()
    parts = [{"type": "image_url", "image_url": {"url": "data:image/png;base64," + image}} for _ in range(13)]
    body = json.dumps({"model": "sim-small", "messages": [{"role": "user", "content": parts}]}).encode()
    assert len(body) > 50 << 20
    with connect() as raw:
        raw.send(post(b"Content-Length: %d" % len(body), body=body))
        assert raw.answer().status == 200
    assert len(upstream.bodies()[-1]) > 50 << 20
    assert upstream.bodies()[-1].count(image[:64].encode()) == 13


def test_the_memory_of_bodies_is_given_back(gateway):
    gateway.settled()
    assert b"gateway_inflight_body_bytes 0" in gateway.call(_metrics(gateway))


async def _metrics(gateway):
    return gateway.runtime.metrics.render()


def test_a_spoofed_address_changes_nothing(connect, upstream, post):
    lines = (b"X-Forwarded-For: 10.1.2.3", b"Forwarded: for=10.1.2.3", b"X-Real-IP: 10.1.2.3", b"X_Org_Id: boss")
    with connect() as raw:
        raw.send(post(CL, *lines, b"X-Org-Id: boss", b"Cookie: a=b", b"OpenAI-Organization: o", b"Via: 1.1 x"))
        assert raw.answer().status == 200
    head = upstream.heads()[-1].lower()
    for word in (b"10.1.2.3", b"boss", b"cookie", b"openai-organization", b"via", b"forwarded"):
        assert word not in head


NAUGHTY = [
    "x\r\nSet-Cookie: a=b", "x\nSet-Cookie: a=b", "x\u2028y", "\x00", "\x1b[31mred", "\u202eright", "../../etc/passwd",
    "<script>alert(1)</script>", "'; DROP TABLE keys; --", "${jndi:ldap://x}", "{{7*7}}", "%s%n", '"}],"x":[{"', "\\",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "zalgo\u0300\u0301\u0302", "\ufeff", "a" * 256, "null", "true", "NaN", "sim-small\u200b", "ＳＩＭ-small",
    "http://169.254.169.254/latest", "sim-small\x7f", "é" * 200,
]  # fmt: skip


def test_naughty_names_are_reflected_as_text_only(connect, upstream, key):
    before = upstream.count()
    with connect() as raw:
        for name in NAUGHTY:
            for path, dialect in ((CHAT, "openai"), (MESSAGES, "anthropic")):
                hello = [{"role": "user", "content": "x"}]
                bodies = (
                    {"model": name, "messages": hello, "max_tokens": 5},
                    {"model": "sim-small", "messages": hello, "max_tokens": 5, name: 1},
                    {"model": "sim-small", "messages": hello, "max_tokens": 5, "metadata": 5, name: name},
                )
                for body in bodies:
                    raw.send(request(path, json.dumps(body).encode(), key=key))
                    answer = raw.answer()
                    assert 400 <= answer.status < 500, (name, answer)
                    error_of(answer, dialect)
                    assert answer.header("set-cookie") is None
                    assert all(32 <= ord(letter) < 127 for _, value in answer.headers for letter in value)
    assert upstream.count() == before


def test_naughty_request_ids_are_replaced(connect, post):
    ids = [
        b"a b",
        b"a,b",
        b"a" * 65,
        b"<x>",
        b"\xff\xfe",
        "é".encode(),
        b"a;b",
        b"${x}",
        b"a/b",
        b"a:b",
        b'"a"',
        b"a\tb",
    ]
    with connect() as raw:
        for one in ids:
            raw.send(post(CL, b"X-Request-Id: " + one))
            answer = raw.answer()
            assert answer.status == 200
            assert answer.header("x-request-id").startswith("req-")
            assert answer.header("request-id") == answer.header("x-request-id")
        raw.send(post(CL, b"X-Request-Id: my-own_id.1"))
        answer = raw.answer()
        assert answer.header("x-request-id") == "my-own_id.1"
        assert answer.header("x-gateway-decision-id").startswith("req-")


def test_naughty_model_names_in_the_path_are_not_found(connect, post):
    with connect() as raw:
        for name in (
            b"..",
            b"%2e%2e",
            b"%0d%0aSet-Cookie:a=b",
            b"%00",
            b"%ff%fe",
            b"%",
            b"%zz",
            b"sim-small/x",
            b"%F0%9F",
        ):
            raw.send(post(target=b"/v1/models/" + name, method=b"GET", body=b""))
            answer = raw.answer()
            assert answer.status == 404, (name, answer)
            error_of(answer)


def test_pipelined_requests_are_answered_in_order(connect, upstream, post):
    before = upstream.count()
    with connect() as raw:
        raw.send(post(CL) + post(CL, target=b"/nowhere") + post(CL, body=BODY[:-1] + b" "))
        assert [raw.answer().status for _ in range(3)] == [200, 404, 400]
    assert upstream.count() == before + 1


def test_garbage_behind_a_good_request_does_not_cost_it_its_answer(connect, post):
    with connect() as raw:
        raw.send(post(CL))
        assert raw.answer().status == 200
        raw.send(b"\0\1\2\3\r\n\r\n")
        assert raw.answer().status == 400
        assert raw.closed()


def test_a_cut_request_is_never_forwarded(connect, upstream, post):
    before = upstream.count()
    whole = post(CL)
    for end in [*range(1, len(whole), 7), len(whole) - 1]:
        with connect() as raw:
            raw.send(whole[:end])
            raw.half_close()
            with pytest.raises(Closed):
                raw.answer()
    assert upstream.count() == before


@pytest.mark.parametrize("plane", ["ops_port", "admin_port"])
@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET http://evil/ HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    ],
)
def test_the_other_listeners_have_the_same_door(gateway, plane, data):
    with Raw(getattr(gateway.gateway, plane)) as raw:
        raw.send(data + b"\r\n\r\n")
        answer = raw.answer()
        assert answer.status in (400, 431)
        error_of(answer)
        assert raw.closed()
