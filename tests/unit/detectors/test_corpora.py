"""What docs/signals.md says of real prompts: shares of each text signal in ordinary and in composed notable traffic.

The half of the wrappers, forms and rows that was looked at while the lexicons were written is not judged here.
"""

import re
from functools import cache
from random import Random

import pytest

from gateway.core.clock import ManualClock
from gateway.detectors.watchtower import Watchtower
from tests.support.corpora import (
    BENIGN,
    ELICITATION,
    TUNED_FORMS,
    TUNED_WRAPPERS,
    form,
    groups,
    needs_corpora,
    rows,
    turns,
    wrapper,
)
from tests.support.markdown import ROOT
from tests.support.some_facts import facts

pytestmark = needs_corpora

MEASURED = ("distinct_prompt", "single_turn", "repeated_wrapper", "reasoning_elicitation", "rubric")


class Shares:
    """A report that counts, per signal, how often it was there and how often it applied."""

    def __init__(self):
        self.there = dict.fromkeys(MEASURED, 0)
        self.all = dict.fromkeys(MEASURED, 0)

    def looked(self, _tier, signals, present, **_):
        for signal, there in zip(signals, present, strict=True):
            if signal in self.all and there is not None:
                self.all[signal] += 1
                self.there[signal] += there

    def share(self, signal):
        return self.there[signal] / self.all[signal]


def _seen(accounts):
    """Each account's rows one after the other, a request for each user turn."""
    shares = Shares()
    tower = Watchtower(shares, ManualClock().now_ms, 1000)
    for number, account in enumerate(accounts):
        for row in account:
            for text, turn in turns(row):
                tower.see(facts(text, account=f"a{number}", user_turns=turn, history=turn > 1))
            tower.drain()
    assert tower.dropped == 0
    return shares


@cache
def _corpus(name):
    return _seen(groups(name))


@pytest.mark.parametrize("name", BENIGN)
def test_ordinary_prompts_hardly_ever_ask_for_reasoning_or_grades(name):
    """Rows that were not looked at: every other one."""
    shares = _seen([rows(name)[1::2]])
    for signal in ("reasoning_elicitation", "rubric"):
        assert shares.share(signal) <= 0.01
    assert shares.there["rubric"] == 0


def test_requests_for_reasoning_are_found_in_wrappers_that_were_not_looked_at():
    unseen = [row for row in rows("cot") if wrapper(row) not in TUNED_WRAPPERS]
    assert {row["id"].split("-")[1] for row in unseen} == {"zh", "ja", "de", "fr", "es", "ru"}
    shares = _seen([unseen])
    assert shares.all["reasoning_elicitation"] == 72
    assert shares.share("reasoning_elicitation") >= 0.9


def test_requests_for_grades_are_found_in_forms_that_were_not_looked_at():
    shares = _seen([[row for row in rows("rubric") if form(row) not in TUNED_FORMS]])
    assert shares.all["rubric"] == 100
    assert shares.share("rubric") >= 0.9


@pytest.mark.parametrize("name", ["instruction_generation", "policy_rewrite"])
def test_other_elicitation_is_neither(name):
    shares = _corpus(name)
    assert shares.share("reasoning_elicitation") <= 0.05
    assert shares.share("rubric") <= 0.05


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("clinc", 0.0, 0.02), ("banking77", 0.0, 0.02), ("oasst_en", 0.0, 0.02), ("bfcl_live", 0.0, 0.04),
        ("gsm8k_test", 0.0, 0.02), ("sgd_dialogues", 0.0, 0.02), ("humaneval", 0.02, 0.2), ("tau_airline", 0.0, 0.15),
        ("t0_pipelines", 0.4, 0.8), ("cot", 0.6, 0.75), ("rubric", 0.9, 1.0), ("instruction_generation", 0.75, 1.0),
        ("policy_rewrite", 0.0, 0.1),
    ],
)  # fmt: skip
def test_wrappers_are_the_mark_of_programs_honest_or_not(name, least, most):
    assert least <= _corpus(name).share("repeated_wrapper") <= most


@pytest.mark.parametrize("one_in", [5, 16, 32])
def test_a_wrapper_shows_among_other_peoples_requests(one_in):
    """As behind a relay: questions in a wrapper of ours, one in so many between people's single requests."""
    people = [row for name in ("clinc", "banking77", "oasst_en", "bfcl_live") for row in rows(name) if "text" in row]
    mixed, wrapped = [], iter(rows("gsm8k_test"))
    for number, row in enumerate(Random(1).sample(people, len(people))):
        other = next(wrapped, None) if number % one_in == one_in - 1 else None
        mixed.append({"text": f"Solve this and give only the number: {other['text']}"} if other else row)
    number = sum("Solve this and give only" in row["text"] for row in mixed)
    people_alone = _seen([[row for row in mixed if "Solve this and give only" not in row["text"]]])
    found = _seen([mixed]).there["repeated_wrapper"] - people_alone.there["repeated_wrapper"]
    assert number > 100
    assert 0.9 * number <= found <= number


def test_the_documented_table_is_what_was_measured():
    """docs/signals.md gives percent without decimals; chance in the hashes moves none of them by more than one."""
    page = (ROOT / "docs" / "signals.md").read_text()
    for name in (*BENIGN, *ELICITATION):
        row = re.search(rf"^\| `{name}` \|([^\n]+)\|$", page, re.MULTILINE)
        assert row, name
        documented = [int(cell.strip().rstrip("%")) for cell in row[1].split("|")[-len(MEASURED) :]]
        measured = [100 * _corpus(name).share(signal) for signal in MEASURED]
        assert documented == pytest.approx(measured, abs=1.01), name
