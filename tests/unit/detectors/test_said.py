"""What texts say is read once for each prompt, remembered for a while, and holds nothing of the text."""

import pytest

from gateway.detectors import said as room
from gateway.detectors.facts import EXCERPT, Said
from gateway.detectors.said import Readings, said
from tests.support.some_facts import facts

ASK = "Think step by step: how heavy is a still of copper, and why is it so?"


@pytest.fixture
def looked_up(monkeypatch):
    """The texts that were searched."""
    texts = []
    real = room.occurring

    def counted(head, tail):
        texts.append(head)
        return real(head, tail)

    monkeypatch.setattr(room, "occurring", counted)
    return texts


@pytest.mark.interpreted
def test_a_prompt_is_read_once(looked_up):
    readings = Readings()
    first = readings.of(facts(ASK))
    assert first == said(ASK, "")
    assert "reasoning" in first.lexicons
    assert readings.of(facts(ASK.upper() + " ")) is first, "nobody means a difference by that"
    assert readings.of(facts("Another")).lexicons == frozenset()
    assert len(looked_up) == 3, "two prompts, and the one outside of the readings"


def test_a_turn_without_text_says_nothing():
    readings = Readings()
    assert readings.of(facts(" \u200b ")) is None
    assert readings.of(facts(" \u200b ")) is None
    assert said("", "") is None


@pytest.mark.interpreted
def test_the_least_recently_seen_prompt_makes_room(looked_up):
    readings = Readings(limit=3)
    for text in ("a", "b", "c", "a", "d"):
        readings.of(facts(text))
    assert len(readings) == 3
    readings.of(facts("a"))
    assert looked_up == ["a", "b", "c", "d"]
    readings.of(facts("b"))
    assert looked_up[-1] == "b", "it had gone"


@pytest.mark.interpreted
def test_a_text_that_cannot_be_read_is_not_remembered(monkeypatch):
    readings = Readings()
    with monkeypatch.context() as patch:
        patch.setattr(room, "occurring", lambda _head, _tail: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            readings.of(facts(ASK))
    assert len(readings) == 0
    assert readings.of(facts(ASK)) == said(ASK, "")


def test_no_text_stays():
    readings = Readings()
    for text in (ASK, ASK * 100):
        readings.of(facts(text))
    for prompt, one in readings._known.items():
        assert type(prompt) is int
        assert type(one) is Said
        assert one.lexicons <= {"reasoning", "rubric"}
        assert all(type(end) is int and end < 1 << 32 for end in one.ends)


def test_both_ends_of_a_long_turn_are_read():
    filler = "the duty on spirits. " * EXCERPT
    assert "reasoning" in Readings().of(facts(filler + ASK)).lexicons
    assert "reasoning" not in Readings().of(facts(filler + ASK + filler)).lexicons
