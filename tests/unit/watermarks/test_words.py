"""Words of a text: the same however it was dressed, and nothing of code or addresses."""

import time

import pytest

from gateway.watermarks.words import VERSION, read_words

PLAIN = "It was a well known story, and she's told it (often) before."
WORDS = ["It", "was", "a", "well", "known", "story", "and", "she's", "told", "it", "often", "before"]


def test_words_are_letters_after_white_space():
    assert read_words(PLAIN).words == WORDS
    assert read_words("").words == []
    assert read_words("one\ntwo\tthree  four").words == ["one", "two", "three", "four"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("well-known", ["well"]),
        ("3rd 4 a1 b", ["b"]),
        ("don't can’t 'tis", ["don't", "can't"]),
        ("snake_case x", ["snakecase", "x"]),
        ("(also) [more]", ["also", "more"]),
        ("été naïve Ωmega", ["été", "naïve", "Ωmega"]),
    ],
)
def test_what_is_a_word(text, words):
    assert read_words(text).words == words


@pytest.mark.parametrize(
    "dressed",
    [
        PLAIN.replace("story", "**story**"),
        PLAIN.replace("story", "_story_"),
        "> " + PLAIN,
        "# " + PLAIN,
        f"“{PLAIN}”",
        PLAIN.replace("'", "’"),
        PLAIN.replace("was", "w\u200bas").replace("told", "to\u00adld"),
        PLAIN.replace("story", "\uff53\uff54\uff4f\uff52\uff59"),
        PLAIN.replace(" a ", "\u00a0a\u2003"),
        PLAIN.replace("known", "\ufeffknown"),
        "| " + PLAIN + " |",
    ],
)
def test_the_dress_makes_no_difference(dressed):
    assert read_words(dressed).words == WORDS


@pytest.mark.parametrize(
    "code",
    [
        "```python\nfor also in more: pass\n```\n",
        "~~~\nalso more\n~~~\n",
        "```\nnever closed also more",
        "`also more`",
        "https://example.com/also/more?x=also",
        "www.example.com/also",
        "also@example.com",
    ],
)
def test_code_and_addresses_are_left_out_and_counted(code):
    read = read_words(f"before\n{code}")
    assert read == (["before"], 1)
    assert read_words(f"`x` before\n{code}").left_out == 2


def test_text_after_a_block_counts_again():
    assert read_words("one\n```\ntwo\n```\nthree `four` five").words == ["one", "three", "five"]


@pytest.mark.parametrize(
    "hostile",
    ["`" * 100_000, "```\n" * 30_000, "a" + "\u0301" * 100_000, "(" * 100_000, "a'" * 60_000, "http://" * 15_000],
    ids=["backticks", "fences", "pile", "brackets", "apostrophes", "addresses"],
)
def test_hostile_texts_cost_no_more_than_their_length(hostile):
    """Half the text at most half the processor time and a bit: square time would take four times as long."""
    taken = []
    for text in (hostile[: len(hostile) // 4], hostile):
        best = min(_seconds(text) for _ in range(3))
        taken.append(max(best, 1e-3))
    assert taken[1] < 10 * taken[0]


def test_the_version_is_part_of_every_table():
    """A change of these rules makes other words of marked texts: raise it, and every table is refused."""
    assert VERSION == 1


def _seconds(text):
    began = time.process_time()
    read_words(text)
    return time.process_time() - began
