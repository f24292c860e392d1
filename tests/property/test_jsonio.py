"""What is written is what was read, and what the standard library writes but for the spelling of floats."""

import json
import math
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.jsonio import MAX_DEPTH, JsonError, _values, dumps, loads

INTEGERS = st.integers() | st.integers(-(10**40), 10**40)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["null", "\x00\x1f\x7f", '\\"', "\u2028😀"])


def documents(leaves):
    return st.recursive(leaves, lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4))


PLAIN = st.none() | st.booleans() | INTEGERS | TEXTS
ANY = documents(PLAIN | FLOATS)


def standard(document):
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


@given(ANY)
def test_reading_what_was_written_gives_the_same(document):
    again = loads(dumps(document))
    assert repr(again) == repr(document), "the same types, and -0.0 too"


@given(documents(PLAIN))
def test_without_floats_the_bytes_are_those_of_the_standard_library(document):
    assert dumps(document) == standard(document)


@given(ANY)
def test_floats_are_spelt_otherwise_and_nothing_else_is(document):
    assert standard(json.loads(dumps(document))) == standard(document)


@given(ANY, st.sampled_from([None, 2]), st.booleans())
def test_whatever_the_spelling_writing_it_again_changes_nothing_more(document, indent, ascii_only):
    written = dumps(loads(json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()))
    assert written == dumps(document)
    assert dumps(loads(written)) == written


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda n: n,
        lambda n: [1, "null", n],
        lambda n: {"a": {"b": [n]}},
        lambda n: (None, n),
        lambda n: OrderedDict(a=n),
    ],
)
def test_what_is_no_number_is_refused(number, wrap):
    with pytest.raises(ValueError, match=r"NaN"):
        dumps(wrap(number))


@given(ANY)
def test_no_infinity_comes_in_anywhere(document):
    body = standard([document, "@"]).replace(b'"@"', b"1e999")
    if body.count(b"1e999") == 1:
        with pytest.raises(JsonError, match="out of range"):
            loads(body)


def test_half_a_character_is_refused():
    for document in ("\ud800", {"\udfff": 1}, ["x\ud800"]):
        with pytest.raises(ValueError, match="surrogates"):
            dumps(document)


def test_subclasses_of_plain_types_are_written_as_those():
    class Name(str):
        __slots__ = ()

    class Count(int):
        pass

    assert dumps({Name("a"): [Name("é"), Count(3), True, None]}) == '{"a":["é",3,true,null]}'.encode()
    with pytest.raises(TypeError):
        dumps(object())


@pytest.mark.parametrize(("depth", "fits"), [(64, True), (65, False)])
def test_depth_is_bounded_whatever_stands_beside(depth, fits):
    body = b'{"a":[1,"x",{"b":' * (depth // 3) + b"[" * (depth % 3) + b"1" + b"]" * (depth % 3) + b"}]}" * (depth // 3)
    if fits:
        assert dumps(loads(body)) == body
    else:
        with pytest.raises(JsonError, match="deeper"):
            loads(body)


@given(
    ANY,
    st.sampled_from(["{0}", "[{0}]", '{{"a":{0},"b":1e999}}', '{{"a":[1,-1e400,{0}]}}', "[" * 64 + "{0}" + "]" * 64]),
)
def test_values_are_counted_and_judged_as_a_model_does(document, around):
    parsed = json.loads(around.format(json.dumps(document)))
    depth, values, infinite = _model(parsed)
    if depth > MAX_DEPTH or infinite:
        with pytest.raises(JsonError):
            _values([parsed], 0)
    else:
        assert _values([parsed], 0) == values


def _model(value):
    """How deep it goes, how many values it is, and whether any is an infinity."""
    if not isinstance(value, dict | list):
        return 0, 1, isinstance(value, float) and math.isinf(value)
    below = [_model(inner) for inner in (value.values() if isinstance(value, dict) else value)]
    deepest = max((depth + 1 for depth, _, _ in below), default=0)
    return deepest, 1 + sum(values for _, values, _ in below), any(infinite for _, _, infinite in below)


@pytest.mark.parametrize("beside", [1, 5000])
@pytest.mark.parametrize(("depth", "fits"), [(62, True), (63, True), (64, True), (65, False)])
def test_a_document_small_or_not_may_nest_as_deeply(depth, fits, beside):
    body = b'{"a":' * depth + b'"' + b"x" * beside + b'"' + b"}" * depth
    if fits:
        assert dumps(loads(body)) == body
    else:
        with pytest.raises(JsonError, match="deeper"):
            loads(body)
