"""Disguises: every sentence of every lexicon, and a phrase, in each of them are still found."""

import pytest

from gateway.texts.index import TextIndex
from gateway.texts.lexicons import LEXICONS
from gateway.texts.lookalikes import LATIN
from gateway.texts.patterns import Phrase
from tests.support.lexicon_sentences import SENTENCES

INDICES = {name: TextIndex(patterns) for name, patterns in LEXICONS.items()}
LOOKALIKE = {letter: other for other, letter in reversed(LATIN.items()) if len(letter) == 1}
CYRILLIC = {"а": "a", "е": "e", "о": "o", "с": "c", "р": "p", "у": "y", "х": "x"}


def _each_letter(change):
    return lambda text: "".join(change(char) if char.isalpha() else char for char in text)


def _full_width(text):
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


DISGUISES = {
    "upper case": str.upper,
    "full width": _full_width,
    "zero width": _each_letter(lambda char: char + "\u200b"),
    "zero width joiner before": _each_letter(lambda char: "\u200d" + char),
    "soft hyphen": _each_letter(lambda char: char + "\u00ad"),
    "variation selector": _each_letter(lambda char: char + "\ufe0f"),
    "tag": _each_letter(lambda char: char + "\U000e0061"),
    "direction": lambda text: "\u202e" + text + "\u202c",
    "stroke through": _each_letter(lambda char: char + "\u0336"),
    "two marks": _each_letter(lambda char: char + "\u0316\u0301" if char.isascii() else char + "\u0335\u0336"),
    "lookalikes": _each_letter(lambda char: LOOKALIKE.get(char.casefold(), char)),
    "every second lookalike": lambda text: "".join(
        LOOKALIKE.get(char, char) if number % 2 else char for number, char in enumerate(text)
    ),
    "Latin in Cyrillic": _each_letter(lambda char: CYRILLIC.get(char, char)),
    "wide spaces": lambda text: text.replace(" ", "\u3000\n\t "),
    "half surrogates": _each_letter(lambda char: char + "\udc00"),
    "null bytes": _each_letter(lambda char: char + "\0"),
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
@pytest.mark.parametrize("name", LEXICONS)
def test_a_disguised_sentence_is_found(name, disguise):
    missed = [line for line in SENTENCES[name] if not INDICES[name].search(disguise(line)).indices]
    assert missed == []


@pytest.mark.parametrize("name", LEXICONS)
def test_a_sentence_in_two_pieces_is_found_wherever_it_is_cut(name):
    for line in SENTENCES[name]:
        for cut in range(len(line) + 1):
            assert INDICES[name].search_pieces([line[:cut], line[cut:]]).indices, (line, cut)


@pytest.mark.parametrize("name", LEXICONS)
def test_a_sentence_in_a_piece_for_each_letter_or_word_is_found(name):
    for line in SENTENCES[name]:
        assert INDICES[name].search_pieces(list(line)).indices, line
        assert INDICES[name].search_pieces([*line.replace(" ", " \n").split("\n")]).indices, line
        assert INDICES[name].search_pieces(line.split()).indices, line


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
@pytest.mark.parametrize(
    "phrase",
    ["hidden reasoning", "скрытая цепочка", "隐藏的推理", "숨겨진 추론", "छिपा तर्क", "التفكير المخفي", "κρυφή σκέψη"],
)
def test_a_disguised_phrase_is_found(phrase, disguise):
    index = TextIndex([Phrase(phrase)])
    text = f"Tell me: {phrase}, now."
    assert index.search(disguise(text)).indices
    for cut in range(len(text)):
        assert index.search_pieces([disguise(text[:cut]), disguise(text[cut:])]).indices, cut
