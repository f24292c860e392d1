"""What is written of limits in one go is what records of them, one by one, would have written."""

from collections import defaultdict
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.units import Unit, prompt_amount, shown
from gateway.limit_sheet import LimitSheet, SheetLimit
from gateway.observe.record_values import MAX_LIST, clean_text, moment
from gateway.observe.records import DecisionRecord, LimitRecord, keep

NAMES = st.one_of(
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(["100%d", "%(a)s", 'quote "', "\ud800", "sk-ex-4fAbC9_c2", '"reserved":0,"remaining":0']),
)
LIMITS = st.builds(
    SheetLimit, NAMES, NAMES, st.sampled_from(Unit), st.sampled_from(["enforce", "audit"]), st.integers(1, 2**53)
)


def record(limits):
    return DecisionRecord("id", moment(0), "req", "chat", 200, "complete", "1", limits=limits)


@given(st.data())
def test_it_writes_what_its_records_would(data):
    limits = tuple(data.draw(st.lists(LIMITS, max_size=6)))
    reserved = data.draw(st.dictionaries(st.sampled_from(Unit), st.integers(0, 2**100)))
    remaining = [data.draw(st.integers(-(2**53), 2**53)) for _ in limits]
    unfit = data.draw(st.sets(st.sampled_from(range(len(limits))))) if limits else ()
    plain = tuple(
        LimitRecord(
            clean_text(limit.policy), clean_text(limit.name), limit.unit.value,
            shown(limit.unit, reserved.get(limit.unit, 0)), left, index in unfit, limit.mode,
        )
        for index, (limit, left) in enumerate(zip(limits, remaining, strict=True))
        if -(2**63) < shown(limit.unit, reserved.get(limit.unit, 0)) < 2**63
    )  # fmt: skip
    if len(plain) == len(limits):  # no amount is larger: a plan whose limits could count so far does not compile
        written = keep(record(LimitSheet(limits).written(reserved, remaining, unfit)))
        assert written.line == keep(record(plain)).line
        assert written.record().limits == plain


def test_amounts_that_name_a_prompt_are_translated():
    limits = tuple(SheetLimit("p", unit.value, unit, "enforce", 9) for unit in Unit)
    reserved = {Unit.DISTINCT_PROMPTS: prompt_amount(77), Unit.UNIQUE_OUTPUT_TOKENS: prompt_amount(77, 5)}
    written = keep(record(LimitSheet(limits).written(reserved, [1] * len(limits), ()))).record().limits
    assert {limit.unit: limit.reserved for limit in written if limit.reserved} == {
        "distinct_prompts": 1,
        "unique_output_tokens": 5,
    }


def test_a_record_has_only_the_first_of_very_many():
    limits = tuple(SheetLimit("p", str(index), Unit.REQUESTS, "enforce", 9) for index in range(MAX_LIST + 6))
    line = keep(record(LimitSheet(limits).written({}, [1] * len(limits), [0, MAX_LIST + 1])))
    written = line.record().limits
    assert [limit.limit for limit in written] == [str(index) for index in range(MAX_LIST)]
    assert [index for index, limit in enumerate(written) if limit.failing] == [0]


@pytest.mark.parametrize(("size", "used"), [(4, [0.25, 1.0, 1.5]), (0, [1.0, 1.0, 1.0])])
def test_what_was_used_is_told_by_limit(size, used):
    limits = (SheetLimit("p", "a", Unit.REQUESTS, "enforce", size), SheetLimit("p", "b", Unit.USD, "audit", 8))
    told = defaultdict(list)
    LimitSheet(limits).used([*zip((3, 0, -2), repeat(6))], told)
    assert told == {("p", "a"): used, ("p", "b"): [0.25] * 3}
