"""What crosses to the upstream: our own re-serialisation of what was decided on, under a head that is all ours."""

import hashlib
import json

import pytest

from gateway.core import jsonio
from gateway.identity.pseudonym import Pseudonyms
from tests.support import transcripts
from tests.support.rawhttp import Raw, request
from tests.support.talking import PATHS, STREAMED
from tests.support.talking import ask as ask_any
from tests.support.upstream import ok
from tests.support.witnessed import SECRET, UPSTREAM_NAME, in_chunks, witnessed


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with witnessed(tmp_path_factory.mktemp("gateway")) as pair:
        yield pair


@pytest.fixture
def gateway(both):
    return both[0]


@pytest.fixture
def upstream(both):
    return both[1]


def ask(gateway, dialect, *, model="public-name", **more):
    return ask_any(gateway, dialect, model=model, **more)


STREAMS = {
    "chat": transcripts.chat(["a"], with_usage=True),
    "completions": transcripts.completions(["a"], with_usage=True),
    "responses": transcripts.responses(["a"]),
    "messages": transcripts.messages(["a"]),
}

RICH = {
    "chat": (
        b'{ "stream":false,\r\n"messages" :[{"content":"\\u00e4\\ud83e\\udd43 \\/ ","role":"user"},'
        b'{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function",'
        b'"function":{"name":"f","arguments":"{\\"a\\": 1}"}}]},{"role":"tool","tool_call_id":"c","content":"1"}],'
        b'"temperature":1.0, "top_p":1E-1,"seed":12345678901234567890,"logit_bias":{"50256":-100},'
        b'"user":"jane@example.com","safety_identifier":"jane","model":"public-name",'
        b'"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"stop":null}'
    ),
    "completions": b'{"model":"public-name","prompt":["a","b"],"user":"jane@example.com","max_tokens":7,"stop":["x"]}',
    "embeddings": b'{"input":["\xc3\xa4",""],"model":"public-name","user":"jane@example.com","dimensions":3}',
    "responses": b'{"model":"public-name","input":"x","user":"jane@example.com","store":false,"temperature":0.50}',
    "messages": (
        b'{"max_tokens":9,"model":"public-name","metadata":{"user_id":"jane@example.com"},"system":"s",'
        b'"messages":[{"role":"user","content":[{"type":"text","text":"\\u00e4"}]}],"stop_sequences":["x"]}'
    ),
    "count_tokens": b'{"model":"public-name","messages":[{"role":"user","content":"x"}],"system":"\\u2028"}',
}


def pseudonyms():
    return Pseudonyms(hashlib.sha256(b"pseudonyms" + b"p" * 40).digest())


@pytest.mark.parametrize("dialect", RICH)
def test_the_upstream_gets_what_was_decided_on(gateway, upstream, dialect):
    """Equal in meaning to what the caller sent, in our own spelling; only names of the model and of people differ."""
    name = pseudonyms().of("acme")
    expected = json.loads(RICH[dialect])
    expected["model"] = UPSTREAM_NAME
    for field in ("user", "safety_identifier"):
        if field in expected:
            expected[field] = name
    if "metadata" in expected:
        expected["metadata"] = {"user_id": name}
    if dialect == "responses":
        expected["store"] = False
    if dialect in ("chat", "responses"):
        expected["prompt_cache_key"] = name  # the account is an org of its own
    upstream.play(ok())
    with Raw(gateway.gateway.data_port) as raw:
        raw.send(request(PATHS[dialect], RICH[dialect], key=gateway.keys["acme"]))
        answer = raw.answer()
    assert answer.status == 200, answer
    sent = upstream.bodies()[-1]
    assert json.loads(sent) == expected
    assert jsonio.dumps(jsonio.loads(sent)) == sent
    assert b"jane" not in b"".join([*upstream.bodies(), *upstream.heads()])


def fields(head):
    line, *rest = head.decode().removesuffix("\r\n\r\n").split("\r\n")
    return line, [(name.lower(), value.strip()) for name, _, value in (one.partition(":") for one in rest)]


HOSTILE = (
    b"Cookie: session=1", b"X-Forwarded-For: 1.2.3.4", b"X-Api-Version: 9", b"OpenAI-Organization: org-caller",
    b"OpenAI-Beta: assistants=v2", b"Accept-Encoding: gzip, br", b"Accept: */*", b"User-Agent: caller/1",
    b"X-Stainless-Lang: python", b"Proxy-Authorization: Basic Zm9v", b"Referer: https://caller.example",
    b"X-Request-Id: of-the-caller", b"TE: trailers", b"Via: 1.1 other", b"Anthropic-Version: 2023-06-01",
    b"Anthropic-Beta: some-2025-01-01", b"Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)  # fmt: skip
ALLOWED = {
    "host", "content-type", "content-length", "user-agent", "accept", "accept-encoding", "x-request-id",
    "anthropic-version", "anthropic-beta",
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", PATHS)
def test_the_head_that_crosses_is_ours(gateway, upstream, dialect, stream):
    streams = stream and dialect in STREAMED
    upstream.play(in_chunks(STREAMS[dialect], "whole") if streams else ok())
    answer = ask(gateway, dialect, headers=HOSTILE, **({"stream": True} if streams else {}))
    assert answer.status == 200, answer
    line, got = fields(upstream.heads()[-1])
    names = [name for name, _ in got]
    head = dict(got)
    assert line == f"POST {PATHS[dialect]} HTTP/1.1"
    assert len(names) == len(set(names)), "no header twice: one content-length above all"
    credential = "x-api-key" if dialect in ("messages", "count_tokens") else "authorization"
    assert set(names) <= ALLOWED | {credential}
    assert head[credential] == (SECRET if credential == "x-api-key" else f"Bearer {SECRET}")
    assert head["content-length"] == str(len(upstream.bodies()[-1]))
    assert head["host"] == f"127.0.0.1:{upstream.port}"
    assert head["accept-encoding"] == "identity"
    assert head["accept"] == ("text/event-stream" if streams else "application/json")
    assert head["anthropic-version"] == "2023-06-01"
    assert "caller" not in upstream.heads()[-1].decode()
    assert gateway.keys["acme"] not in upstream.heads()[-1].decode()
    assert answer.header("x-request-id") == "of-the-caller"
    assert answer.header("x-gateway-decision-id") == head["x-request-id"]


def test_the_head_that_comes_back_is_short(gateway, upstream):
    noise = (
        b"Set-Cookie: a=b\r\nServer: secret-engine/7\r\nX-RateLimit-Remaining-Requests: 313373137\r\nVia: 1.1 proxy\r\n"
        b"Retry-After: 9\r\nOpenAI-Organization: org-operator\r\nOpenAI-Processing-Ms: 12\r\nX-Request-Id: up-1\r\n"
        b"Anthropic-Ratelimit-Requests-Limit: 313373137\r\nLocation: http://10.0.0.1/\r\nTrailer: X\r\nX-Cache: HIT\r\n"
    )
    upstream.play(ok(b"{}", head=noise))
    answer = ask(gateway, "chat")
    names = [name for name, _ in answer.headers]
    assert len(names) == len(set(names))
    assert answer.header("openai-processing-ms") == "12"
    assert answer.header("x-gateway-upstream-request-id") == "up-1"
    assert answer.header("server") == "excise"
    unwanted = {"set-cookie", "via", "retry-after", "openai-organization", "location", "trailer", "x-cache"}
    assert unwanted.isdisjoint(names)
    assert "313373137" not in str(answer.headers)
