"""`logit_bias` is never sent where it must not be: over request shapes of every route, from the body to the bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects import DIALECTS
from gateway.dialects.base import Bias, Rewrite
from gateway.upstreams.settings import KINDS
from gateway.watermarks.occasion import SKIPS, collides, kept, why_not
from tests.support.bodies import MINIMAL

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
EXTRAS = {
    "tools": [TOOL],
    "functions": [{"name": "f", "parameters": {}}],
    "response_format": {"type": "json_object"},
    "logprobs": True,
    "top_logprobs": 2,
    "suffix": "}",
    "modalities": ["text", "audio"],
    "echo": True,
}
"""Each of these forbids a mark by itself, wherever the route reads it."""
HARMLESS = {
    "stream": True,
    "temperature": 0,
    "n": 3,
    "seed": 4,
    "response_format": {"type": "text"},
    "modalities": ["text"],
    "tool_choice": "auto",
    "audio": {"voice": "v", "format": "mp3"},
    "max_tokens": 9,
    "stop": ["x"],
}
OF_ROUTE = {
    "chat": set(EXTRAS) - {"suffix", "echo"},
    "completions": {"suffix", "logprobs", "echo", "response_format"},
}
shapes = st.tuples(
    st.sampled_from(sorted(BY_NAME)),
    st.sets(st.sampled_from(sorted(EXTRAS))),
    st.sets(st.sampled_from(sorted(HARMLESS))),
)


@pytest.mark.parametrize(
    "odd",
    [
        {"response_format": {}},
        {"response_format": {"type": ""}},
        {"response_format": {"type": None}},
        {"response_format": "json_object"},
        {"response_format": [{"type": "json_object"}]},
        {"modalities": []},
        {"modalities": ["text", "text"]},
        {"modalities": "audio"},
        {"audio": {}},
        {"tool_choice": "auto", "tools": []},
        {"tool_choice": {"type": "function"}},
        {"logprobs": False},
    ],
    ids=str,
)
def test_a_field_that_an_upstream_ignores_switches_no_mark_off(odd):
    ask = BY_NAME["chat"].read({**MINIMAL["chat"], **odd})
    assert why_not("chat", ask, ()) is None


def test_sound_counts_only_where_an_upstream_can_make_it():
    ask = BY_NAME["chat"].read({**MINIMAL["chat"], "modalities": ["text", "audio"]})
    assert why_not("chat", ask, (), frozenset({"openai"})) == "format"
    assert why_not("chat", ask, (), frozenset({"openai", "vllm"})) == "format"
    assert why_not("chat", ask, (), frozenset({"llamacpp", "vllm"})) is None


@given(shapes, st.sampled_from([(), ("code",), ("prose", "code"), ("prose",)]))
def test_a_mark_is_allowed_exactly_where_nothing_forbids_it(shape, tags):
    route, forbidding, harmless = shape
    if route in OF_ROUTE:
        forbidding &= OF_ROUTE[route]
    extras = {name: HARMLESS[name] for name in harmless} | {name: EXTRAS[name] for name in forbidding}
    if route == "completions" and "logprobs" in extras:
        extras["logprobs"] = 2
    dialect = BY_NAME[route]
    ask = dialect.read({**MINIMAL[route], **extras})
    if not hasattr(ask, "body"):
        return  # refused before anybody thinks of marks
    skip = why_not(route, ask, tags)
    allowed = route in OF_ROUTE and not forbidding and "code" not in tags
    assert (skip is None) == allowed, (skip, route, forbidding)
    assert skip is None or skip in SKIPS


entries = st.dictionaries(
    st.one_of(st.integers(0, 40).map(str), st.sampled_from(["-1", "also", " 7", "٣", "7.0", "99999999999"])),
    st.floats(-100, 100, allow_nan=False),
    max_size=12,
)


@given(entries, st.sets(st.integers(0, 40)), st.integers(0, 12))
def test_what_stays_of_a_callers_entries_touches_no_word_of_the_pairs_and_fits(callers, known, room):
    left = kept(callers, known, room)
    assert left.items() <= callers.items()
    assert len(left) <= room
    assert all(key.isascii() and key.isdigit() and int(key) not in known for key in left)
    free = [key for key in callers if key.isascii() and key.isdigit() and len(key) < 10 and int(key) not in known]
    assert len(left) == min(room, len(free)), "an entry was taken away for nothing"
    assert collides(callers, known, room) == (left != callers)


@given(entries, st.dictionaries(st.integers(50, 90), st.floats(0.25, 3), min_size=1), st.sampled_from(KINDS))
def test_the_bytes_hold_both_kinds_of_entries_and_everything_else_is_as_without(callers, own, kind):
    for route in OF_ROUTE:
        dialect = BY_NAME[route]
        body = {**MINIMAL[route], "temperature": 1, "logit_bias": {"1": 5}}
        bias = Bias(callers, json.dumps(own).encode())
        sent = json.loads(dialect.rewrite(dialect.read(body), Rewrite("m", bias=bias), kind))
        plain = json.loads(dialect.rewrite(dialect.read(body), Rewrite("m"), kind))
        assert sent.pop("logit_bias") == callers | {str(token): value for token, value in own.items()}
        assert plain.pop("logit_bias") == {"1": 5}
        assert sent == plain
