"""Reading strings and usage out of bytes, against a real parser."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.scan import finder, string_pieces, string_size, texts, usage_object

STRINGS = finder("content")


@given(st.text(), st.booleans())
def test_a_strings_size_is_that_of_its_text(text, ascii_only):
    event = b'{"a":' + json.dumps(text, ensure_ascii=ascii_only).encode() + b',"b":"\\\\"}'
    assert string_size(event, 6) == len(text.encode())


def test_a_string_that_does_not_end_has_no_size():
    assert string_size(b'"abc', 1) == -1
    assert string_size(b'"abc\\"', 1) == -1


def test_a_string_that_is_no_json_has_its_raw_size():
    assert string_size(b'"\\ud800"', 1) == 6
    assert string_size(b'"\\q"', 1) == 2


DOCUMENTS = st.recursive(
    st.none() | st.text(max_size=5) | st.integers(),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(["content", "usage", "x", '"content":"']), below, max_size=3)
    ),
    max_leaves=10,
)


@given(DOCUMENTS, st.booleans(), st.booleans())
def test_scanning_finds_what_parsing_finds(document, spaced, ascii_only):
    separators = (", ", ": ") if spaced else (",", ":")
    body = json.dumps(document, separators=separators, ensure_ascii=ascii_only).encode()
    assert string_pieces(body, STRINGS) == texts(document, frozenset({"content"}))[1]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"usage":{"a":1}}', {"a": 1}),
        (b'{"usage" : \n {"a":{"b":{}}}, "c":"}"}', {"a": {"b": {}}}),
        (b'{"usage":{"a":1},"x":"usage"}', {"a": 1}),
        (b'{"usage":null}', None),
        (b'{"usage":{"a":', None),
        (b'{"usage":{"a":}}', None),
        (b"", None),
    ],
)
def test_usage_is_cut_out_by_its_braces(body, found):
    assert usage_object(body) == found
