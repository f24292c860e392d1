"""The bytes of a request's head."""

from urllib.parse import urlsplit

import pytest

from gateway.upstreams.base import Call
from gateway.upstreams.pool.request import Heads


def head(url, method="POST", body=b"{}", **headers):
    return Heads(urlsplit(url)).head(Call(method, "/v1/x", headers, body, stream=False))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://model.test", b"model.test"), ("http://model.test:80", b"model.test"),
        ("https://model.test:443", b"model.test"),
        ("http://model.test:443", b"model.test:443"), ("https://model.test:80", b"model.test:80"),
        ("http://[::1]:8000", b"[::1]:8000"), ("http://[::1]", b"[::1]"), ("http://Bücher.test", b"xn--bcher-kva.test"),
    ],
)  # fmt: skip
def test_the_host_as_the_server_knows_it(url, host):
    assert head(url).split(b"\r\n")[1] == b"host: " + host


def test_a_path_of_the_base_url_stands_before_ours():
    assert head("http://h/openai").startswith(b"POST /openai/v1/x HTTP/1.1\r\n")


def test_every_line_in_its_order():
    made = head("http://h", accept="*/*", **{"accept-encoding": "identity"})
    assert made == (
        b"POST /v1/x HTTP/1.1\r\nhost: h\r\naccept: */*\r\naccept-encoding: identity\r\ncontent-length: 2\r\n\r\n"
    )


@pytest.mark.parametrize(("method", "body", "said"), [("GET", b"", False), ("POST", b"", True), ("GET", b"x", True)])
def test_a_length_is_said_where_a_body_may_be(method, body, said):
    assert (b"content-length: %d\r\n\r\n" % len(body) in head("http://h", method, body)) is said


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\rb", "a\0b", "a\r\n\r\nb"])
def test_a_value_that_would_end_its_line_is_never_sent(value):
    with pytest.raises(ValueError, match="line end"):
        head("http://h", accept=value)
    with pytest.raises(ValueError, match="line end"):
        head("http://h", **{f"x-{value}": "y"})


def templated(heads, template, own, path="/v1/x", body=b"{}"):
    return heads.head(Call("POST", path, {**template, **own}, body, stream=False, template=template))


def test_what_calls_share_is_written_once_and_changes_nothing():
    heads = Heads(urlsplit("http://model.test"))
    templates = [{"accept": "a", "accept-encoding": "identity"}, {"accept": "b"}, {}]
    for _ in range(2):
        for template in templates:
            for path in ("/v1/x", "/v1/y"):
                own = {"x-request-id": "r"}
                plain = heads.head(Call("POST", path, {**template, **own}, b"{}", stream=False))
                assert templated(heads, template, own, path) == plain
    assert b"accept: b\r\nx-request-id: r\r\naccept-encoding: identity\r\n" in templated(heads, templates[1], own)


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\n", "a\r", "\0"])
def test_neither_a_template_nor_what_is_added_to_it_can_end_a_line(value):
    heads = Heads(urlsplit("http://model.test"))
    for template, own in (({"a": value}, {}), ({"a": "b"}, {"c": value})):
        for _ in range(2):
            with pytest.raises(ValueError, match="line end"):
                templated(heads, template, own)
