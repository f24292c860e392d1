"""Canonical texts and fingerprints: what is one prompt, what is not, and that no text costs much."""

import unicodedata
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import prompts
from gateway.core.prompts import MAX_CANONICAL, MAX_NORMALISED, canonical, fingerprint

KEY = b"k" * 16


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Hello,\n\t WORLD ", "hello, world"),
        ("Straße", "strasse"),
        ("ＡＢＣ　１２３", "abc 123"),
        ("ﬁne", "fine"),
        ("a\u200bb\u00adc\ufeff", "abc"),
        ("e\u200b\u0301", "é"),
        ("", ""),
        (" \u200b ", ""),
        ("\ud800 x", "\ud800 x"),
    ],
)
def test_what_nobody_means_makes_no_difference(text, expected):
    assert canonical(text) == expected


@given(st.text(max_size=200), st.sampled_from([" ", "\n\n", "\t ", "\u3000"]))
def test_forms_and_spacing_make_no_difference(text, space):
    assert canonical(unicodedata.normalize("NFD", text)) == canonical(unicodedata.normalize("NFC", text))
    assert canonical(space + text + space) == canonical(text)
    assert canonical(text.replace(" ", space)) == canonical(text)


@pytest.mark.parametrize(
    "text",
    ["A" * (MAX_CANONICAL + 1), "Ä" * (MAX_CANONICAL // 2 + 1), "　" + "Ａ" * (MAX_CANONICAL // 3 + 1) + "\n"],
)
def test_long_texts_are_only_stripped(text):
    assert canonical(text) == text.strip()


def test_the_longest_text_that_is_folded():
    assert canonical("A" * MAX_CANONICAL) == "a" * MAX_CANONICAL
    assert canonical("Ä" * (MAX_CANONICAL // 2)) == "ä" * (MAX_CANONICAL // 2)


@pytest.mark.parametrize(
    "text",
    ["Ａ" * (MAX_NORMALISED // 3 + 1), "\ufdfa" * 33, "a" + "\u0316\u0301" * 16, "a" + "\u0316\u200b\u0301\u200b" * 16],
    ids=["long", "ligatures", "pile", "pile with gaps"],
)
def test_what_is_dear_is_not_normalised(text):
    plain = prompts._INVISIBLE.sub("", text).casefold()
    assert canonical(text) == plain != unicodedata.normalize("NFKC", plain).casefold()


def test_thirty_marks_are_a_language_still():
    marks = "\u0316\u0301" * 15
    assert canonical("Ａ" + marks) == unicodedata.normalize("NFKC", "A" + marks).casefold()


ASCII = st.text(st.one_of(st.characters(max_codepoint=127), st.sampled_from(" \n\t\x1c\x1fAz")), max_size=200)


@given(ASCII)
def test_ascii_is_folded_and_spaced_as_all_other_text(text):
    assert canonical(text) == " ".join(text.casefold().split())


def test_the_longest_gaps_are_one_space():
    gaps = "".join(f"A{' ' * length}" for length in (1, 2, 3, 1000, 2**14, 2**15))
    assert canonical(gaps + "\n" * 1000) == "a a a a a a"


@given(st.one_of(ASCII, st.text(max_size=50)))
def test_a_fingerprint_is_that_of_the_canonical_text(text):
    data = canonical(text).encode("utf-8", "surrogatepass")
    assert fingerprint(text, KEY) == int.from_bytes(blake2b(data, digest_size=8, key=KEY).digest(), "big")


@pytest.mark.parametrize("text", ["A  b " * 14_000, "Ä  b " * 14_000, "A  b " * 60_000])
def test_a_fingerprint_of_a_long_text_keeps_its_letters(text):
    assert fingerprint(text, KEY) != fingerprint(text.lower(), KEY)
    assert fingerprint(text, KEY) == fingerprint(f" {text}", KEY) or len(text) > 2 * prompts.MAX_HASHED


def test_a_fingerprint_is_keyed_and_has_64_bits():
    one = fingerprint("Hello  world", KEY)
    assert one == fingerprint("hello WORLD", KEY)
    assert one != fingerprint("hello world", b"other")
    assert one != fingerprint("hello world!", KEY)
    assert 0 <= one < 2**64
    many = {fingerprint(str(number), KEY) for number in range(2000)}
    assert len(many) == 2000
    assert len({number >> 32 for number in many}) > 1990, "every bit is used"


@given(st.text(alphabet=st.characters(), max_size=50))
def test_every_text_has_a_fingerprint(text):
    assert fingerprint(text, KEY) == fingerprint(canonical(text), KEY) or not text.isascii()


def test_half_surrogates_are_told_apart():
    assert fingerprint("\ud800", KEY) != fingerprint("\ud801", KEY)
