"""What rules see is what is forwarded: the bytes sent, read by another parser, hold the same texts and parameters."""

import json
from collections import Counter

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ask import Ask
from gateway.core.jsonio import JsonError, loads
from gateway.dialects import DIALECTS
from gateway.dialects.base import Rewrite
from gateway.dialects.field_tables import KINDS, table
from gateway.dialects.reduction import Reduction
from gateway.dialects.texts import PARTS
from tests.support.bodies import MINIMAL

FIELDS = {dialect.name: sorted({name for kind in KINDS for name in table(dialect.name, kind)}) for dialect in DIALECTS}
KEYS = st.sampled_from(
    ["role", "content", "type", "text", "data", "source", "url", "image_url", "input", "arguments", "output", "tools",
     "name", "id", "call_id", "title", "properties", "description", "user_id", "effort", "budget_tokens", "two words"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["user", "system", "tool", "text", "image", "base64", "function_call", "tool_result", "low", "adaptive", "a", ""]
)
NUMBERS = st.sampled_from(
    ["0", "-0", "-0.0", "1", "1.0", "1E2", "1e-400", "0.1", "123456789012345678901234567890", "1e308", "5e-324", "true",
     "false", "null"]
)  # fmt: skip


class Number(str):
    """A number as it stands in the text."""

    __slots__ = ()


@st.composite
def spelt(draw, value):
    """One of the many spellings of a JSON document: escapes, white space, numbers as drawn."""
    gap = draw(st.sampled_from(["", " ", "\n\t"]))
    escape = draw(st.booleans())

    def string(text):
        if escape:
            units = text.encode("utf-16-be")
            return '"' + "".join(f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2)) + '"'
        return json.dumps(text, ensure_ascii=False)

    def write(node):
        if isinstance(node, Number):
            return str(node)
        if isinstance(node, str):
            return string(node)
        if isinstance(node, list):
            return "[" + gap + ("," + gap).join(map(write, node)) + gap + "]"
        if isinstance(node, dict):
            return "{" + ("," + gap).join(string(name) + gap + ":" + write(below) for name, below in node.items()) + "}"
        return json.dumps(node)

    return write(value).encode()


LEAVES = NUMBERS.map(Number) | WORDS | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
TREES = st.recursive(
    LEAVES, lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=4), max_leaves=12
)


@st.composite
def bodies(draw, dialect):
    body = dict(MINIMAL[dialect.name])
    body.update(draw(st.dictionaries(st.sampled_from(FIELDS[dialect.name]), TREES, max_size=4)))
    parts = st.lists(st.dictionaries(KEYS, TREES, max_size=4), min_size=1, max_size=3)
    if "messages" in body and draw(st.booleans()):
        body["messages"] = [{"role": draw(WORDS), "content": draw(parts)}, *draw(parts.map(with_role))]
    if dialect.name == "responses" and draw(st.booleans()):
        body["input"] = draw(parts)
    return body


def with_role(messages):
    return [{**message, "role": "user", "content": None} for message in messages]


@given(st.data(), st.sampled_from(DIALECTS), st.sampled_from(KINDS))
def test_texts_and_parameters_are_those_of_the_bytes_that_are_sent(data, dialect, kind):
    raw = data.draw(bodies(dialect).flatmap(spelt))
    body = loads(raw)
    assert body == json.loads(raw), "both parsers read the caller's bytes alike"
    ask = dialect.read(body)
    if not isinstance(ask, Ask):
        return
    texts, parameters = dialect.texts(ask.body), dialect.parameters(ask)
    sent = dialect.rewrite(ask, Rewrite("up", pseudonym="p"), kind)
    for parse in (json.loads, orjson.loads) if small(body) else (json.loads,):
        again = dialect.read(parse(sent))
        assert dialect.texts(again.body) == texts
        assert dialect.parameters(again) == parameters


@given(st.data(), st.sampled_from(DIALECTS), st.sampled_from(KINDS))
def test_a_reduced_request_has_the_same_text_and_is_estimated_as_it_is_sent(data, dialect, kind):
    ask = dialect.read(loads(data.draw(bodies(dialect).flatmap(spelt))))
    if not isinstance(ask, Ask):
        return
    before = dialect.texts(ask.body)
    how = data.draw(st.sampled_from([None, "less", "summary", "none"]))
    names = dialect.reduce(ask, Reduction(logprobs=True, max_n=2, reasoning=how), (kind,))
    if not isinstance(names, tuple):
        assert dialect.texts(ask.body) == before
        return
    after = dialect.texts(ask.body)
    for part in ("system", "user", "assistant", "tool"):
        assert getattr(after, part) == getattr(before, part)
    again = dialect.read(json.loads(dialect.rewrite(ask, Rewrite(ask.model), kind)))
    assert (again.choices, again.logprobs, again.output_cap) == (ask.choices, ask.logprobs, ask.output_cap)
    assert not ask.logprobs


@given(st.data(), st.sampled_from(DIALECTS))
def test_any_string_with_a_space_is_text_exactly_as_often_as_it_is_there(data, dialect):
    counter = iter(range(1_000_000))
    body = data.draw(bodies(dialect))
    replaced = {"model", "user", "safety_identifier"} if dialect.family.name == "openai" else {"model"}
    replaced |= {"store"} if dialect.name == "responses" else set()
    wanted: Counter[str] = Counter()

    def mark(node, *, counted):
        if isinstance(node, list):
            return [mark(item, counted=counted) for item in node]
        if isinstance(node, dict):
            marked = {}
            for name, below in node.items():
                if data.draw(st.booleans()) and name not in ("role", "content", "type"):
                    name = f"{name} key {next(counter)}"
                    wanted[name] += counted
                marked[name] = mark(below, counted=counted)
            return marked
        if isinstance(node, str) and not isinstance(node, Number):
            node = f"{node} leaf {next(counter)}"
            wanted[node] += counted
        return node

    for name in body:
        if name not in ("role", "type") and not (name == "metadata" and dialect.name == "messages"):
            body[name] = mark(body[name], counted=name not in replaced)
    texts = dialect.texts(body)
    found = Counter(piece for part in PARTS for piece in getattr(texts, part))
    assert {piece: found[piece] for piece in wanted} == dict(wanted)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"model":"m","messages":[{"role":"user","content":"a","content":"b"}]}',
        b'{"model":"m","messages":[{"role":"user","c\\u006fntent":"a","content":"b"}]}',
        b'{"model":"m","messages":[],"messages":[{"role":"user","content":"b"}]}',
        b'{"model":"m","temperature":1e400}',
        b'{"model":"m","temperature":NaN}',
        b'{"model":"m","temperature":Infinity}',
        b'{"model":"m","n":01}',
        b'{"model":"m","n":0x1}',
        b'{"model":"m","prompt":"\\ud800"}',
        b'{"model":"m","prompt":"\xff"}',
        b'{"model":"m","tools":' + b'[{"a":' * 40 + b"1" + b"}]" * 40 + b"}",
        b'{"model":"m"} {"model":"n"}',
    ],
)
def test_documents_with_two_readings_never_get_as_far_as_their_text(raw):
    with pytest.raises(JsonError):
        loads(raw)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_deepest_document_that_is_parsed_is_read(dialect):
    nested = b'{"a":[' * 31 + b'"deep down"' + b"]}" * 31
    body = {**MINIMAL[dialect.name], "tools": None, "metadata": loads(nested)}
    assert dialect.texts(body).definitions[0] == "deep down"


def small(value):
    """Whether all its integers fit what orjson reads."""
    if isinstance(value, list):
        return all(map(small, value))
    if isinstance(value, dict):
        return all(map(small, value.values()))
    return not isinstance(value, int) or abs(value) < 1 << 63
