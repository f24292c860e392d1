"""Bodies that are not one strict JSON document of the right types: a 400 in the caller's dialect, nothing forwarded.

And the other way round: what passes reaches the upstream with the meaning that was decided on.
"""

import json
import time

import pytest

from gateway.core import jsonio
from tests.support.rawhttp import CHAT, MESSAGES, Raw, chat_body, error_of, request
from tests.support.recording import recording
from tests.support.running import running
from tests.support.vectors import json_vectors, needs_vectors

CANARY = "canary-7f3a-body"


@pytest.fixture(scope="module")
def upstream():
    with recording() as one:
        yield one


@pytest.fixture(scope="module")
def gateway(upstream, tmp_path_factory):
    with running(tmp_path_factory.mktemp("gateway"), upstream=upstream.url + "/v1") as one:
        yield one


@pytest.fixture
def raw(gateway):
    with Raw(gateway.gateway.data_port) as one:
        yield one


@pytest.fixture
def send(gateway, raw):
    """Send a body on one connection that stays open: had a refusal lost its place, the next answer would show it."""

    def call(body, path=CHAT):
        raw.send(request(path, body, key=gateway.keys["acme"]))
        return raw.answer()

    return call


@pytest.fixture(autouse=True)
def still_healthy(gateway):
    yield
    gateway.settled()
    with Raw(gateway.gateway.data_port) as raw:
        raw.send(request(CHAT, chat_body(), key=gateway.keys["acme"]))
        assert raw.answer().status == 200


def embedded(value):
    """A good chat request with `value` in a field that passes untouched."""
    return b'{"model":"sim-small","metadata":' + value + b',"messages":[{"role":"user","content":"hi"}]}'


def refused(answer, dialect="openai", code="invalid_json"):
    error = error_of(answer, dialect)
    assert answer.status == 400, answer
    assert error["code"] == code, answer
    return error


OWN_BAD = {
    "empty": b"",
    "space": b" \n",
    "word": b"hello",
    "unclosed": b'{"model":"sim-small"',
    "unclosed string": b'{"model":"sim-sm',
    "single quotes": b"{'model':'sim-small'}",
    "comment": chat_body()[:-1] + b"/* x */}",
    "line comment": chat_body() + b"// x",
    "trailing comma": chat_body()[:-1] + b",}",
    "trailing data": chat_body() + b"x",
    "second document": chat_body() + chat_body(),
    "second document on a new line": chat_body() + b"\n" + chat_body(),
    "trailing nul": chat_body() + b"\0",
    "byte order mark": b"\xef\xbb\xbf" + chat_body(),
    "utf-16": chat_body().decode().encode("utf-16"),
    "utf-16 little end, no mark": chat_body().decode().encode("utf-16-le"),
    "utf-32": chat_body().decode().encode("utf-32"),
    "latin-1": b'{"model":"sim-small","messages":[{"role":"user","content":"\xe9"}]}',
    "overlong utf-8": embedded(b'"\xc0\xaf"'),
    "utf-8 surrogate": embedded(b'"\xed\xa0\x80"'),
    "beyond unicode": embedded(b'"\xf4\x90\x80\x80"'),
    "lone high surrogate": embedded(b'"\\ud83d"'),
    "lone low surrogate": embedded(b'"\\ude00"'),
    "reversed surrogates": embedded(b'"\\ude00\\ud83d"'),
    "surrogate as a key": embedded(b'{"\\ud83d":1}'),
    "control character": embedded(b'"\n"'),
    "NaN": embedded(b"NaN"),
    "Infinity": embedded(b"Infinity"),
    "-Infinity": embedded(b"-Infinity"),
    "1e999": embedded(b"1e999"),
    "-1e999": embedded(b"[[-1e999]]"),
    "leading zero": embedded(b"012"),
    "plus": embedded(b"+1"),
    "hex": embedded(b"0x10"),
    "5,000 digits": embedded(b"1" * 5000),
    "duplicate model": b'{"model":"sim-small","model":"sim-large",' + chat_body()[1:],
    "duplicate escaped": b'{"\\u006dodel":"sim-large",' + chat_body()[1:],
    "duplicate cap": chat_body(max_tokens=1)[:-1] + b',"max\\u005ftokens":100000}',
    "duplicate, equal": chat_body()[:-1] + b',"model":"sim-small"}',
    "duplicate below": embedded(b'{"a":{"b":1,"b":1}}'),
    "duplicate in a message": b'{"model":"sim-small","messages":[{"role":"user","role":"system","content":"x"}]}',
    "100,000 brackets": b"[" * 100_000,
    "100,000 closed brackets": embedded(b"[" * 100_000 + b"]" * 100_000),
    "100,000 objects": embedded(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "66 levels": embedded(b"[" * 65 + b"]" * 65),
    "a million keys": embedded(b"{" + b",".join(b'"%d":0' % n for n in range(1_000_000)) + b"}"),
    "eight million lists": embedded(b"[" + b",".join([b"[]"] * 8_000_000) + b"]"),
    "300,000 messages": b'{"model":"sim-small","messages":[' + b",".join([b"{}"] * 300_000) + b"]}",
    "null": b"null",
    "true": b"true",
    "number": b"1",
    "string": b'"model"',
    "list": b"[" + chat_body() + b"]",
}


@pytest.mark.parametrize("body", OWN_BAD.values(), ids=OWN_BAD)
@pytest.mark.parametrize(("path", "dialect"), [(CHAT, "openai"), (MESSAGES, "anthropic")])
def test_what_is_not_strict_json_is_refused(upstream, send, body, path, dialect):
    before = upstream.count()
    began = time.monotonic()
    error = refused(send(body, path), dialect)
    assert time.monotonic() - began < 2.0
    assert "Traceback" not in error["message"]
    assert upstream.count() == before


def test_a_message_about_bad_json_never_quotes_it(send):
    for body in (
        b'{"%s":1,"%s":2}' % (CANARY.encode(), CANARY.encode()),
        b'{"a":%s}' % CANARY.encode(),
        b'{"a":"%s' % CANARY.encode(),
        b'"%s"' % CANARY.encode(),
    ):
        answer = send(body)
        refused(answer)
        assert CANARY.encode() not in answer.body


@needs_vectors
@pytest.mark.parametrize("place", ["whole", "embedded"])
def test_every_vector_that_must_not_parse_is_refused(upstream, send, place):
    before = upstream.count()
    vectors = json_vectors("n")
    wrong = {}
    for name, data in vectors.items():
        answer = send(data if place == "whole" else embedded(data))
        if answer.status != 400 or error_of(answer)["code"] != "invalid_json":
            wrong[name] = answer
    assert wrong == {}
    assert len(vectors) > 180
    assert upstream.count() == before


DUPLICATES = {"y_object_duplicated_key", "y_object_duplicated_key_and_value"}
"""JSON allows them and parsers disagree about them: here they are refused."""


@needs_vectors
def test_every_vector_that_must_parse_is_forwarded_with_its_meaning(upstream, send):
    vectors = json_vectors("y")
    wrong = {}
    for name, data in vectors.items():
        before = upstream.count()
        answer = send(embedded(data))
        if name in DUPLICATES:
            refused(answer)
            assert upstream.count() == before
        elif answer.status != 200 or json.loads(upstream.bodies()[-1])["metadata"] != json.loads(data):
            wrong[name] = answer
    assert wrong == {}
    assert len(vectors) > 90


@needs_vectors
def test_no_vector_is_a_request_by_itself(upstream, send):
    before = upstream.count()
    for verdict in "yi":
        for name, data in json_vectors(verdict).items():
            answer = send(data)
            assert answer.status == 400, name
            assert error_of(answer)["code"] in ("invalid_json", "invalid_field"), name
    assert upstream.count() == before


ACCEPTED = {
    "i_number_double_huge_neg_exp",  # underflows to 0
    "i_number_real_underflow",
    "i_number_too_big_neg_int",  # whole numbers keep all their digits
    "i_number_too_big_pos_int",
    "i_number_very_big_negative_int",
}
"""What parsers may do as they like and is taken here; the rest is refused."""


@needs_vectors
def test_vectors_that_may_parse_are_refused_or_forwarded_as_decided(upstream, send):
    accepted = set()
    for name, data in json_vectors("i").items():
        before = upstream.count()
        answer = send(embedded(data))
        if answer.status == 200:
            accepted.add(name)
            forwarded = upstream.bodies()[-1]
            assert json.loads(forwarded)["metadata"] == jsonio.loads(embedded(data))["metadata"], name
        else:
            refused(answer)
            assert upstream.count() == before, name
    assert accepted == ACCEPTED


def test_the_deepest_body_that_passes_is_forwarded_whole(upstream, send):
    value = b"[" * 62 + b"1" + b"]" * 62
    assert send(embedded(value)).status == 200
    assert json.loads(upstream.bodies()[-1])["metadata"] == json.loads(value)


STRANGE = [
    "nul \0 in text", "line \u2028 separators \u2029", "\ufeff marks \ufffe\uffff", "\U000e0041 tags",
    "زبان \u200d\u200c",
    "🏴\U000e0067\U000e0062", "\x7f\x80", "</script>", "\\u0000 as text", "data: {}\n\n",
]  # fmt: skip


def test_any_valid_text_arrives_as_it_was_sent(upstream, send):
    for text in STRANGE:
        assert send(chat_body(text)).status == 200
        assert json.loads(upstream.bodies()[-1])["messages"][0]["content"] == text
        escaped = chat_body(text).decode("ascii").encode()
        assert send(escaped).status == 200
        assert json.loads(upstream.bodies()[-1])["messages"][0]["content"] == text


def test_what_is_forwarded_has_one_length_and_no_duplicate(upstream, send):
    assert send(chat_body("x", metadata={"a": [1, {"b": None}]})).status == 200
    head = upstream.heads()[-1].lower()
    assert head.count(b"content-length:") == 1
    assert b"transfer-encoding" not in head

    def unique(pairs):
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    json.loads(upstream.bodies()[-1], object_pairs_hook=unique)


HELLO = [{"role": "user", "content": "hi"}]
GOOD = {
    CHAT: {"model": "sim-small", "messages": HELLO},
    "/v1/completions": {"model": "sim-small", "prompt": "hi"},
    "/v1/embeddings": {"model": "sim-embed", "input": "hi"},
    "/v1/responses": {"model": "sim-small", "input": "hi"},
    MESSAGES: {"model": "sim-small", "messages": HELLO, "max_tokens": 5},
    "/v1/messages/count_tokens": {"model": "sim-small", "messages": HELLO},
}
NO_COUNT = ["1", 1.0, 1.5, 1e3, True, False, [], [1], {}, {"a": 1}, -1, 2**31, 2**53, 2**63, 2**64, 10**30]
NO_TOKENS = [*NO_COUNT, 0]
NO_FLAG = ["true", "", 1, 0, 1.0, [], {}, [True]]
NO_TEXT = [1, 1.5, True, ["x"], {"a": "b"}]
NO_OBJECT = ["x", 1, True, []]
NO_MESSAGES = [None, "hi", 1, True, {}, [], ["hi"], [1], [None], [[]], [{}], [{"role": 1, "content": "x"}],
               [{"role": "user", "content": 1}], [{"role": "user", "content": {"a": 1}}]]  # fmt: skip
NO_PROMPT = [None, 1, True, {}, [], [1.5], [True], ["a", 1], [[]], [["a"]], [None], [[1], "a"]]
NO_MODEL = [None, "", 1, 1.0, True, ["sim-small"], {"id": "sim-small"}, "m" * 257]
WRONG = {
    CHAT: {
        "model": NO_MODEL, "messages": NO_MESSAGES, "n": [*NO_TOKENS, 129], "best_of": NO_TOKENS,
        "max_tokens": NO_TOKENS, "max_completion_tokens": NO_TOKENS, "top_logprobs": NO_COUNT, "logprobs": NO_FLAG,
        "stream": NO_FLAG, "stream_options": NO_OBJECT, "tools": ["x", 1, True, {}, ["x"], [None]], "user": NO_TEXT,
        "safety_identifier": NO_TEXT,
    },
    "/v1/completions": {
        "model": NO_MODEL, "prompt": NO_PROMPT, "n": [*NO_TOKENS, 129], "best_of": NO_TOKENS,
        "max_tokens": NO_TOKENS, "logprobs": NO_COUNT, "echo": NO_FLAG, "stream": NO_FLAG, "suffix": NO_TEXT,
    },
    "/v1/embeddings": {"model": NO_MODEL, "input": NO_PROMPT, "user": NO_TEXT},
    "/v1/responses": {
        "model": NO_MODEL, "input": [None, 1, True, {}, [], ["x"], [1], [None]], "max_output_tokens": NO_TOKENS,
        "top_logprobs": NO_COUNT, "stream": NO_FLAG, "store": NO_FLAG, "background": NO_FLAG, "instructions": NO_TEXT,
        "include": ["x", 1, {}], "reasoning": NO_OBJECT, "text": NO_OBJECT, "tools": ["x", 1, {}, ["x"]],
    },
    MESSAGES: {
        "model": NO_MODEL, "messages": NO_MESSAGES, "max_tokens": [None, *NO_TOKENS], "stream": NO_FLAG,
        "thinking": NO_OBJECT, "output_config": NO_OBJECT, "metadata": NO_OBJECT, "system": [1, True, {}],
        "tools": ["x", 1, {}, ["x"]],
    },
    "/v1/messages/count_tokens": {"model": NO_MODEL, "messages": NO_MESSAGES, "thinking": NO_OBJECT},
}  # fmt: skip


@pytest.mark.parametrize(("path", "field"), [(path, field) for path, fields in WRONG.items() for field in fields])
def test_a_wrong_type_or_value_is_refused_by_name(upstream, send, path, field):
    before = upstream.count()
    for value in WRONG[path][field]:
        answer = send(json.dumps({**GOOD[path], field: value}).encode(), path)
        error = refused(answer, "anthropic" if path.startswith(MESSAGES) else "openai", "invalid_field")
        assert error["param"].partition(".")[0] == field, (value, answer)
        assert field in error["message"]
    assert upstream.count() == before


@pytest.mark.parametrize("path", GOOD)
def test_the_bodies_that_were_made_wrong_are_good_themselves(upstream, send, path):
    before = upstream.count()
    assert send(json.dumps(GOOD[path]).encode(), path).status == 200
    assert upstream.count() == before + 1
