"""What every dialect must do."""

import copy
import json

import jiter
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.ask import Ask
from gateway.core.reasons import INVALID_FIELD, POLICY_DENIED, UNSUPPORTED_FIELD
from gateway.core.refusal import Refusal
from gateway.dialects import DIALECTS, FAMILIES
from gateway.dialects.base import Rewrite
from gateway.dialects.field_tables import KINDS, Group, table
from gateway.dialects.parameters import Parameters
from gateway.dialects.reduction import Reduction
from gateway.dialects.texts import Texts
from tests.support.asked import copied
from tests.support.bodies import MINIMAL

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
every_kind = pytest.mark.parametrize("kind", KINDS)
FULL = Rewrite(model="up", output_cap=7, ask_stream_usage=True, pseudonym="acct-1", cache_partition="org-1")


def body_of(dialect, **extra):
    return {**copy.deepcopy(MINIMAL[dialect.name]), **extra}


def read(dialect, **extra):
    ask = dialect.read(body_of(dialect, **extra))
    assert isinstance(ask, Ask), ask
    return ask


def test_names_and_paths_are_unique_and_families_shared():
    assert len({dialect.name for dialect in DIALECTS}) == len({dialect.path for dialect in DIALECTS}) == len(DIALECTS)
    assert {id(dialect.family) for dialect in DIALECTS} == {id(family) for family in FAMILIES}


@every_dialect
def test_a_minimal_body_is_read(dialect):
    ask = read(dialect)
    assert ask.model == "m"
    assert ask.prompt_bytes == len("hello")
    assert (ask.stream, ask.choices, ask.logprobs, ask.tools, ask.media_items) == (False, 1, False, False, 0)


@every_dialect
@every_kind
def test_a_minimal_body_passes_every_table(dialect, kind):
    assert dialect.check_fields(read(dialect), kind) is None


@every_dialect
@pytest.mark.parametrize("model", [None, "", 5, True, ["m"], {"a": 1}, "x" * 257])
def test_a_bad_model_is_named(dialect, model):
    refusal = dialect.read(body_of(dialect, model=model))
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.param) == (INVALID_FIELD, "model")


@every_dialect
@every_kind
@pytest.mark.parametrize("name", ["surprise", "x" * 5000, "a\nb", "", "watermark", "vllm_xargs", "cache_salt"])
def test_unlisted_and_engine_fields_are_refused(dialect, kind, name):
    refusal = dialect.check_fields(read(dialect, **{name: 1}), kind)
    assert refusal.reason is UNSUPPORTED_FIELD
    assert len(refusal.message) < 300
    assert "\n" not in refusal.message


@every_dialect
@every_kind
def test_unknown_fields_pass_only_where_they_may(dialect, kind):
    ask = read(dialect, surprise=1)
    passed = dialect.check_fields(ask, kind, pass_unknown=True) is None
    assert passed == (kind in ("openai", "azure"))
    assert dialect.check_fields(read(dialect, vllm_xargs={}), kind, pass_unknown=True) is not None


@every_dialect
@every_kind
def test_plain_fields_pass_whatever_their_value(dialect, kind):
    typed = {"model", "messages", "input", "prompt", "tools", "functions", "stream", "stream_options", "user",
             "safety_identifier", "system", "include", "instructions", "text", "metadata", "suffix",
             "prompt_cache_options", "thinking", "output_config"}  # fmt: skip
    for name, group in table(dialect.name, kind).items():
        if group is Group.PLAIN and name not in typed:
            for value in (None, 0, "text", [1], {"deep": [{"a": None}]}):
                ask = read(dialect, **{name: value})
                assert dialect.check_fields(ask, kind) is None, name
                assert json.loads(dialect.rewrite(ask, Rewrite("m"), kind))[name] == value


@every_dialect
@every_kind
def test_state_fields_may_be_null_or_false_only(dialect, kind):
    for name, group in table(dialect.name, kind).items():
        if group is Group.STATE:
            for harmless in (None, False):
                assert dialect.check_fields(read(dialect, **{name: harmless}), kind) is None
            value = True if name in ("store", "background") else {"id": "x"}
            assert dialect.check_fields(read(dialect, **{name: value}), kind).param == name


@every_dialect
@every_kind
def test_rewriting_changes_neither_the_ask_nor_itself(dialect, kind):
    extra = {"user": "bob"} if "user" in table(dialect.name, kind) else {}
    ask = read(dialect, **extra)
    before = copied(ask)
    first = dialect.rewrite(ask, FULL, kind)
    assert ask == before
    assert dialect.rewrite(ask, FULL, kind) == first
    assert json.loads(first)["model"] == "up"
    assert b"bob" not in first


@every_dialect
def test_what_is_rewritten_is_read_the_same(dialect):
    ask = read(dialect)
    again = dialect.read(json.loads(dialect.rewrite(ask, Rewrite("m"), "generic")))
    again.body = ask.body
    assert again == ask


@every_dialect
def test_the_text_of_a_minimal_body_is_the_users(dialect):
    assert dialect.texts(body_of(dialect)) == Texts(user=("hello",))


@every_dialect
def test_a_minimal_body_asks_for_nothing_special(dialect):
    assert dialect.parameters(read(dialect)) == Parameters(messages=1)


GREEDY = {
    "chat": {"n": 9, "best_of": 9, "logprobs": True, "top_logprobs": 9, "reasoning_effort": "high"},
    "completions": {"n": 9, "best_of": 9, "logprobs": 9, "echo": True},
    "embeddings": {},
    "responses": {"top_logprobs": 9, "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
                  "reasoning": {"effort": "high", "summary": "auto"}},
    "messages": {"n_probs": 9, "thinking": {"type": "enabled", "budget_tokens": 4096}},
    "count_tokens": {"thinking": {"type": "enabled", "budget_tokens": 4096}},
}  # fmt: skip


@every_dialect
@every_kind
@pytest.mark.parametrize("how", [None, "less", "summary", "none"])
def test_a_greedy_body_is_reduced_or_refused_and_the_parsed_document_stays(dialect, kind, how):
    body = body_of(dialect, **GREEDY[dialect.name])
    before, ask = copy.deepcopy(body), dialect.read(body)
    same = copied(ask)
    names = dialect.reduce(ask, Reduction(logprobs=True, max_n=2, reasoning=how), (kind,))
    assert body == before
    if isinstance(names, Refusal):
        assert names.reason is POLICY_DENIED
        assert how in ("summary", "none")
        assert kind not in ("openai", "azure")
        assert ask == same
        return
    assert bool(names) == (dialect.name not in ("embeddings", "count_tokens"))
    again = dialect.read(json.loads(dialect.rewrite(ask, Rewrite("m"), kind)))
    assert (again.logprobs, again.choices) == (ask.logprobs, ask.choices) == (False, min(2, same.choices))
    assert dialect.texts(again.body).user == ("hello",)
    assert dialect.reduce(ask, Reduction(logprobs=True, max_n=2, reasoning=how), (kind,)) == ()


@every_dialect
def test_a_reduction_of_nothing_changes_nothing(dialect):
    ask = read(dialect, **GREEDY[dialect.name])
    before = copied(ask)
    assert dialect.reduce(ask, Reduction(), KINDS) == ()
    assert ask == before


@every_dialect
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"{}", b'{"usage":null}', b'{"usage":5}', b'"usage"'])
def test_bodies_without_usage_have_none(dialect, body):
    assert dialect.usage(body) is None


@every_dialect
def test_the_caller_is_answered_in_its_family(dialect):
    wire = dialect.family.refuse(Refusal(INVALID_FIELD, "m", param="x"), "req_1")
    assert wire.status == 400
    assert json.loads(wire.body)["error"]["type"] == "invalid_request_error"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=8,
)
FIELDS = sorted({name for dialect in DIALECTS for kind in KINDS for name in table(dialect.name, kind)})


@given(st.sampled_from(DIALECTS), st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4), st.sampled_from(KINDS))
def test_any_body_is_read_or_refused_and_what_is_sent_has_one_reading(dialect, extra, kind):
    ask = dialect.read(body_of(dialect, **extra))
    if isinstance(ask, Refusal):
        assert ask.reason is INVALID_FIELD
        assert ask.param.split(".")[0] in ask.message
        return
    dialect.check_fields(ask, kind)
    sent = dialect.rewrite(ask, FULL, kind)
    assert json.loads(sent) == jiter.from_json(sent)
    if abs(max(integers_in(ask.body), default=0)) < 1 << 63:
        assert orjson.loads(sent) == json.loads(sent)


@given(st.sampled_from(DIALECTS), st.data())
def test_any_content_is_weighed_or_refused(dialect, data):
    name = next(name for name in ("messages", "input", "prompt") if name in MINIMAL[dialect.name])
    keys = st.sampled_from(["role", "content", "type", "source", "text", "image_url", "file", "output", "tools", "url"])
    value = data.draw(
        st.recursive(
            st.none() | st.text(max_size=3) | st.integers(0, 3) | st.sampled_from(["image", "url", "item_reference"]),
            lambda below: st.lists(below, max_size=3) | st.dictionaries(keys, below, max_size=3),
            max_leaves=12,
        )
    )
    ask = dialect.read(body_of(dialect, **{name: value, "tools": [{"type": value}]}))
    if isinstance(ask, Ask):
        assert ask.prompt_bytes >= 0
        for kind in KINDS:
            assert dialect.check_fields(ask, kind) is None or ask.body


def integers_in(value):
    if isinstance(value, dict):
        return [number for below in value.values() for number in integers_in(below)]
    if isinstance(value, list):
        return [number for below in value for number in integers_in(below)]
    return [abs(value)] if isinstance(value, int) else []
