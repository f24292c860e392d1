"""What is read of an answer quickly, and the advice that goes with it, against plainer ways to say the same."""

import json
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.usage import Usage
from gateway.dialects.anthropic_family import timestamp
from gateway.dialects.base import LimitAdvice
from gateway.dialects.openai_family import closest_limits
from gateway.dialects.scan import finder, markers, string_pieces, string_size
from gateway.dialects.usage_fields import count, inner, openai_usage, responses_usage

KEYS = ("content", "reasoning_content", "reasoning", "input")
STRINGS = finder(*KEYS)


def piece_by_piece(body):
    """One marker after another, each through the whole body."""
    size = 0
    for marker in (marker for style in markers(*KEYS) for marker in style):
        at = body.find(marker)
        while at >= 0:
            start = at + len(marker)
            size += max(0, string_size(body, start))
            at = body.find(marker, start)
    return size


@given(
    st.lists(
        st.sampled_from(
            [b'"content":"', b'"content": "', b'"reasoning_content":"', b'"reasoning": "', b'"input":"', b'"', b"\\",
             b'content":"', b'"content"', b":", b" ", b"x", b"\xc3\xa9", b"\\u00e9", b"{", b"}", b",", b"\n"]
        ),
        max_size=30,
    ).map(b"".join)
)  # fmt: skip
@example(b'"content":"content":"content":"x"')
@example(b'"content":"reasoning":"content":"x"')
@example(b'"content":"content": "x"')
def test_one_pass_finds_what_many_find_whatever_the_bytes(body):
    assert string_pieces(body, STRINGS) == piece_by_piece(body)


def test_json_of_another_spelling_has_the_same_output():
    document = {"choices": [{"message": {"content": 'a"b', "reasoning": "é"}}], "input": "x", "usage": None}
    for written in (json.dumps(document), json.dumps(document, separators=(",", ":")), json.dumps(document, indent=2)):
        assert string_pieces(written.encode(), STRINGS) == 3 + 2 + 1


COUNTS = st.sampled_from([None, 0, 5, -1, True, 1.5, "3", [3], 10**30])
DETAILS = st.dictionaries(st.sampled_from(["cached_tokens", "cache_write_tokens", "reasoning_tokens"]), COUNTS) | COUNTS
PARTS = ("prompt", "completion", "input", "output")
REPORTS = st.fixed_dictionaries(
    {},
    optional={
        **{f"{part}_tokens": COUNTS for part in (*PARTS, "total")},
        **{f"{part}_tokens_details": DETAILS for part in PARTS},
    },
)  # fmt: skip


@given(
    REPORTS | COUNTS, st.sampled_from([(openai_usage, "prompt", "completion"), (responses_usage, "input", "output")])
)
def test_a_report_is_read_field_by_field(report, api):
    reads, into, out = api
    told = {name: count(inner(report, name)) for name in (f"{into}_tokens", f"{out}_tokens", "total_tokens")}
    read, written, total = told.values()
    usage = reads(report)
    if read is None and written is None:
        assert usage is None
        return
    known = written is not None or total is not None
    assert usage == Usage(
        input_tokens=read or 0,
        output_tokens=written if written is not None else max(0, (total or 0) - (read or 0)),
        cache_read_tokens=count(inner(report, f"{into}_tokens_details", "cached_tokens")) or 0,
        cache_write_tokens=count(inner(report, f"{into}_tokens_details", "cache_write_tokens")) or 0,
        reasoning_tokens=count(inner(report, f"{out}_tokens_details", "reasoning_tokens")) or 0,
        estimated=read is None or not known,
    )


FAMILIES = ("requests", "tokens", "input-tokens", "output-tokens")
LIMITS = st.lists(
    st.builds(LimitAdvice, st.sampled_from(FAMILIES), st.integers(0, 9), st.integers(-2, 2), st.integers(0, 3)),
    max_size=8,
)


@given(LIMITS)
def test_the_limit_that_binds_first_is_shown(limits):
    closest = closest_limits(limits)
    for family in FAMILIES:
        mine = [limit for limit in limits if limit.family == family]
        assert closest.get(family) == min(mine, key=lambda limit: (limit.remaining, -limit.reset_ms), default=None)


@given(st.integers(0, 253_402_300_799_000))
def test_a_time_is_written_as_the_standard_library_does(milliseconds):
    seconds = -(-milliseconds // 1000)
    assert timestamp(milliseconds) == datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
