"""What callers send, sane and otherwise, as conversations by name: the corpus both lanes must answer alike."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.bad_http import AMBIGUOUS_FRAMING, BROKEN_HEADS, HARMLESS_FRAMING, PATHS, TOO_MUCH, armed, crafter
from tests.support.lanes import Do, Step
from tests.support.rawhttp import CHAT, MESSAGES, chat_body, request
from tests.support.vectors import http_requests, json_vectors

Corpus = dict[str, list[Step]]
_HELLO = [{"role": "user", "content": "hi"}]
_COUNT = "/v1/messages/count_tokens"
GOOD: Mapping[str, dict[str, Any]] = {
    CHAT: {"model": "sim-small", "messages": _HELLO},
    "/v1/completions": {"model": "sim-small", "prompt": "hi"},
    "/v1/embeddings": {"model": "sim-embed", "input": "hi"},
    "/v1/responses": {"model": "sim-small", "input": "hi"},
    MESSAGES: {"model": "sim-small", "messages": _HELLO, "max_tokens": 5},
    _COUNT: {"model": "sim-small", "messages": _HELLO},
}
_STREAMED = (CHAT, "/v1/completions", "/v1/responses", MESSAGES)


def _says(text: str, **more: Any) -> bytes:
    return chat_body(f"upstream: {text}", **more)


def routes(keys: Mapping[str, str]) -> Corpus:
    """Every dialect and route, whole and streamed, at every answer an upstream may give."""
    key = keys["acme"]
    found: Corpus = {}
    for path, body in GOOD.items():
        data = json.dumps(body).encode()
        found[f"{path}"] = [request(path, data, key=key)]
        found[f"{path} twice"] = [request(path, data, key=key), Do.READ_ANSWER, request(path, data, key=key)]
        found[f"{path}?beta=true"] = [request(path + "?beta=true", data, key=key)]
        found[f"{path} x-api-key"] = [request(path, data, headers=(b"x-api-key: " + key.encode(),))]
        found[f"{path} without a key"] = [request(path, data)]
        found[f"{path} wrong key"] = [request(path, data, key="sk-nobody")]
        found[f"{path} suspended"] = [request(path, data, key=keys["gone"])]
        found[f"{path} anthropic-version"] = [request(path, data, key=key, headers=(b"anthropic-version: 2023-06-01",))]
        found[f"{path} own id"] = [request(path, data, key=key, headers=(b"X-Request-Id: mine-1",))]
        found[f"{path} bad id"] = [request(path, data, key=key, headers=(b"X-Request-Id: mi ne <1>",))]
        found[f"{path} no model"] = [request(path, json.dumps({**body, "model": "none"}).encode(), key=key)]
        found[f"{path} bad field"] = [request(path, json.dumps({**body, "stream": "yes"}).encode(), key=key)]
        found[f"{path} empty"] = [request(path, b"", key=key)]
        found[f"{path} text"] = [request(path, data, key=key).replace(b"application/json", b"text/plain")]
        found[f"{path} utf-16"] = [request(path, data, key=key).replace(b"/json", b"/json; charset=utf-16")]
        found[f"{path} utf-8"] = [request(path, data, key=key).replace(b"/json", b"/json; charset=UTF-8")]
        found[f"{path} gzip"] = [request(path, data, key=key, headers=(b"Content-Encoding: gzip",))]
        found[f"{path} identity"] = [request(path, data, key=key, headers=(b"Content-Encoding: identity",))]
        for method in (b"GET", b"PUT", b"DELETE", b"OPTIONS"):
            found[f"{path} {method.decode()}"] = [request(path, key=key, method=method)]
    for path in _STREAMED:
        data = json.dumps({**GOOD[path], "stream": True}).encode()
        found[f"{path} streamed"] = [request(path, data, key=key)]
        found[f"{path} streamed twice"] = [request(path, data, key=key) * 2]
        found[f"{path} streamed, HTTP/1.0"] = [request(path, data, key=key).replace(b"HTTP/1.1", b"HTTP/1.0")]
    for path in ("/v1/models", "/v1/models/sim-small", "/v1/models/none", "/v1/usage", "/v1/receipts/keys", "/nowhere"):
        found[f"GET {path}"] = [request(path, key=key, method=b"GET")]
        found[f"GET {path} without a key"] = [request(path, method=b"GET")]
        found[f"POST {path}"] = [request(path, b"{}", key=key)]
    for path in PATHS:
        found[f"path {path}"] = [request(path, chat_body(), key=key)]
    for status in (400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 529):
        for path in (CHAT, MESSAGES):
            data = json.dumps({**GOOD[path], "messages": [{"role": "user", "content": f"upstream: {status}"}]}).encode()
            found[f"{path} upstream {status}"] = [request(path, data, key=key)]
    found["upstream breaks"] = [request(CHAT, _says("breaks", stream=True), key=key)]
    scarce = request(CHAT, chat_body(), key=keys["ada"])
    found["429"] = [scarce, Do.READ_ANSWER, scarce, Do.READ_ANSWER, scarce, Do.READ_ANSWER]
    return found


def callers(keys: Mapping[str, str]) -> Corpus:
    """How callers behave on their connection: pieces, pipelines, leaving at every moment."""
    key = keys["acme"]
    plain, other = request(CHAT, chat_body("one"), key=key), request(CHAT, chat_body("two"), key=key)
    stream = request(CHAT, chat_body("three", stream=True), key=key)
    head, _, body = plain.partition(b"\r\n\r\n")
    head += b"\r\n\r\n"
    get = request("/v1/models", key=key, method=b"GET")
    chunked = crafter(key)(b"Transfer-Encoding: chunked", body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    expecting = head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    large = chat_body("x" * 700_000)
    huge = chat_body("x" * 1_200_000)
    large_request, huge_request = request(CHAT, large, key=key), request(CHAT, huge, key=key)
    stalls, begins = request(CHAT, _says("stalls"), key=key), request(CHAT, _says("begins", stream=True), key=key)
    return {
        "head, then body": [head, body],
        "body in many pieces": [head, *(body[at : at + 7] for at in range(0, len(body), 7))],
        "head in two pieces": [head[:40], head[40:] + body],
        "head byte by byte": [*(head[at : at + 1] for at in range(len(head))), body],
        "half of the next head": [plain + other[:50], Do.READ_ANSWER, other[50:]],
        "half of the next body": [plain + other[:-9], Do.READ_ANSWER, other[-9:]],
        "two at once": [plain + other],
        "ten at once": [plain * 5 + stream * 5],
        "refusals at once": [request(CHAT, b"{", key=key) * 3 + plain],
        "stream, then plain": [stream, Do.READ_ANSWER, plain],
        "plain, GET, plain": [plain, Do.READ_ANSWER, get, Do.READ_ANSWER, plain, Do.READ_ANSWER],
        "plain, chunked, plain": [plain, Do.READ_ANSWER, chunked, Do.READ_ANSWER, plain],
        "plain, chunked, plain at once": [plain + chunked + plain],
        "plain, then broken": [plain, Do.READ_ANSWER, b"BROKEN\r\n\r\n" + plain],
        "plain, then 1.0": [plain, Do.READ_ANSWER, plain.replace(b"HTTP/1.1", b"HTTP/1.0"), Do.READ_ANSWER],
        "blank line first": [b"\r\n" + plain],
        "blank line between": [plain + b"\r\n" + plain],
        "two blank lines between": [plain, Do.READ_ANSWER, b"\r\n\r\n", plain],
        "expect": [expecting, Do.READ_ANSWER, body],
        "expect, plain": [expecting, Do.READ_ANSWER, body, Do.READ_ANSWER, plain],
        "expect, body at once": [expecting + body],
        "a large body": [large_request],
        "a large body in pieces": [large_request[:300], large_request[300:400_000], large_request[400_000:]],
        "two large bodies": [large_request * 2],
        "too large": [huge_request],
        "too large, announced": [huge_request[: -len(huge)]],
        "too large, half of it": [huge_request[:600_000]],
        "unknown key, body later": [head.replace(key.encode(), b"sk-nobody"), body],
        "unknown key, no body": [head.replace(key.encode(), b"sk-nobody")],
        "unknown key, half of a large body": [large_request.replace(key.encode(), b"sk-nobody")[:300_000]],
        "text/plain, body later": [head.replace(b"application/json", b"text/plain"), body],
        "no route, body later": [head.replace(b"/v1/chat", b"/v1/chit"), body],
        "a body that comes too slowly": [large_request[:1000]],
        "a body that never comes": [head],
        "half of a body that never comes": [head + body[:9], Do.HALF_CLOSE],
        "a head that never comes": [head[:30], Do.HALF_CLOSE],
        "nothing": [Do.HALF_CLOSE],
        "half closed after the request": [stalls, Do.AWAIT_UPSTREAM, Do.HALF_CLOSE],
        "half closed after the answer": [plain, Do.READ_ANSWER, Do.HALF_CLOSE],
        **{
            f"{how.name}: {name}": [*steps, how]
            for how in (Do.CUT, Do.LEAVE)
            for name, steps in {
                "before anything": [],
                "in the head": [head[:40]],
                "before the body": [head],
                "in the body": [head, body[:20]],
                "in a large body": [large_request[:200_000]],
                "in a chunked body": [chunked[:-20]],
                "in the second body": [plain + head, Do.READ_ANSWER],
                "while waiting": [stalls, Do.AWAIT_UPSTREAM],
                "while waiting, more behind": [stalls + plain, Do.AWAIT_UPSTREAM],
                "while waiting, on the other lane": [get, Do.READ_ANSWER, stalls, Do.AWAIT_UPSTREAM],
                "in mid stream": [begins, Do.AWAIT_UPSTREAM, Do.READ_BEGINNING],
                "in mid stream, more behind": [begins + plain, Do.AWAIT_UPSTREAM, Do.READ_BEGINNING],
                "after the answer": [plain, Do.READ_ANSWER],
                "after a stream": [stream, Do.READ_ANSWER],
                "after a refusal with its body to come": [head.replace(key.encode(), b"sk-no"), Do.READ_ANSWER],
            }.items()
        },
    }


def broken(keys: Mapping[str, str]) -> Corpus:
    """The tables of bad HTTP, with a good request behind each."""
    key = keys["acme"]
    make = crafter(key)
    good = request(CHAT, chat_body("smuggled"), key=key)
    found: Corpus = {}
    for name, (lines, body) in {**AMBIGUOUS_FRAMING, **HARMLESS_FRAMING}.items():
        found[f"framing: {name}"] = [make(*lines, body=body) + good]
    for name, build in {**BROKEN_HEADS, **TOO_MUCH}.items():
        found[f"head: {name}"] = [build(make) + good]
        found[f"plain, then head: {name}"] = [good, Do.READ_ANSWER, build(make)]
    return found


def forgotten(keys: Mapping[str, str]) -> Corpus:
    """A good request and, in the same read, what is none: aiohttp's parser raises, and the good one is lost with it.

    The hot lane answers it first, as both do when the two come apart. Nothing depends on it but when TCP cuts.
    """
    good = request(CHAT, chat_body("one"), key=keys["acme"])
    return {"at once": [good + b"BROKEN\r\n\r\n"], "apart": [good, Do.READ_ANSWER, b"BROKEN\r\n\r\n"]}


_FORGOTTEN = ("pipelining: Should parse multiple events, armed",)


def published_http(keys: Mapping[str, str]) -> Corpus:
    key = keys["acme"]
    found: Corpus = {}
    for number, one in enumerate(http_requests()):
        found[f"{number} {one.name}"] = [one.data]
        found[f"{number} {one.name}, armed"] = [armed(one.data, key)]
    return {name: steps for name, steps in found.items() if not name.endswith(_FORGOTTEN)}


def published_json(keys: Mapping[str, str]) -> Corpus:
    """On one connection each kind, so that a boundary misread would show in all that follow."""
    key = keys["acme"]
    found: Corpus = {}
    for verdict in "yni":
        vectors = sorted(json_vectors(verdict).items())
        for at in range(0, len(vectors), 16):
            steps: list[Step] = []
            for _, data in vectors[at : at + 16]:
                embedded = b'{"model":"sim-small","metadata":' + data + b',"messages":[{"role":"user","content":"hi"}]}'
                steps += [
                    request(CHAT, data, key=key),
                    Do.READ_ANSWER,
                    request(CHAT, embedded, key=key),
                    Do.READ_ANSWER,
                ]
            found[f"{verdict} {at}"] = steps
    return found
