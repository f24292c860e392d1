"""What is refused on a request's head alone."""

import pytest
from aiohttp import HttpVersion
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from gateway.core import reasons
from gateway.server.guards import check_body_head, check_head

JSON = ("Content-Type", "application/json")


def head(*lines, target="/v1/chat/completions", version=(1, 1), host=True):
    headers = CIMultiDict([("Host", "gateway.test")] if host else [])
    for name, value in lines:
        headers.add(name, value)
    return make_mocked_request("POST", target, headers=headers, version=HttpVersion(*version))


@pytest.mark.parametrize(
    "lines",
    [
        (), (("Connection", "keep-alive"),), (("Connection", "close, TE"), ("TE", "trailers")),
        (("Transfer-Encoding", "chunked"),), (("Content-Length", "5"),), (("X-Thing", "a"), ("X-Thing", "b")),
    ],
)  # fmt: skip
def test_sane_heads_pass(lines):
    assert check_head(head(*lines), 8192) is None


@pytest.mark.parametrize(
    "lines",
    [
        (("Content-Length", "5"), ("Content-Length", "5")),
        (("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")),
        (("Transfer-Encoding", "chunked"), ("Content-Length", "5")),
        (("Transfer-Encoding", "gzip, chunked"),),
        (("Transfer-Encoding", "identity"),),
        (("Authorization", "Bearer a"), ("Authorization", "Bearer b")),
        (("X-Api-Key", "a"), ("X-Api-Key", "a")),
        (("Content-Type", "application/json"), ("Content-Type", "text/plain")),
        (("Host", "second.test"),),
        (("Connection", "close, Authorization"),),
        (("Connection", "content-length"),),
    ],
)
def test_ambiguous_heads_are_refused(lines):
    assert check_head(head(*lines), 8192).reason is reasons.INVALID_REQUEST


@pytest.mark.parametrize("host", ["a b", "a,b", "user@gateway.test", "gateway.test/path", "a?b", "a#b", "a\\b"])
def test_odd_hosts_are_refused(host):
    assert check_head(head(("Host", host), host=False), 8192).reason is reasons.INVALID_REQUEST


@pytest.mark.parametrize("host", ["gateway.test", "gateway.test:8080", "127.0.0.1:8080", "[::1]:8080", ""])
def test_plain_hosts_pass(host):
    assert check_head(head(("Host", host), host=False), 8192) is None


def test_only_http_1_0_may_leave_out_the_host():
    assert check_head(head(host=False), 8192).reason is reasons.INVALID_REQUEST
    assert check_head(head(host=False, version=(1, 0)), 8192) is None


@pytest.mark.parametrize("version", [(0, 9), (1, 2), (2, 0), (3, 0)])
def test_other_versions_are_refused_in_one_that_can_be_read(version):
    request = head(version=version)
    assert check_head(request, 8192).reason is reasons.INVALID_REQUEST
    assert request.version == HttpVersion(1, 1)


@pytest.mark.parametrize("target", ["http://other.test/v1/models", "*", "other.test:443"])
def test_only_paths_are_targets(target):
    assert check_head(head(target=target), 8192).reason is reasons.INVALID_REQUEST


@pytest.mark.parametrize(
    "lines",
    [
        (("Connection", "Upgrade"), ("Upgrade", "websocket")),
        (("Connection", "upgrade"),),
        (("Upgrade", "h2c"),),
        (("Connection", "keep-alive"), ("Upgrade", "h2c")),
        (("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AA")),
    ],
)
def test_upgrades_are_refused_with_their_own_reason(lines):
    assert check_head(head(*lines), 8192).reason is reasons.UPGRADE_REFUSED


def test_the_size_of_all_headers_is_bounded():
    one = head(("X", "a" * 100))
    size = len("Host") + len("gateway.test") + 4 + len("X") + 100 + 4
    assert check_head(one, size) is None
    refusal = check_head(one, size - 1)
    assert refusal.reason is reasons.HEADERS_TOO_LARGE
    assert str(size - 1) in refusal.message


def announced(*lines):
    request = head(*lines)
    return check_body_head(request.headers, request.content_length, 100)


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        'application/json;charset="UTF8"',
        "application/json ;x=y",
        "application/json; charset=utf-8; x=y",
    ],
)
def test_json_in_utf_8_is_taken(kind):
    assert announced(("Content-Type", kind)) is None


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), reasons.UNSUPPORTED_MEDIA_TYPE),
        ((("Content-Type", "text/plain"),), reasons.UNSUPPORTED_MEDIA_TYPE),
        ((("Content-Type", "application/json-seq"),), reasons.UNSUPPORTED_MEDIA_TYPE),
        ((("Content-Type", "application/json; charset=latin-1"),), reasons.UNSUPPORTED_MEDIA_TYPE),
        ((JSON, ("Content-Encoding", "gzip")), reasons.UNSUPPORTED_ENCODING),
        ((JSON, ("Content-Length", "101")), reasons.BODY_TOO_LARGE),
        ((JSON, ("Expect", "200-ok")), reasons.INVALID_REQUEST),
    ],
)
def test_other_bodies_are_refused_by_their_announcement(lines, reason):
    assert announced(*lines).reason is reason


@pytest.mark.parametrize(
    "line", [("Content-Encoding", "Identity"), ("Content-Length", "100"), ("Expect", "100-Continue")]
)
def test_the_edge_of_what_is_taken(line):
    assert announced(JSON, line) is None
