import pytest

from gateway.policy.output.escapes import unescaped
from gateway.policy.output.lane import Lane


def lane(text, window=8):
    one = Lane(window)
    one.add(text)
    return one


@pytest.mark.parametrize(
    ("rest", "past"),
    [
        ("abcdefg", False),
        ("abcdefgh", True),
        ("a b c d e f g", False),
        ("........", False),
        ("abc\u200bde\u00adfg", False),
        ("\\u0061bcdefg", False),  # seven letters, however they are written
        ("\\u0061bcdefgh", True),
        ("ÆÆÆÆÆÆÆ", False),  # more letters to the eye than characters of an expression
        ("ÆÆÆÆÆÆÆÆ", True),
    ],
)
def test_past_is_what_a_windows_worth_of_letters_has_followed(rest, past):
    assert lane("begin" + rest).is_past(5, 8) is past


def test_what_was_past_stays_past():
    one = lane("begin" + "x" * 8)
    assert one.is_past(5, 8)
    assert one.is_past(2, 8)
    assert not one.is_past(6, 8)


def test_trimming_keeps_the_places():
    one = lane("some words and more of them " * 40)
    end = one.end
    assert one.trim()
    assert len(one.text) < 100
    assert one.start + len(one.text) == one.end == end
    assert one.text.startswith(("some", "words", "and", "more", "of", "them"))
    assert not one.inside_word
    one.add("!")
    assert one.end == end + 1


def test_short_texts_are_left_alone():
    one = lane("word " * 17)
    assert one.trim()
    assert one.start == 0


def test_where_no_word_begins_the_cut_is_noted():
    one = lane("x" * 1000)
    assert one.trim()
    assert one.start > 0
    assert one.inside_word


@pytest.mark.parametrize("size", range(500, 520))
def test_no_escape_is_cut_in_two(size):
    one = lane(("\\u0074" * 200)[-size:])
    assert one.trim()
    assert one.start > 0
    assert one.text.startswith("\\u")
    assert set(unescaped(one.text)) == {"t"}


@pytest.mark.parametrize("hidden", [10, 50, 120])
def test_letters_that_are_hidden_far_apart_are_kept(hidden):
    letters = "abcdefgh"
    one = lane("word " * 100 + ("\u200b" * hidden).join(letters))
    assert one.trim()
    assert one.text.replace("\u200b", "").endswith(letters)


def test_beyond_a_bound_they_are_not_and_that_is_told():
    one = lane(("\u200b" * 1000).join("abcdefgh"))
    assert not one.trim()
    assert len(one.text) < 1200


def test_everything_up_to_the_last_blank_line_is_past():
    one = lane("a\n\nb\n\nc\nd")
    one.clear_to_blank_line()
    assert one.is_past(6, 8)
    assert not one.is_past(7, 8)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r"\u0061\n\"\\\/", 'a\n"\\/'),
        (r"\ud835\udc1d", "\U0001d41d"),
        (r"\u00e", r"\u00e"),
        (r"\x \\u0061", r"\x \u0061"),
        ("plain", "plain"),
        (r"\ud835", "\ud835"),
    ],
)
def test_escapes_of_json(text, read):
    assert unescaped(text) == read
