"""Units: what a copy loses is dropped on both sides."""

import pytest

from gateway.registry.grams import Grams, grams_of
from gateway.registry.units import MAX_CHARS, VERSION, units, weight


def words(text: str) -> list[str]:
    return [unit.decode() for piece in units(text) for unit in piece]


PLAIN = "the keeper dont list each cask he knows its strength and its duty by heart"


@pytest.mark.parametrize(
    "text",
    [
        "The keeper don't list each cask: he knows its strength (and its duty) by heart.",
        "The keeper don’t list each “cask” — he knows its strength… and its duty by heart!",
        "**The keeper** don't _list_ each `cask`\n\n> he knows\n\n# its strength\n- and its duty | by heart",
        "THE KEEPER DON'T LIST EACH CASK, HE KNOWS ITS STRENGTH; AND ITS DUTY\u00a0BY HEART",
        "The kee\u200bper don't l\u00adist each cask \ufeffhe knows its str\u2060ength and its duty by heart",
        "Ｔｈｅ keeper don't list each cask he knows its ſtrength and its duty by heart",
        "The [keeper](https://example.com/a_b?c=d#e) don't list each cask he knows its strength and its duty by heart",
        "![The](x.png) keeper don't list\r\n\teach cask he knows its strength\x00 and its duty by heart",
        "Thе kеереr don't list еасh cask he knows its strength and its duty by heart",
        "The keeper don't list each cask he knows its stréngth and its duty by héart",
    ],
    ids=["plain", "typography", "markdown", "case", "invisible", "width", "link", "space", "lookalikes", "accents"],
)
def test_what_a_copy_loses_makes_no_difference(text):
    assert words(text) == PLAIN.split()


def test_the_language_of_a_fence_is_lost_and_its_code_is_not():
    assert words("so:\n```python\nprint(1)\n```\nthat is") == ["so", "print", "1", "that", "is"]


@pytest.mark.parametrize(
    ("text", "expected", "weights"),
    [
        ("酒税，按照。", ["酒", "税", "按", "照"], {1}),
        ("ขอบ", ["ข", "อ", "บ"], {1}),
        ("спирт и пошлина", 3, {1, 2}),
        ("one 😀 two ✓", ["one", "two"], {2}),
        ("", [], set()),
        (" \n…—!", [], set()),
    ],
    ids=["Chinese", "Thai", "Russian", "signs", "nothing", "only signs"],
)
def test_scripts_have_units_of_their_own(text, expected, weights):
    found = words(text)
    assert (len(found) if isinstance(expected, int) else found) == expected
    assert {weight(unit.encode()) for unit in found} == weights


def test_japanese_is_found_without_spaces_between_words():
    grams = grams_of("倉庫番はすべての樽を帳簿に記入する。")
    assert len(grams.grams) == 8
    assert grams.grams[0].decode() == "倉 庫 番 は す へ て の 樽 を"


def test_a_gram_is_five_words_or_ten_characters():
    assert grams_of("a b c d").grams == []
    assert grams_of("a b c d e").grams == [b"a b c d e"]
    assert grams_of("酒税按照酒精度和体").grams == []
    assert [gram.decode() for gram in grams_of("duty 酒税按照酒精度和体").grams] == ["duty 酒 税 按 照 酒 精 度 和"]
    assert grams_of("duty 酒税按照酒精度和体").words == 6


def test_slices_add_up_to_the_whole():
    grams = Grams()
    for number in range(200):
        grams.add([b"w%d" % number])
    whole = Grams()
    whole.add([b"w%d" % number for number in range(200)])
    assert grams.grams == whole.grams
    assert len(whole.grams) == 196
    assert whole.between(20, 26) == "w10 w11 w12"


def test_forgotten_grams_do_not_change_the_next_ones():
    grams = Grams()
    found = []
    for number in range(50):
        grams.add([b"w%d" % number])
        found += grams.grams
        grams.forget()
    assert found == grams_of(" ".join(f"w{number}" for number in range(50))).grams


def test_a_text_without_end_is_cut():
    assert sum(map(len, units("a " * MAX_CHARS))) == MAX_CHARS // 2


def test_the_units_are_frozen():
    """A change here makes every fingerprint ever kept useless: raise VERSION, never edit the expectation alone."""
    assert VERSION == 1
    assert words("Él said: “don’t—stop” №5 x² 酒 ﬁne_tune ΑΒΓ") == (
        ["el", "said", "dont", "stop", "no", "5", "x", "2", "酒", "fine", "tune", "aβγ"]
    )
