"""Texts of any kind: forms and indices never fail, and what is there is found whatever stands around it."""

import unicodedata
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.texts.folding import PLAIN, SEAM, SKELETON
from gateway.texts.form import _composed, matching_form, plain_form, single_spaced
from gateway.texts.index import TextIndex
from gateway.texts.lexicons import LEXICONS
from gateway.texts.patterns import Phrase, Regex, Words

PHRASES = (
    "hidden reasoning",
    "кот и шаг",
    "隐藏推理",
    "숨겨진 추론",
    "छिपा",
    "ความคิด",
    "c++",
    "κρυφή σκέψη",
    "التفكير",
)
INDEX = TextIndex([*map(Phrase, PHRASES), Words(("secret", "тайна")), Regex("(?:a|b)+c$"), *LEXICONS["reasoning"]])

# Half surrogates are characters here, as JSON may bring them; scripts, marks and lookalikes that fold are frequent.
anything = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cf", "Mn", "Me", "Mc"]),
        st.sampled_from("hidenrasogаеорсухнвкмтΗΝΜΥηνμ \n\x01\x00-._*隐推숨ดู🇭🅷①½ﷺ\u0301\u0e31\u3099ﾞ"),
    ),
    max_size=60,
)


@given(anything)
def test_a_form_is_made_of_any_text(text):
    form = matching_form(text)
    assert "  " not in form
    assert form == form.strip()
    assert SEAM not in form
    assert not any(unicodedata.category(char) in ("Cs", "Cc", "Cf") for char in form)
    assert not any("A" <= char <= "Z" for char in form)
    form.encode()
    plain_form(text).encode()


@given(anything)
def test_the_short_way_to_the_plain_form_leads_there(text):
    text = text.replace(SEAM, "")
    assert plain_form(text) == single_spaced(_composed(text).translate(PLAIN)).strip()


@given(anything, st.sampled_from(range(len(PHRASES))), anything)
def test_a_phrase_is_found_among_anything(before, number, after):
    found, complete = INDEX.search(f"{before} {PHRASES[number]} {after}")
    assert number in found
    assert complete


@given(st.lists(anything, max_size=5))
def test_pieces_of_any_kind_are_searched(pieces):
    found, complete = INDEX.search_pieces(pieces)
    assert complete
    assert found <= set(range(len(PHRASES) + 2 + len(LEXICONS["reasoning"])))


@given(anything, st.sampled_from(range(len(PHRASES))), anything, st.lists(st.integers(0, 80), max_size=4))
def test_cutting_a_text_hides_no_phrase(before, number, after, cuts):
    text = f"{before} {PHRASES[number]} {after}".replace(SEAM, "")
    places = sorted({0, *(min(cut, len(text)) for cut in cuts), len(text)})
    pieces = [text[begin:end] for begin, end in pairwise(places)]
    assert number in INDEX.search_pieces(pieces).indices


def _index(*patterns):
    """None where it is refused, in a sentence."""
    try:
        return TextIndex(patterns)
    except ValueError as error:
        return None if len(str(error)) > 20 else error


@given(anything)
def test_any_phrase_that_is_taken_is_found_in_itself(text):
    index = _index(Phrase(text))
    assert (index is None) is (matching_form(text) == "")
    assert index is None or index.search(f"x {text} x").indices == {0}


@given(anything)
def test_any_expression_is_compiled_or_refused_in_a_sentence(text):
    index = _index(Regex(text))
    assert index is None or index.search("hidden").complete


def test_the_tables_stay_small():
    assert len(SKELETON) < 140_000
