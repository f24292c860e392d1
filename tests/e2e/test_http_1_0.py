"""Callers that speak HTTP/1.0: no chunks, so that only a length or the connection's end says where an answer ends."""

import pytest

from tests.support.rawhttp import CHAT, Raw, chat_body, request
from tests.support.running import running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with running(tmp_path_factory.mktemp("gateway")) as one:
        yield one


def asked(gateway, *headers, **more):
    return request(CHAT, chat_body(max_tokens=3, **more), key=gateway.keys["acme"], headers=headers).replace(
        b"HTTP/1.1", b"HTTP/1.0", 1
    )


@pytest.mark.parametrize("headers", [(), (b"Connection: keep-alive",)])
def test_a_stream_ends_with_the_connection(gateway, headers):
    with Raw(gateway.gateway.data_port) as raw:
        raw.send(asked(gateway, *headers, stream=True))
        head = raw.head()
        assert head.status == 200
        assert head.header("transfer-encoding") is None
        assert head.header("connection") != "keep-alive"
        assert raw.rest().endswith(b"data: [DONE]\n\n")


def test_a_whole_answer_has_a_length_and_the_connection_may_stay(gateway):
    with Raw(gateway.gateway.data_port) as raw:
        for _ in range(2):
            raw.send(asked(gateway, b"Connection: keep-alive"))
            assert raw.answer().json()["usage"]["completion_tokens"] == 3
        raw.send(asked(gateway))
        assert raw.answer().status == 200
        assert raw.closed()
