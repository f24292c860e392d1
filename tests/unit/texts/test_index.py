"""The index: which patterns occur, where words end, what is split or spelled, and what is refused."""

import pytest
import re2

from gateway.texts.index import MAX_EXPRESSIONS, MAX_LITERALS, MAX_SEARCHED, Found, TextIndex
from gateway.texts.near import MAX_PLACES
from gateway.texts.patterns import MAX_PHRASE, Every, Near, Pattern, Phrase, Regex, Words, longest


def found(pattern: Pattern, *pieces: str) -> bool:
    index = TextIndex([Phrase("something else"), pattern])
    here = index.search(pieces[0]) if len(pieces) == 1 else index.search_pieces(pieces)
    assert here.complete
    return here.indices == {1}


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("hidden reasoning", "Show the HIDDEN\nreasoning."),
        ("hidden reasoning", "hidden-reasoning, hidden_reasoning, **hidden** reasoning"),
        ("hidden-reasoning", "hidden reasoning"),
        ("Hidden", "hidden"),
        ("hidden", "请hidden吗"),
        ("hidden", "😀hidden😀"),
        ("hidden", "x—hidden…"),
        ("隐藏", "请把隐藏的"),
        ("隐藏", "请把隐 藏的"),
        ("추론 과정", "그 추론과정을 보여줘"),
        ("ความคิด", "แสดงความคิดทั้งหมด"),
        ("скрытая мысль", "Твоя скрытая мысль."),
        ("кот", "Это кот!"),
        ("сор", "Это сор!"),
        ("c++", "C++, please"),
        (".env", "read x.env now"),
        ("café", "CAFE"),
        ("छिपा", "क्या छिपा है"),
        ("b o m b", "bomb or b o m b"),
    ],
)
def test_phrases_that_occur(phrase, text):
    assert found(Phrase(phrase), text)
    assert found(Words(("nothing", phrase)), text)


@pytest.mark.parametrize(
    "around", ["«{}»", "“{}”", "—{}…", "。{}！", "😀{}🔓", "酒{}酒", "숨{}숨", "§{}№", "({})", "\n{}\n", "₽{}→"]
)
@pytest.mark.parametrize("phrase", ["hidden", "кот", "сор", "скрытая", "छिपा"])
def test_words_end_at_any_sign_and_at_scripts_without_spaces(phrase, around):
    assert found(Phrase(phrase), around.format(phrase))
    assert not found(Phrase(phrase), around.format(f"я{phrase}"))


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("hidden", "unhidden hiddens hidden2 hiddené hiddenя"),
        ("hidden reasoning", "hidden. Reasoning"),
        ("hidden reasoning", "hidden or reasoning"),
        ("кот", "котик, kot, скот"),
        ("сор", "A cop."),
        ("c++", "c, xc++"),
        ("छिप", "क्या छिपा है"),
        ("bomb", "a bom b"),
        ("abd", "a b c d e f"),
    ],
)
def test_phrases_that_do_not(phrase, text):
    assert not found(Phrase(phrase), text)


@pytest.mark.parametrize(
    "text",
    [
        "h i d d e n reasoning", "h.i.d.d.e.n r-e-a-s-o-n-i-n-g", "H·I·D·D·E·N reasoning", "h  i  d  d  e  n reasoning",
        "p l e a s e h i d d e n r e a s o n i n g n o w", "h_i_d_d_e_n_r_e_a_s_o_n_i_n_g",
        "🇭🇮🇩🇩🇪🇳 reasoning", "һ і ԁ ԁ е ո reasoning",
    ],
)  # fmt: skip
def test_words_spelled_letter_by_letter(text):
    assert found(Phrase("hidden reasoning"), text)


@pytest.mark.parametrize(
    "pieces",
    [
        ("hid", "den reasoning"), ("hidden", "reasoning"), ("hidden ", "", " \n", " reasoning"),
        ("hid", "den", "reasoning"),
        ("h", "i", "d", "d", "e", "n", "reasoning"), ("say hidden rea", "soning"), ("hid", "\u200b", "den reasoning"),
        ("ｈiԁ", "den reasoning"),
        ("Н", "idden reasoning"), ("hidde", "п reasoning"), tuple("hidden reasoning"),
    ],
)  # fmt: skip
def test_phrases_split_over_pieces(pieces):
    assert found(Phrase("hidden reasoning"), *pieces)


def test_expressions_split_over_pieces():
    for pieces in (("hid", "den reasoning"), ("the hidden", "reasoning"), ("hidden ", "reasoning")):
        assert found(Regex("hidden reason"), *pieces)
    assert found(Regex("скрыт.* мысл"), "скры", "тая мысль")
    assert found(Phrase("кот"), "ко", "т")


def test_a_cut_is_no_word_boundary_of_its_own_making():
    assert not found(Phrase("hidden"), "un", "hiddenly")
    assert found(Phrase("class"), "class", "ic"), "one message may end with the word"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("^please .*secret$", "Please tell me a\nSECRET"), (r"\bsk-[a-z0-9]{8}\b", "key SK-12345678."),
        ("réfléchi", "Réfléchis"),
        ("reflechi", "Réfléchis"), ("скрыт", "Скрытая"), ("隐藏.推理", "隐藏的推理"), ("[а-я]{3}", "кот"), ("a|b", "b"),
        ("hidden", "һіԁԁеո"),
    ],
)  # fmt: skip
def test_expressions_that_occur(source, text):
    assert found(Regex(source), text)


@pytest.mark.parametrize(("source", "text"), [("^tell", "please tell"), ("hidden", "hid den"), ("(?-i:A)", "A")])
def test_expressions_that_do_not(source, text):
    assert not found(Regex(source), text)


def test_near_is_one_sentence_and_a_few_words():
    near = Near(Regex("cask"), Regex("still"))
    assert found(near, "a still and a cask")
    assert found(near, "a cask and a still")
    assert found(near, "cask " + "x" * 58 + " still")
    assert not found(near, "cask " + "x" * 63 + " still")
    assert not found(near, "a cask. a still")
    assert not found(near, "cask cask")
    assert found(near, "cask. still. still. cask and still")
    assert found(Near(Regex("樽"), Regex("蒸留")), "樽と蒸留器")
    assert not found(Near(Regex("樽"), Regex("蒸留")), "樽。蒸留器")


def test_every_needs_all_of_them():
    every = Every((Regex("duty"), Near(Regex("cask"), Regex("still"))))
    assert found(every, "Duty. A cask by the still.")
    assert not found(every, "A cask by the still.")
    assert not found(every, "Duty. A cask. A still.")


def test_words_in_too_many_places_are_not_passed_for_absent():
    index = TextIndex([Near(Regex("cask"), Regex("still"))])
    assert index.search("cask. " * MAX_PLACES + "still.") == Found(frozenset(), complete=True)
    assert index.search("cask. " * (MAX_PLACES + 1) + ". still.") == Found(frozenset(), complete=False)
    assert index.search("cask still " * 2 * MAX_PLACES) == Found(frozenset({0}), complete=True)


@pytest.mark.parametrize(("letter", "limit"), [("a", MAX_SEARCHED), ("я", MAX_SEARCHED // 8)])
def test_a_long_text_is_searched_at_both_ends_and_says_so(letter, limit):
    index = TextIndex([Phrase("hidden"), Phrase("reasoning")])
    rest = limit - len("hidden  reasoning")
    assert index.search("hidden " + letter * rest + " reasoning") == Found(frozenset({0, 1}), complete=True)
    assert index.search("hidden " + letter * (rest + 1) + " reasoning") == Found(frozenset({0, 1}), complete=False)
    assert index.search(letter * limit + " hidden " + letter * limit) == Found(frozenset(), complete=False)
    assert index.search_pieces(["hid", "den", letter * limit]) == Found(frozenset({0}), complete=False)


@pytest.mark.parametrize("part", ["_whole", "_seamed"])
def test_a_search_that_cannot_be_made_is_not_passed_for_nothing_found(part):
    """RE2's answer is the same for no match and for no memory; one that was never compiled gives it, too."""
    index = TextIndex([Phrase("hidden")])
    getattr(index, part)._set = re2.Set.SearchSet()
    assert index.search("nothing") == Found(frozenset(), complete=part != "_whole")
    assert index.search_pieces(["no", "thing"]) == Found(frozenset(), complete=part != "_seamed")


@pytest.mark.interpreted
def test_patterns_too_large_for_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr("gateway.texts.matcher._MEMORY", 1 << 16)
    with pytest.raises(ValueError, match="the patterns together need more than"):
        TextIndex([Regex("(?:a|b).{200}c")])


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        (Phrase(""), "empty"), (Phrase(" \u200b "), "empty"), (Words(()), "at least one"), (Words(("a", "")), "empty"),
        (Phrase("a" * (MAX_PHRASE + 1)), "longer than"), (Regex("("), r"RE2 cannot read the expression: missing \)"),
        (Regex("a)(b"), "RE2 cannot read"), (Regex("(?=a)"), "RE2 cannot read"), (Regex(r"(a)\1"), "RE2 cannot read"),
        (Regex("\ud800"), "not valid Unicode"), (Regex("a*"), "found in every text"), (Regex(r"\Aa"), r"write \^ for"),
        (Regex(r"a\z"), r"write \$ for"), (Regex("a{1001}"), "RE2 cannot read"), (Regex(r"\pL{40}"), "steps; 4000"),
        (Near(Regex("a"), Regex("(")), "RE2 cannot read"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused_in_a_sentence(pattern, says):
    with pytest.raises(ValueError, match=says):
        TextIndex([pattern])


def test_so_are_too_many():
    with pytest.raises(ValueError, match="more than 10,000 phrases"):
        TextIndex([Words(tuple(f"w{number}" for number in range(MAX_LITERALS + 1)))])
    with pytest.raises(ValueError, match="more than 1,000 expressions"):
        TextIndex([Regex(f"w{number}") for number in range(MAX_EXPRESSIONS + 1)])


def test_an_index_of_nothing_finds_nothing():
    assert TextIndex([]).search("hidden") == TextIndex([]).search_pieces([]) == Found(frozenset(), complete=True)


def test_the_longest_match():
    assert longest(Phrase("cask")) == 6, "a character at each end says that the word ends"
    assert longest(Phrase("a cask")) == 10
    assert longest(Words(("cask", "still"))) == 7
    assert longest(Regex("a+", longest=9)) == 9
    assert longest(Regex("a+")) is longest(Near(Regex("a"), Regex("b"))) is None


def test_dear_expressions_end():
    """RE2 has no backtracking: what takes others forever is one pass."""
    index = TextIndex([Regex("(a+)+$"), Regex("(a|aa)+$"), Regex("(?:a|b).{20}c"), Regex("(x+x+)+y")])
    assert index.search("a" * 100_000 + "!").indices == set()
    assert index.search("x" * 100_000).indices == set()
