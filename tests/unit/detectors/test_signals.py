"""Each signal: when it is present, when it is absent, and when it does not apply."""

import re

import pytest

from gateway.detectors import SIGNALS
from gateway.detectors.sketch import Sketch
from gateway.detectors.wrapper import BLOCK, ROOM
from tests.support.markdown import ROOT
from tests.support.some_facts import read

PRESENT = {signal.name: signal.present for signal in SIGNALS}
WEEK_S = 604_800


@pytest.mark.parametrize(
    ("signal", "changes", "expected"),
    [
        ("single_turn", {"user_turns": 1}, True),
        ("single_turn", {"user_turns": 2, "history": True}, False),
        ("single_turn", {"user_turns": 1, "history": True}, False),
        ("single_turn", {"user_turns": 0}, None),
        ("logprobs", {"logprobs": True}, True),
        ("logprobs", {}, False),
        ("multiple_choices", {"choices": 2}, True),
        ("multiple_choices", {"choices": 1}, False),
        ("stream_completed", {"stream": True, "completed": True}, True),
        ("stream_completed", {"stream": True, "completed": False}, False),
        ("stream_completed", {"stream": False, "completed": True}, None),
        ("new_account", {"account_age_s": 0}, True),
        ("new_account", {"account_age_s": WEEK_S - 1}, True),
        ("new_account", {"account_age_s": WEEK_S}, False),
        ("new_account", {"account_age_s": -5}, True),
        ("new_account", {"account_age_s": None}, None),
        ("young_model", {"model_age_s": WEEK_S - 1}, True),
        ("young_model", {"model_age_s": WEEK_S}, False),
        ("young_model", {"model_age_s": None}, None),
    ],
)
def test_signals_of_the_request_alone(signal, changes, expected):
    assert PRESENT[signal](read("Hello", **changes), Sketch()) is expected


@pytest.mark.parametrize("signal", ["distinct_prompt", "repeated_wrapper", "reasoning_elicitation", "rubric"])
def test_signals_of_text_do_not_apply_without_text(signal):
    assert PRESENT[signal](read(" \u200b "), Sketch()) is None


def test_reading_changes_nothing():
    sketch = Sketch()
    for signal in SIGNALS:
        assert signal.present(read("A question"), sketch) == signal.present(read("A question"), sketch)
    assert PRESENT["distinct_prompt"](read("A question"), sketch) is True


def test_a_prompt_is_distinct_once():
    sketch = Sketch()
    sketch.add(read("How heavy is a still?"))
    assert PRESENT["distinct_prompt"](read("how  HEAVY is a\u200b still?"), sketch) is False
    assert PRESENT["distinct_prompt"](read("How heavy is a cask?"), sketch) is True


HEAD = "Rewrite the following sentence in plain words: "
TAIL = " -- Answer with a single JSON object."


@pytest.mark.parametrize(("head", "tail"), [(HEAD, ""), ("", TAIL), (HEAD, TAIL), ("把下面的句子翻译成芬兰语：", "")])
def test_a_wrapper_is_called_repeated_from_the_fourth_new_prompt_on(head, tail):
    sketch, found = Sketch(), []
    for number in range(8):
        request = read(f"{head}{'zyxwvutsrq'[number]} is payload {number} of this and that, {number}{tail}")
        found.append(PRESENT["repeated_wrapper"](request, sketch))
        sketch.add(request)
    assert found == [False] * 3 + [True] * 5


def test_the_same_prompt_again_is_no_wrapper():
    sketch = Sketch()
    for number in range(6):
        sketch.add(read(f"{HEAD}payload {number} and something more"))
    assert PRESENT["repeated_wrapper"](read(f"{HEAD}payload 3 and something more"), sketch) is False
    assert PRESENT["repeated_wrapper"](read(f"{HEAD}payload 9 and something more"), sketch) is True


def test_two_wrappers_in_turn_are_both_seen():
    sketch = Sketch()
    for number in range(12):
        sketch.add(read(f"{(HEAD, 'Say in one word what this is about, please: ')[number % 2]} payload {number}"))
    assert PRESENT["repeated_wrapper"](read(f"{HEAD} payload 99"), sketch) is True


def test_short_prompts_have_no_room_for_a_wrapper():
    sketch = Sketch()
    for number in range(10):
        sketch.add(read(f"where is my parcel number {number}"))
    assert PRESENT["repeated_wrapper"](read("where is my parcel number 11"), sketch) is False
    assert read("x" * (ROOM - 1)).said.ends is None
    assert read("x" * ROOM).said.ends is not None


def test_the_ends_are_those_of_the_whole_turn():
    long = "a" * BLOCK + "b" * 5000 + "c" * BLOCK
    assert read(long).said.ends == read("a" * BLOCK + "d" * 900 + "c" * BLOCK).said.ends
    # The tail holds three characters only: what comes before them completes the block.
    assert read("b" * 2048 + "xyz").said.ends[1] == read("b" * 100 + "xyz").said.ends[1]
    assert read("b" * 2048 + "xyz").said.ends[1] != read("b" * 2048 + "xyy").said.ends[1]


def test_every_signal_has_its_section():
    page = (ROOT / "docs" / "signals.md").read_text()
    sections = re.findall(r"^### `(\w+)`$", page, re.MULTILINE)
    assert sections == [signal.name for signal in SIGNALS]
    for section in page.split("\n### `")[1:]:
        for part in ("**Means**", "**Computed**", "**Looks the same**", "**Do**"):
            assert part in section, f"{section[:20]}: {part}"
