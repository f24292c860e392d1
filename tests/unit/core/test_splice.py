import base64
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import jsonio
from gateway.core.splice import MIN_SPAN, splice

PICTURE = base64.b64encode(random.Random(1).randbytes(150_000)).decode()


def body(*pictures, text="what is this?"):
    parts = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{one}"}} for one in pictures]
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": [*parts, text]}]}).encode()


def through(raw):
    """What would be forwarded: spliced, parsed, serialised, restored."""
    short, splices = splice(raw)
    out = jsonio.dumps(jsonio.loads(short))
    return splices.restore(out) if splices else out, splices


@pytest.mark.parametrize("count", [1, 2, 5])
def test_pictures_are_lifted_and_put_back(count):
    raw = body(*([PICTURE] * count))
    short, splices = splice(raw)
    assert len(short) < 2000
    assert (len(splices), splices.size) == (count, count * len(PICTURE))
    out, _ = through(raw)
    assert json.loads(out) == json.loads(raw)


def test_a_bare_base64_string_is_lifted_too():
    raw = json.dumps({"source": {"type": "base64", "data": PICTURE}}).encode()
    out, splices = through(raw)
    assert len(splices) == 1
    assert json.loads(out) == json.loads(raw)


@pytest.mark.parametrize(
    "text",
    ["word " * 40_000, PICTURE[: MIN_SPAN - 1], PICTURE + "\\n", "é" + PICTURE, PICTURE[:50_000] + "." + PICTURE],
)
def test_what_is_not_plain_base64_stays(text):
    raw = json.dumps({"text": text}, ensure_ascii=False).encode()
    assert splice(raw) == (raw, None)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1}' + PICTURE.encode(),
        b'{"a":"b"' + PICTURE.encode() + b'"c"}',
        b'"' + PICTURE.encode(),
        PICTURE.encode() + b'"',
        b'{"a":"' + PICTURE.encode() + b'" "x"}',
        b'{"a":"' + PICTURE.encode() + b'","a":"' + PICTURE.encode() + b'"}',
        b'{"a":"\n' + PICTURE.encode() + b'"}',
    ],
    ids=["after", "between", "unclosed", "unopened", "trailing", "duplicate", "control"],
)
def test_what_was_no_json_is_none_afterwards(raw):
    with pytest.raises(jsonio.JsonError):
        through(raw)


def test_an_escaped_quote_before_a_span_changes_nothing():
    raw = b'{"a":"x\\"' + PICTURE.encode() + b'"}'
    out, splices = through(raw)
    assert len(splices) == 1
    assert json.loads(out) == json.loads(raw)


def test_nobody_can_write_a_stand_in():
    first, _ = splice(body(PICTURE))
    stand_in = first[first.index(b"splice-") : first.index(b"splice-") + 46]
    out, _ = through(body(PICTURE, text=stand_in.decode()))
    assert out.count(PICTURE.encode()) == 1
    assert stand_in in out


def test_a_lifted_string_has_a_name_that_only_it_has():
    def named(*pictures):
        short, splices = splice(json.dumps(["say", *pictures]).encode())
        assert len(splices) == len(pictures)
        return splices.named(" ".join(jsonio.loads(short)))

    other, longer = "B" + PICTURE[1:], PICTURE + "AAAA"
    assert named(PICTURE, other) == named(PICTURE, other)
    assert (
        len({named(PICTURE), named(other), named(longer), named(PICTURE[:-4] + "AAAA"), named(PICTURE, PICTURE)}) == 5
    )
    assert named(PICTURE).startswith(f"say {len(PICTURE)}-")
    text = "no stand-in in it"
    assert splice(body(PICTURE))[1].named(text) is text


@given(
    st.lists(
        st.one_of(
            st.text(max_size=20),
            st.integers(MIN_SPAN - 2, MIN_SPAN * 3).map(lambda size: (PICTURE * 2)[:size]),
            st.integers(MIN_SPAN, MIN_SPAN * 2).map(lambda size: "data:a/b;base64," + PICTURE[:size]),
            st.integers(),
        ),
        max_size=6,
    )
)
def test_any_document_means_the_same_afterwards(values):
    raw = json.dumps({"values": values, "more": {str(i): v for i, v in enumerate(values)}}).encode()
    out, _ = through(raw)
    assert json.loads(out) == json.loads(raw)
