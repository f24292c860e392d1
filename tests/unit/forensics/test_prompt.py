"""Words that the prompt has too are dropped, in runs of five, and nothing else."""

import pytest

from gateway.forensics.prompt import grams_of, without_grams

PROMPT = 'Please summarise: "The quick brown fox jumps over the lazy dog", in one line.'


@pytest.mark.parametrize(
    ("text", "left", "dropped"),
    [
        ("He said the Quick brown fox, jumps over it.", "He said      it.", 6),
        ("The quick brown fox runs over the lazy dog.", None, 0),
        ("one line", None, 0),
        ("", None, 0),
        (PROMPT, "            ", 14),
    ],
)
def test_runs_of_five(text, left, dropped):
    found, count = without_grams(text, grams_of(PROMPT))
    assert count == dropped
    assert found == (text if left is None else found)
    if left is not None:
        assert found.split() == left.split()


def test_without_a_prompt_nothing_changes():
    assert without_grams(PROMPT, frozenset()) == (PROMPT, 0)
    assert grams_of("four words are few") == frozenset()


def test_fences_stay_so_that_code_stays_code():
    prompt = "run this ```python x = 1 and y = 2 then``` and say"
    text = "ok\n```python x = 1\nand y = 2 then\n```\nprose"
    found, dropped = without_grams(text, grams_of(prompt))
    assert dropped > 0
    assert found.count("```") == text.count("```")


def test_lines_stay_lines():
    found, _ = without_grams("a\nb c d e f\ng", grams_of("b c d e f"))
    assert found.split("\n")[0] == "a"
    assert found.split("\n")[-1] == "g"
