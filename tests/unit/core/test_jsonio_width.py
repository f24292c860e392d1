"""Documents with too many values are refused before they are parsed, and no others are."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import jsonio

TEXT = st.text(alphabet='a,[]{}":\\ \n\u20ac', max_size=12)
DOCUMENTS = st.recursive(
    st.none() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXT, inner, max_size=6),
    max_leaves=40,
)


def values_in(document):
    if isinstance(document, dict):
        return 1 + sum(map(values_in, document.values()))
    if isinstance(document, list):
        return 1 + sum(map(values_in, document))
    return 1


@pytest.mark.interpreted
@given(document=DOCUMENTS, most=st.integers(1, 30), ascii_only=st.booleans())
def test_the_early_count_is_never_too_strict_and_never_twice_too_lax(document, most, ascii_only):
    data = json.dumps(document, ensure_ascii=ascii_only).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonio, "MAX_NODES", most)
        refused = jsonio._surely_too_wide(data)
    values = values_in(document)
    if refused:
        assert values > most
    if values > 2 * most + 1:
        assert refused


@pytest.mark.parametrize(
    "data",
    [
        b"[" + b",".join([b"[]"] * 5_000_000) + b"]",
        b"[" + b",".join([b'""'] * 5_000_000) + b"]",
        b"[" + b",".join([b"[" * 40 + b"]" * 40] * 100_000) + b"]",
        b"{" + b",".join(b'"%d":0' % number for number in range(1_000_000)) + b"}",
    ],
)
def test_too_many_values_cost_no_parse(data):
    began = time.process_time()
    with pytest.raises(jsonio.JsonError, match="more than 200000 values"):
        jsonio.loads(data)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("text", [", [ { " * 300_000, '\\",' * 500_000, "\\" * 1_000_001 + '",[' * 400_000])
def test_marks_inside_a_long_text_count_for_nothing(text):
    assert jsonio.loads(json.dumps({"content": text}).encode()) == {"content": text}


def test_the_limit_itself_is_exact():
    assert len(jsonio.loads(b"[" + b",".join([b"1"] * (jsonio.MAX_NODES - 1)) + b"]")) == jsonio.MAX_NODES - 1
    with pytest.raises(jsonio.JsonError, match="values"):
        jsonio.loads(b"[" + b",".join([b"1"] * jsonio.MAX_NODES) + b"]")
