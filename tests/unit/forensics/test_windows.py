"""Windows: they cover the text, halve, and are as many as is said."""

from itertools import pairwise

import pytest

from gateway.forensics.windows import LEAST_WORDS, MOST, windows_of


def words(count):
    return " ".join(f"w{number}" for number in range(count))


def test_a_short_text_has_none():
    assert windows_of(words(2 * LEAST_WORDS - 1)) == []
    assert windows_of("") == []


@pytest.mark.parametrize("count", [240, 241, 999, 4000, 100_000])
def test_each_length_covers_the_text_and_neighbours_overlap(count):
    found = windows_of(words(count))
    assert 3 <= len(found) <= MOST
    for length in {window.end - window.begin for window in found}:
        level = [window for window in found if window.end - window.begin == length]
        assert level[0].begin == 0
        assert level[-1].end == count
        assert all(two.begin - one.begin <= length // 2 for one, two in pairwise(level))
        assert length >= LEAST_WORDS


def test_a_window_holds_its_words_as_they_stand():
    text = "  one\ttwo\n\n" + words(300)
    window = windows_of(text)[0]
    assert window.text.split() == text.split()[window.begin : window.end]
    assert window.text.startswith("one\ttwo\n\nw0")


def test_any_passage_fills_half_of_some_window():
    found = windows_of(words(4000))
    for begin in range(0, 3000, 37):
        end = begin + 1000
        best = max(
            (min(end, window.end) - max(begin, window.begin)) / (window.end - window.begin)
            for window in found
            if window.end - window.begin >= 500
        )
        assert best >= 0.5
