import json
import re
from dataclasses import fields as members_of_usage
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from gateway.core.reasons import ACTIONS, NOT_EVALUATED
from gateway.core.units import Unit
from gateway.core.usage import Usage
from gateway.observe.facts import FactsRecord
from gateway.observe.record_values import MAX_LIST, MAX_TEXT, moment
from gateway.observe.records import (
    ConditionRecord,
    DecisionRecord,
    FindingRecord,
    LimitRecord,
    MarkRecord,
    OutputRecord,
)
from gateway.policy.actions import WORDS
from gateway.watermarks.occasion import SKIPS

DOCS = Path(__file__).parents[3] / "docs" / "decision-records.md"
TEXT_FIELDS = [field.name for field in fields(DecisionRecord) if field.type is str]
FACTS = FactsRecord(
    "DE", "", True, "research", ("edu",), 86_400, 0, "clear", 1, False, 256, 12, 1, temperature=1 / 3, messages=1
)  # fmt: skip
SECRET = "sk-ex-4fAbC9_c2VjcmV0c2VjcmV0c2VjcmV0x7"


def record(**changes) -> DecisionRecord:
    facts = {
        "id": "dec_1",
        "time": moment(1_800_000_000_123),
        "request_id": "req_1",
        "route": "chat",
        "status": 200,
        "outcome": "complete",
        "version": "1.2.3",
    }
    return DecisionRecord(**{**facts, **changes})


def full() -> DecisionRecord:
    return record(
        account="acme",
        usage=Usage(10, 20, estimated=True),
        findings=(FindingRecord("free", "rpm", "deny", "audit", "rate_limit_exceeded", "Terms, 2"),),
        conditions=(ConditionRecord("free/rubrics", "0a1b2c3d", holds=None),),
        output=(OutputRecord("free", "names", "stop", "enforce", "matched", ended=True),),
        tags=("campaign",),
        delay_s=2,
        reduced=("logprobs",),
        mark=MarkRecord("marked", "", "2026-q4", "gemma-3", 1, 1 / 3),
        facts=FACTS,
        limits=(LimitRecord("free", "rpm", "requests", 1, 59), LimitRecord("free", "usd", "usd", 5, -2, failing=True)),
        duration_s=1.23456789,
        ttfb_s=0.5,
        cost_nano_usd=2**60,
    )


def test_a_record_is_one_line_of_json():
    line = full().as_line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    read = json.loads(line)
    assert read == full().as_dict()
    assert read["time"] == "2027-01-15T08:00:00.123+00:00"
    assert read["usage"] == {
        "input_tokens": 10,
        "output_tokens": 20,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
        "estimated": True,
    }
    assert read["limits"][1] == {
        "policy": "free",
        "limit": "usd",
        "unit": "usd",
        "reserved": 5,
        "remaining": -2,
        "failing": True,
        "mode": "enforce",
    }
    assert read["findings"] == [
        {
            "policy": "free",
            "rule": "rpm",
            "action": "deny",
            "mode": "audit",
            "reason": "rate_limit_exceeded",
            "clause": "Terms, 2",
        }
    ]
    assert read["conditions"] == [{"rule": "free/rubrics", "revision": "0a1b2c3d", "holds": None}]
    assert read["output"] == [
        {
            "policy": "free",
            "rule": "names",
            "action": "stop",
            "mode": "enforce",
            "state": "matched",
            "why": "",
            "ended": True,
            "late": False,
        }
    ]
    assert (read["tags"], read["delay_s"], read["reduced"]) == (["campaign"], 2, ["logprobs"])
    assert read["mark"] == {
        "result": "marked",
        "why": "",
        "epoch": "2026-q4",
        "family": "gemma-3",
        "list_index": 1,
        "strength": 0.333333,
    }
    assert read["facts"]["temperature"] == 0.333333
    assert read["facts"]["tags"] == ["edu"]
    assert read["facts"]["client_country"] is None
    assert read["duration_s"] == 1.234568
    assert read["cost_nano_usd"] == 2**60


def test_words_of_a_closed_set_are_written_as_text():
    read = json.loads(record(outcome=Unit.USD, limits=(LimitRecord("p", "l", Unit.REQUESTS, 1, 1),)).as_line())
    assert (read["outcome"], read["limits"][0]["unit"]) == ("usd", "requests")


def test_the_order_of_members_never_changes():
    assert list(record().as_dict()) == list(full().as_dict())
    assert list(record().as_dict())[:4] == ["schema", "id", "time", "request_id"]


def test_absent_facts_are_null_not_missing():
    read = record().as_dict()
    assert read["usage"] is None
    assert read["ttfb_s"] is None
    assert read["mark"] is None
    assert read["limits"] == []


@example({"request_id": "lone \ud800 surrogate"})
@given(st.dictionaries(st.sampled_from(TEXT_FIELDS), st.text(st.characters(codec=None), max_size=400)))
def test_any_text_in_any_field_stays_one_bounded_line(texts):
    line = record(**texts).as_line()
    assert line.count(b"\n") == 1
    read = json.loads(line)
    assert all(len(value) <= MAX_TEXT + 1 for value in read.values() if isinstance(value, str))


def test_a_key_put_into_any_field_by_mistake_does_not_get_out():
    assert len(TEXT_FIELDS) > 15
    line = record(
        **dict.fromkeys(TEXT_FIELDS, f"oops {SECRET}"),
        findings=(FindingRecord(SECRET, SECRET, SECRET, SECRET, SECRET, SECRET),),
        conditions=(ConditionRecord(SECRET, SECRET, holds=True),),
        output=(OutputRecord(SECRET, SECRET, SECRET, SECRET, SECRET, SECRET),),
        tags=(SECRET,),
        reduced=(SECRET,),
        mark=MarkRecord(SECRET, SECRET, SECRET, SECRET),
        facts=replace(
            FACTS,
            country=SECRET,
            owner_country=SECRET,
            declared_purpose=SECRET,
            tags=(SECRET,),
            standing=SECRET,
            client_country=SECRET,
            response_format=SECRET,
            odd=(SECRET,),
        ),
        limits=(LimitRecord(SECRET, SECRET, SECRET, 1, 1, mode=SECRET),),
    ).as_line()
    assert b"c2VjcmV0" not in line
    assert b"4fAbC9" not in line
    assert line.count(b"[redacted]") == len(TEXT_FIELDS) + 6 + 2 + 6 + 2 + 4 + 8 + 4


@pytest.mark.parametrize("key", [SECRET, SECRET.replace("sk-ex", "SK-EX"), SECRET.replace("sk-ex", "sK-adm")])
def test_a_key_is_known_in_any_case(key):
    assert b"c2VjcmV0" not in record(policy=key).as_line()


def test_a_long_text_is_cut_so_that_no_prompt_fits():
    prompt = "CANARY " * 50 + "the tail of a prompt"
    assert b"the tail" not in record(policy=prompt).as_line()


def test_lists_are_bounded():
    read = record(limits=(LimitRecord("p", "l", "requests", 1, 1),) * 1000).as_dict()
    assert len(read["limits"]) == MAX_LIST


def test_the_documentation_lists_every_member_in_order():
    documented = re.findall(r"^\| `(\w+)` \|", DOCS.read_text().split("## ")[0], re.MULTILINE)
    assert documented == list(full().as_dict())


def test_the_documentation_lists_every_fact_in_order():
    documented = re.findall(r"^\| `facts\.(\w+)` \|", DOCS.read_text(), re.MULTILINE)
    assert documented == list(full().as_dict()["facts"])


def test_the_documented_example_has_the_shape_of_a_record():
    example = json.loads(DOCS.read_text().split("```json\n")[1].split("```")[0])
    made = full().as_dict()
    assert list(example) == list(made)
    for part in ("facts", "findings", "conditions"):
        shown, real = example[part], made[part]
        assert list(shown) == list(real) if part == "facts" else list(shown[0]) == list(real[0])
    assert example["mark"] is None  # a refused request has no answer to mark; that of a marked one stands by itself
    (marked,) = re.findall(r"`\"mark\": (\{.+\})`", DOCS.read_text())
    assert list(json.loads(marked)) == list(made["mark"])


def test_the_documentation_says_why_an_answer_is_not_marked():
    section = DOCS.read_text().split("| `why` | meaning |\n")[1].split("\n\n")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))
    assert rows == SKIPS


def test_the_documentation_names_every_action_and_reason_of_findings():
    rows = re.findall(r"^\| `(\w+)` \| (`.*) \| .+ \|$", DOCS.read_text().split("## Findings")[1], re.MULTILINE)
    actions = {*WORDS, *ACTIONS, "not_evaluated"}
    assert {action for action, _ in rows} - {"action"} == actions
    assert set(re.findall(r"`(\w+)`", " ".join(reasons for _, reasons in rows))) >= {NOT_EVALUATED, *ACTIONS.values()}


def test_the_documentation_lists_the_members_of_parts():
    text = DOCS.read_text()
    for part, kind in (
        ("usage", Usage),
        ("limits", LimitRecord),
        ("findings", FindingRecord),
        ("conditions", ConditionRecord),
        ("output", OutputRecord),
        ("mark", MarkRecord),
    ):
        (line,) = re.findall(rf"^\| `{part}` \|.*$", text, re.MULTILINE)
        for field in members_of_usage(Usage) if kind is Usage else fields(kind):
            assert f"`{field.name}`" in line
