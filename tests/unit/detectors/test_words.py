"""What the two text signals read of a turn. What their words find is a matter of the lexicons: tests/unit/texts."""

import pytest

from gateway.detectors import reasoning_elicitation, rubric
from gateway.detectors.sketch import Sketch
from tests.support.some_facts import read

SIGNALS = [
    (reasoning_elicitation, "Now let us think step by step about it."),
    (rubric, "Grade the answer from 1 to 10 by the following criteria."),
]
signals = pytest.mark.parametrize(("signal", "ask"), SIGNALS)


@signals
def test_each_has_its_lexicon(signal, ask):
    assert signal.present(read(ask), Sketch()) is True
    for other, others in SIGNALS:
        assert other is signal or signal.present(read(others), Sketch()) is False
    assert signal.present(read(""), Sketch()) is None


@signals
@pytest.mark.parametrize("filler", ["word " * 3000, "推理 " * 1800])
def test_both_ends_of_a_long_turn_are_read_and_its_middle_is_not(signal, ask, filler):
    assert signal.present(read(f" {ask} {filler}"), Sketch()) is True
    assert signal.present(read(f"{filler} {ask} "), Sketch()) is True
    assert signal.present(read(f"{filler} {ask} {filler}"), Sketch()) is False


@signals
def test_half_a_surrogate_breaks_nothing(signal, ask):
    assert signal.present(read(f"\ud800 {ask} \udfff"), Sketch()) is True
