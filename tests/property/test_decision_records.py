"""What is encoded in one call is what a plain rendering, member by member, would have written."""

import json
import math
import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields

from gateway.core.usage import Usage
from gateway.observe.facts import FactsRecord
from gateway.observe.record_values import clean, clean_text, micro, moment
from gateway.observe.records import (
    ConditionRecord,
    DecisionRecord,
    FindingRecord,
    LimitRecord,
    MarkRecord,
    OutputRecord,
    keep,
)

KEY = re.compile(r"sk-(ex|adm)-[0-9A-Za-z_]+", re.IGNORECASE)
TEXTS = st.one_of(
    st.text(st.characters(codec=None), max_size=150),
    st.sampled_from(
        ["sk-ex-4fAbC9_c2Vj", "a SK-ADM-x b", "bulk-extraction", "é" * 200, 'quote " and \\', "\ud800 half"]
    ),
)
COUNTS = st.integers(-(2**70), 2**70)
NUMBERS = st.floats(-1e12, 1e12)
FLAT = st.integers(0, 2**53)
"""Numbers that are read back as floats."""
PART = {str: TEXTS, int: COUNTS, bool: st.booleans(), float: NUMBERS}


def built(kind, **special):
    """Any value of each member."""
    parts = {field.name: PART[field.type] for field in fields(kind) if field.name not in special}
    return st.builds(kind, **parts, **special)


def listed(of):
    return st.lists(of, max_size=3).map(tuple)


def maybe(*of):
    return st.one_of(st.none(), *of)


FACTS = built(
    FactsRecord,
    tags=listed(TEXTS), account_age_s=maybe(COUNTS), client_country=maybe(TEXTS), top_logprobs=maybe(COUNTS),
    temperature=maybe(NUMBERS, FLAT), seed=maybe(st.booleans()), reasoning=maybe(st.booleans()), tools=maybe(COUNTS),
    response_format=maybe(TEXTS), messages=maybe(COUNTS), images=maybe(COUNTS), media=maybe(COUNTS),
    odd=maybe(listed(TEXTS)),
)  # fmt: skip
RECORDS = built(
    DecisionRecord,
    findings=listed(built(FindingRecord)),
    conditions=listed(built(ConditionRecord, holds=maybe(st.booleans()))),
    output=listed(built(OutputRecord)),
    tags=listed(TEXTS),
    reduced=listed(TEXTS),
    mark=maybe(built(MarkRecord)),
    facts=maybe(FACTS),
    limits=st.one_of(listed(built(LimitRecord)), st.just((LimitRecord("p", "l", "requests", 1, 2),) * 70)),
    usage=maybe(st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, estimated=st.booleans())),
    ttfb_s=maybe(NUMBERS),
)


def plainly(value):
    """By hand, with nothing of the code under test but the names of members."""
    if isinstance(value, Struct):
        return {field.name: plainly(getattr(value, field.name)) for field in fields(type(value))}
    if isinstance(value, Usage):
        return {name: getattr(value, name) for name in Usage.__dataclass_fields__}
    if isinstance(value, tuple):
        return [plainly(one) for one in value[:64]]
    if isinstance(value, str):
        said = KEY.sub(r"sk-\1-[redacted]", value)
        said = said if len(said) <= 128 else said[:128] + "…"
        return said.encode("utf-8", "replace").decode()
    return round(value, 6) if isinstance(value, float) else value


@given(RECORDS)
def test_a_line_parses_to_what_a_plain_rendering_says(record):
    wanted = {"schema": 1, **plainly(record)}
    line = record.as_line()
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
    # As text, so that the order of members and the kinds of numbers are compared too.
    assert json.dumps(json.loads(line)) == json.dumps(wanted)


@given(RECORDS)
def test_what_is_kept_is_the_line_and_reads_as_the_record(record):
    kept = record.kept()
    assert kept.line + b"\n" == record.as_line()
    assert kept.record() == clean(record)
    assert (kept.id, kept.account, kept.time) == tuple(map(clean_text, (record.id, record.account, record.time)))


@given(RECORDS)
def test_cleaning_twice_changes_nothing(record):
    once = clean(record)
    assert clean(once) == once


def test_half_a_character_that_nobody_cleaned_loses_no_record():
    record = DecisionRecord("\ud800", moment(0), "r", "chat", 200, "complete", "1")
    assert keep(record).record().id == "?"


@given(st.integers(0, 4_000_000_000_000))
def test_a_moment_is_the_time_to_the_millisecond(time_ms):
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)
    assert moment(time_ms) == instant.isoformat(timespec="milliseconds")
    assert DecisionRecord("i", moment(time_ms), "r", "chat", 200, "complete", "1").time_ms == time_ms


@given(st.floats(0, 1e6))
def test_a_duration_is_rounded_to_the_nearest_microsecond(seconds):
    rounded = micro(seconds)
    assert rounded == round(rounded, 6)
    assert abs(rounded - seconds) <= 5e-7 + math.ulp(seconds)
