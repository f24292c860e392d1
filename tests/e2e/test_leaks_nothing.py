"""Nothing secret comes out anywhere: one campaign of successes, refusals and failures, and every byte it produced.

Each canary is a string that exists in one place only. What the gateway wrote is kept by where it wrote it: answers to
callers, requests to the upstream, log, decision log, metrics, admin API. The tests then say which canary may be where.
"""

import io
import json
import logging
import re
from copy import deepcopy
from urllib.request import Request, urlopen

import pytest

from gateway.observe.log import JsonFormatter
from tests.support.rawhttp import CHAT, MESSAGES, Raw, chat_body, error_of, request
from tests.support.recording import recording
from tests.support.running import DIALECTS, PRICES, running
from tests.support.upstream import EVENTS, answer, chunk, close, cut, ok

PROMPT = "canary-prompt-5d1e"
OUTPUT = "canary-output-77ab"
BAD_KEY = "sk-ex-CanaryKeyId0_CanarySecret0123456789abcdefgh"
ODD_KEY = "canary-not-a-key-40c1"
COOKIE = "canary-cookie-b6f0"
AGENT = "canary-agent-19dd"
QUERY = "canary-query-e2c4"
PATH = "canary-path-0a9b"
USER = "canary-user-c3d8"
MODEL = "canary-model-8e21"
FIELD = "canary_field_2f70"
ADDRESS = "203.0.113.77"
UPSTREAM_KEY = "canary upstream key 93bd"
UPSTREAM_MODEL = "canary-internal-model-fp8"
UPSTREAM_HOST = "gpu-7.canary.internal"
UPSTREAM_ORG = "org-canary4451"
UPSTREAM_COOKIE = "canary-upstream-cookie-6a6a"
UPSTREAM_SERVER = "canary-server-1.2.3"
UPSTREAM_LIMIT = "313373133731337313373"
"""Long: six digits are in some random id, or in some duration, once in a thousand runs."""

CALLERS = (PROMPT, BAD_KEY, BAD_KEY.partition("_")[2], ODD_KEY, COOKIE, AGENT, QUERY, PATH, USER, MODEL, FIELD, ADDRESS)
UPSTREAMS = (
    UPSTREAM_KEY, UPSTREAM_MODEL, UPSTREAM_HOST, UPSTREAM_ORG, UPSTREAM_COOKIE, UPSTREAM_SERVER, UPSTREAM_LIMIT,
)  # fmt: skip

NASTY_HEAD = (
    f"Set-Cookie: a={UPSTREAM_COOKIE}\r\nServer: {UPSTREAM_SERVER}\r\nVia: 1.1 {UPSTREAM_HOST}\r\n"
    f"X-RateLimit-Limit-Requests: {UPSTREAM_LIMIT}\r\nX-RateLimit-Remaining-Tokens: {UPSTREAM_LIMIT}\r\n"
    f"Anthropic-RateLimit-Requests-Limit: {UPSTREAM_LIMIT}\r\nOpenAI-Organization: {UPSTREAM_ORG}\r\n"
    f"Anthropic-Organization-Id: {UPSTREAM_ORG}\r\nX-Served-By: {UPSTREAM_HOST}\r\nLocation: http://{UPSTREAM_HOST}/\r\n"
    f"X-Gateway-Policy: {UPSTREAM_ORG}\r\nX-Request-Id: {UPSTREAM_HOST}/{UPSTREAM_ORG}\r\nCF-Ray: {UPSTREAM_ORG}\r\n"
    f"WWW-Authenticate: Bearer realm={UPSTREAM_HOST}\r\nAlt-Svc: {UPSTREAM_HOST}\r\nOpenAI-Model: gpt\r\n"
).encode()


def blame(peer):
    """An error text with everything in it that a caller must not learn."""
    return (
        f"model {UPSTREAM_MODEL} on http://{UPSTREAM_HOST}:8000/v1 ({UPSTREAM_HOST}, 127.0.0.1:{peer.upstream.port}, "
        f"10.20.30.40) refused key '{UPSTREAM_KEY}' of {UPSTREAM_ORG}: {OUTPUT}"
    )


def openai_error(peer):
    return json.dumps(
        {"error": {"message": blame(peer), "type": UPSTREAM_ORG, "param": UPSTREAM_HOST, "code": "x"}}
    ).encode()


def anthropic_error(peer):
    error = {"type": UPSTREAM_ORG, "message": blame(peer)}
    return json.dumps({"type": "error", "error": error, "request_id": UPSTREAM_ORG}).encode()


def delta(dialect, text):
    if dialect == "messages":
        document = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        return b"event: content_block_delta\ndata: " + json.dumps(document).encode() + b"\n\n"
    document = {"choices": [{"index": 0, "delta": {"content": text}}]}
    return b"data: " + json.dumps(document).encode() + b"\n\n"


STATUSES = (400, 401, 403, 404, 408, 409, 413, 418, 422, 429, 500, 502, 503, 504, 529)


async def play(peer):
    """What the prompt asks for: `play:NAME`."""
    head, body = peer.requests[-1]
    dialect = "messages" if b"/v1/messages" in head else "chat"
    play = re.search(rb"play:([a-z0-9-]+)", body)[1].decode()
    error = anthropic_error(peer) if dialect == "messages" else openai_error(peer)
    named = b"event: error\n" if dialect == "messages" else b""
    spoken = EVENTS.replace(b"\r\n\r\n", b"\r\n" + NASTY_HEAD + b"\r\n") + chunk(delta(dialect, OUTPUT))
    end = b"0\r\n\r\n"
    if play.isdigit():
        steps = [*answer(int(play), error, head=NASTY_HEAD)]
    elif play == "redirect":
        steps = [*answer(302, error, head=NASTY_HEAD)]
    elif play == "page":
        page = f"<html>{blame(peer)}</html>".encode()
        steps = [*ok(page, content_type=b"text/html", head=NASTY_HEAD)]
    elif play == "error-page":
        steps = [*answer(400, f"<html>{blame(peer)}</html>".encode(), head=NASTY_HEAD)]
    elif play == "broken-head":
        steps = [b"HTTP/1.1 200 OK\r\nX " + UPSTREAM_HOST.encode() + b"\r\n\r\n", close]
    elif play == "cut-before":
        steps = [cut]
    elif play == "cut-half":
        steps = [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{", cut]
    elif play == "stream-error":
        steps = [spoken, chunk(named + b"data: " + error + b"\n\n"), end]
    elif play == "stream-error-torn":
        event = named + b"data: " + error + b"\n\n"
        steps = [spoken, *(chunk(event[at : at + 7]) for at in range(0, len(event), 7)), end]
    elif play == "stream-error-unended":
        steps = [spoken, chunk(named + b"data: " + error), end]
    elif play == "stream-error-text":
        steps = [spoken, chunk(b"event: error\ndata: " + blame(peer).encode() + b"\n\n"), end]
    elif play == "stream-cut":
        steps = [spoken, cut]
    elif play == "garbage":
        steps = [spoken, b"not a chunk size " + UPSTREAM_HOST.encode(), close]
    else:
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "input_tokens": 1, "output_tokens": 1}
        steps = [*ok(json.dumps({"choices": [], "usage": usage, "text": OUTPUT}).encode(), head=NASTY_HEAD)]
    for step in steps:
        await (peer.send(step) if isinstance(step, bytes) else step(peer))


WHOLE = [
    *map(str, STATUSES),
    "redirect",
    "page",
    "error-page",
    "broken-head",
    "cut-before",
    "cut-half",
    "garbage",
    "good",
]
STREAMED = [
    "stream-error", "stream-error-torn", "stream-error-unended", "stream-error-text", "stream-cut",
]  # fmt: skip


class Campaign:
    """Everything that came out, by where."""

    def __init__(self):
        self.answers = {}
        self.sinks = {}
        self.upstream = b""
        self.secrets = {}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("leaks")
    (folder / "upstream.key").write_text(UPSTREAM_KEY)
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonFormatter())
    handler.setLevel(logging.DEBUG)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    found = Campaign()
    facts = {"context": 32768, "max_output": 4096, "prices": PRICES}
    # Each trouble has an upstream of its own, so that none is kept from happening by the breaker of another.
    troubles = ["sim-small", *(f"{family}-{play}" for family in ("openai", "anthropic") for play in WHOLE + STREAMED)]
    models = {
        name: {**deepcopy(facts), "upstreams": [name], "upstream_name": UPSTREAM_MODEL}
        for name in [*troubles, "sim-dead"]
    }
    try:
        with recording([play]) as upstream:
            main = {
                "kind": "openai", "base_url": upstream.url + "/v1", "dialects": DIALECTS, "stream_usage": True,
                "api_key_file": str(folder / "upstream.key"),
            }  # fmt: skip
            upstreams = {name: deepcopy(main) for name in [*troubles, "sim-dead"]}
            upstreams["sim-dead"]["base_url"] = "http://127.0.0.1:1/v1"
            settings = {"decision_log": str(folder / "decisions.jsonl"), "upstreams": upstreams,
                        "timers": {"body_s": 0.3, "drain_s": 1}, "limits": {"body_bytes": 1 << 20}}  # fmt: skip
            with running(folder, upstream=upstream.url + "/v1", settings=settings, models=models) as gateway:
                _run(found, gateway)
                gateway.settled()
                _collect(found, gateway)
                found.upstream = b"".join(
                    head + body for head, body in zip(upstream.heads(), upstream.bodies(), strict=True)
                )
                found.secrets = {
                    "pepper": "p" * 40,
                    "admin token": gateway.admin_token,
                    "upstream address": f"127.0.0.1:{upstream.port}",
                    **{f"key of {name}": key.partition("_")[2] for name, key in gateway.keys.items()},
                }
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    found.sinks["log"] = lines.getvalue().encode()
    found.sinks["decision log"] = (folder / "decisions.jsonl").read_bytes()
    return found


def _run(found, gateway):
    port = gateway.gateway.data_port
    acme = gateway.keys["acme"]
    extra = (f"Cookie: {COOKIE}".encode(), f"User-Agent: {AGENT}".encode(), f"X-Forwarded-For: {ADDRESS}".encode())

    def body(text, **more):
        return chat_body(f"{PROMPT} {text}", max_tokens=9, **more)

    def note(name, data):
        with Raw(port) as raw:
            raw.send(data)
            raw.half_close() if name.startswith("cut off") else None
            found.answers[name] = raw.answers_until_idle()

    for dialect, path in (("openai", CHAT), ("anthropic", MESSAGES)):
        who = {"user": USER} if dialect == "openai" else {"metadata": {"user_id": USER}}
        for play in WHOLE + STREAMED:
            more = {**who, "model": f"{dialect}-{play}", "stream": play in STREAMED}
            note(f"{dialect} {play}", request(path, body("play:" + play, **more), key=acme, headers=extra))
        other_type = PROMPT.encode()
        refusals = {
            "bad key": request(path, body("x"), key=BAD_KEY, headers=extra),
            "odd key": request(path, body("x"), key=ODD_KEY, headers=extra),
            "odd scheme": request(path, body("x"), headers=(f"Authorization: Basic {ODD_KEY}".encode(), *extra)),
            "cut key": request(path, body("x"), key=acme[:-1], headers=extra),
            "two keys": request(path, body("x"), key=acme, headers=(f"x-api-key: {ODD_KEY}".encode(), *extra)),
            "admin token": request(path, body("x"), key=gateway.admin_token, headers=extra),
            "unclosed": request(path, body("x")[:-1], key=acme, headers=extra),
            "duplicate": request(path, b'{"%s":1,"%s":2}' % (PROMPT.encode(), PROMPT.encode()), key=acme),
            "word": request(path, PROMPT.encode(), key=acme),
            "wrong type": request(path, body("x", n=PROMPT, stream=PROMPT, thinking=PROMPT), key=acme),
            "wrong role": request(path, body("x").replace(b'"user"', b'"%s"' % (PROMPT.encode() * 9)), key=acme),
            "media type": request(path, body("x"), key=acme, headers=extra).replace(b"application/json", other_type),
            "method": request(path, body("x"), key=acme, method=b"PUT", headers=extra),
            "query": request(path + "?" + QUERY, body("x"), headers=extra),
            "path": request("/v1/" + PATH, body("x"), key=acme, headers=extra),
            "broken head": request(path, body("x"), key=acme, headers=(b"X " + PROMPT.encode(), *extra)),
            "long head": request(path, body("x"), key=acme, headers=(b"X: " + PROMPT.encode() * 1000, *extra)),
            "broken chunk": request(
                path, PROMPT.encode(), key=acme, length=False,
                headers=(b"Transfer-Encoding: chunked", b"Content-Type: application/json", *extra),
            ),
            "too large": request(path, b" " * (1 << 20) + body("x"), key=acme, headers=extra),
            "dead": request(path, body("x").replace(b"sim-small", b"sim-dead"), key=acme, headers=extra),
        }  # fmt: skip
        for name, data in refusals.items():
            note(f"{dialect} {name}", data)
        echoed = {
            "echoed model": request(path, body("x").replace(b"sim-small", MODEL.encode()), key=acme, headers=extra),
            "echoed field": request(path, body("x", **{FIELD: 1}), key=acme, headers=extra),
        }
        for name, data in echoed.items():
            note(f"{dialect} {name}", data)
    note("models", request("/v1/models", key=acme, method=b"GET", headers=extra))
    note("usage", request("/v1/usage", key=acme, method=b"GET", headers=extra))


def _collect(found, gateway):
    metrics = [urlopen(f"{gateway.ops_url}{path}").read() for path in ("/metrics", "/metrics", "/healthz", "/readyz")]
    found.sinks["metrics"] = b"".join(metrics)
    token = {"Authorization": f"Bearer {gateway.admin_token}"}
    paths = ["accounts", "accounts/acme/usage", "reservations", "decisions", "upstreams", "policies"]
    decisions = json.loads(urlopen(Request(f"{gateway.admin_url}/decisions", headers=token)).read())
    paths += ["decisions/" + one["id"] for one in decisions["decisions"][:20]]
    pages = [urlopen(Request(f"{gateway.admin_url}/{path}", headers=token)).read() for path in paths]
    for port in (gateway.gateway.admin_port, gateway.gateway.ops_port):
        for data in (
            request("/admin/v1/" + PATH, key=ODD_KEY, method=b"GET"),
            request("/admin/v1/accounts/" + PATH, key=gateway.admin_token, method=b"GET"),
            request("/admin/v1/accounts", key=gateway.keys["acme"], method=b"GET"),
        ):
            with Raw(port) as raw:
                raw.send(data)
                pages.append(raw.answer().body)
    found.sinks["admin"] = b"\n".join(pages)
    found.sinks["records"] = b"".join(record.as_line() for record in gateway.records())


def text_of(one):
    return "\n".join(f"{name}: {value}" for name, value in one.headers).encode() + b"\n\n" + one.body


def test_the_campaign_went_as_planned(campaign):
    answers = campaign.answers
    assert len(answers) > 100
    assert [name for name, found in answers.items() if len(found) != 1] == []
    statuses = {name: found[0].status for name, found in answers.items()}
    assert {statuses[f"{dialect} good"] for dialect in ("openai", "anthropic")} == {200}
    assert {statuses[f"{dialect} {play}"] for dialect in ("openai", "anthropic") for play in STREAMED} == {200}
    # Garbage right behind the first event is noticed before or after that event was passed on.
    good = {name for name, status in statuses.items() if status == 200 and not name.endswith("garbage")}
    assert good == {"models", "usage"} | {
        f"{d} {play}" for d in ("openai", "anthropic") for play in ["good", *STREAMED]
    }
    unparseable = [name for name in answers if name.endswith(("broken head", "long head", "broken chunk"))]
    assert campaign.sinks["decision log"].count(b"\n") == len(answers) - len(unparseable)
    assert all(sink for sink in campaign.sinks.values())


@pytest.mark.parametrize("canary", [*CALLERS, *UPSTREAMS, OUTPUT])
def test_no_canary_is_kept_anywhere(campaign, canary):
    sinks = {name for name, data in campaign.sinks.items() if canary.encode() in data}
    assert sinks == set()


@pytest.mark.parametrize("canary", UPSTREAMS)
def test_nothing_of_the_upstream_reaches_a_caller(campaign, canary):
    leaky = [name for name, found in campaign.answers.items() for one in found if canary.encode() in text_of(one)]
    assert leaky == []


def test_an_error_text_keeps_what_is_harmless(campaign):
    """Otherwise "nothing leaks" could be had by saying nothing."""
    message = error_of(campaign.answers["openai 400"][0])["message"]
    assert "refused key" in message
    assert "openai-400" in message
    assert OUTPUT in message


@pytest.mark.parametrize("canary", [one for one in CALLERS if one not in (MODEL, FIELD)])
def test_nothing_of_a_request_is_said_back(campaign, canary):
    leaky = [name for name, found in campaign.answers.items() for one in found if canary.encode() in text_of(one)]
    assert leaky == []


def test_secrets_of_the_gateway_are_nowhere(campaign):
    for what, secret in campaign.secrets.items():
        everywhere = {**campaign.sinks, "upstream": campaign.upstream}
        if what == "upstream address":
            del everywhere["upstream"]  # its own Host header
        assert [name for name, data in everywhere.items() if secret.encode() in data] == [], what
        for name, found in campaign.answers.items():
            assert not [one for one in found if secret.encode() in text_of(one)], (what, name)


@pytest.mark.parametrize("canary", [BAD_KEY, ODD_KEY, COOKIE, AGENT, QUERY, PATH, USER, ADDRESS, "sk-ex-"])
def test_what_identifies_a_caller_does_not_reach_the_upstream(campaign, canary):
    assert canary.encode() not in campaign.upstream


def test_the_upstream_got_its_own_credential(campaign):
    assert b"authorization: bearer " + UPSTREAM_KEY.encode() in campaign.upstream.lower()
    assert PROMPT.encode() in campaign.upstream


@pytest.mark.parametrize("play", STREAMED)
@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_stream_that_fails_ends_with_one_error_in_our_words(campaign, dialect, play):
    answer = campaign.answers[f"{dialect} {play}"][0]
    *events, last = [event for event in answer.body.split(b"\n\n") if event]
    assert OUTPUT.encode() in events[0]
    document = json.loads(last.partition(b"data: ")[2])
    assert document["error"]["message"]
    assert last.startswith(b"event: error\n" if dialect == "anthropic" else b"data: {")
    assert b"[DONE]" not in answer.body
    assert b"message_stop" not in answer.body


def test_every_line_of_the_log_is_one_json_object(campaign):
    for sink in ("log", "decision log"):
        for line in campaign.sinks[sink].splitlines():
            assert isinstance(json.loads(line), dict)


def test_no_refusal_shows_how_it_was_made(campaign):
    for name, found in campaign.answers.items():
        for one in found:
            for word in (b"Traceback", b"aiohttp", b"python", b"asyncio", b"jiter", b"/gateway/", b".py"):
                assert word.lower() not in text_of(one).lower(), (name, word)
            assert one.header("server") == "excise", name
            if one.status != 200:
                nowhere = name.endswith(("broken head", "long head", "broken chunk", "path"))  # no route, no dialect
                error_of(one, "anthropic" if name.startswith("anthropic") and not nowhere else "openai")
