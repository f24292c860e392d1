"""The form: what an eye takes for the same is the same, genuine text in any script survives, and no text costs much."""

import unicodedata

import pytest

from gateway.texts.folding import PLAIN, SEAM, SKELETON
from gateway.texts.form import matching_form, plain_form, seamed_form
from gateway.texts.lookalikes import LATIN, LATIN_IN_LATIN_WORDS, SIGNS


@pytest.mark.parametrize(
    "text",
    [
        "HIDDEN", "  hidden\n", "ｈｉｄｄｅｎ", "𝓱𝓲𝓭𝓭𝓮𝓷", "𝗁𝗂𝖽𝖽𝖾𝗇", "ⓗⓘⓓⓓⓔⓝ", "🄷🄸🄳🄳🄴🄽", "ʰⁱᵈᵈᵉⁿ",
        "h\u200bi\u00add\u2060d\ufeffe\u202en",
        "h\U000e0069i\U000e0064dden", "hi\ufe0fdden", "hidd\u0301e\u0336n", "h̷i̷d̷d̷e̷n̷", "hïddéñ",
        "hi\u180bdden", "h\x00i\x7fdden",
        "h\ud800idden", "hidd\ufffden", "һіԁԁеո", "НIDDЕN", "ʜɪᴅᴅᴇɴ", "ᎻᎥᎠᎠᎬn", "ΗΙDDΕΝ", "hıdden",
        "h\u0e31idden", "h\u093cidden",
        "Н\u0300idden", "Н\u200bidden", "hi\u115fdden", "Ήidden", "h\u200bi\u0e31\u200dd\u0e31den", "ｈ\u0e31idden",
    ],
)  # fmt: skip
def test_disguises_of_one_word(text):
    assert matching_form(text) == "hidden"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("a \t\n\u3000\u2028 b", "a b"),
        ("don’t — “wait” …", 'don\'t - "wait" ...'),
        ("Straße, œuvre, Łódź", "strasse, oeuvre, lodz"),
        ("² ½ ٣ ०", "2 1/2 3 0"),
        ("word¹ №5 brand™ ③", "word 1 no 5 brand tm 3"),
        ("请输出Reasoning。", "请 输 出 reasoning."),
        ("請 輸\n出", "請 輸 出"),
        ("😀hidden", "😀 hidden"),
        ("🇭🇮 🅷🅸", "h i h i"),
        ("숨겨진", "숨 겨 진"),
        (unicodedata.normalize("NFD", "숨겨진"), "숨 겨 진"),
        ("ﾃﾞｰﾀ", "テ ー タ"),
        ("छिपा हुआ", "छिपा हुआ"),
        ("ดูhidden", "ด ู hidden"),
        ("التَّفْكِير", "التفكير"),
        ("", ""),
        ("\u200b \ud800", ""),
    ],
)
def test_forms(text, form):
    assert matching_form(text) == form


@pytest.mark.parametrize(
    "text", ["Скрытая цепочка", "СКРЫТАЯ ЦЕПОЧКА", "скрытaя цепoчкa", "скры\u0301тая це\u00adпочка"]
)
def test_genuine_russian_and_its_disguises_are_one(text):
    assert matching_form(text) == matching_form("скрытая цепочка")


@pytest.mark.parametrize(
    ("one", "other"),
    [("вот", "bot"), ("в\x6fт", "bot"), ("кот", "kot"), ("нет", "het"), ("νέο", "neo"), ("кто", "kto")],
)
def test_russian_and_greek_words_are_not_english_ones(one, other):
    assert matching_form(one) != matching_form(other)


@pytest.mark.parametrize("text", ["Ελληνικά νέο", "ΕΛΛΗΝΙΚΑ ΝΕΟ", "ελληνικα νεο"])
def test_greek_has_one_case(text):
    assert matching_form(text) == matching_form("Ελληνικά νέο")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Réfléchis, Ｓtraße", "réfléchis, strasse"),
        ("скрытая", "скрытая"),
        ("请 输出 Reasoning。", "请 输出 reasoning。"),
        ("h\u200bid\ud800den", "hidden"),
        (unicodedata.normalize("NFD", "é숨"), "é숨"),
        ("\ufdfa", ""),
        ("ﾃﾞｰﾀ ﾊﾟﾝ", "データ パン"),
        ("x\u0301 а\u0301", "x а"),
    ],
)
def test_plain_forms_keep_alphabet_accents_and_words(text, form):
    assert plain_form(text) == form


def test_every_lookalike_becomes_its_letter():
    for other, letter in LATIN.items():
        assert matching_form(f"x{other}x") == f"x{letter}x", hex(ord(other))
    for other, letter in LATIN_IN_LATIN_WORDS.items():
        assert matching_form(f"q{other}q") == f"q{letter}q", hex(ord(other))
    for other, sign in SIGNS.items():
        assert matching_form(f"a{other}b") == f"a{sign}b", hex(ord(other))


EVERY = [
    code
    for code in (*range(0x3500), *range(0xA000, 0xAD00), *range(0xD700, 0x20100), *range(0x2F800, 0x2FA20))
    if "|" not in matching_form(chr(code))
]
"""All but most of Han and Hangul, and the sign that is between them here."""


def _forms(texts):
    """Many at once: a form is a matter of words."""
    return [form.strip() for form in matching_form("|".join(texts)).split("|")]


def test_the_form_of_a_letter_is_its_own_form():
    """All folding is done in one go. Units in one sign (㎂) hold a Greek letter that is seen only then."""
    units = range(0x3380, 0x33E0)
    once = _forms(f"x{chr(code)}x {chr(code)}" for code in EVERY if code not in units)
    assert _forms(once) == once


def test_what_stands_alone_hides_no_word_beside_it():
    """What lets patterns know the end of a word from one ASCII character."""
    for code, form in zip(EVERY, _forms(f"x{chr(code)}x" for code in EVERY), strict=True):
        if any(not char.isascii() and unicodedata.category(char)[0] in "SPZ" for char in form):
            assert {form[:2], form[-2:]} == {"x ", " x"}, hex(code)
    for code in [*range(0xE01, 0xE3B), *range(0xE40, 0xE4F), *range(0x3041, 0x3097), 0x4E00, 0xAC00, 0x1100, 0x20000]:
        assert "x" in matching_form(f"ก{chr(code)}x").split(), hex(code)


@pytest.mark.parametrize(
    "text",
    [
        "\ufdfa" * 5000, "a" + "\u0316\u0301" * 20000, "\u093c\u094d" * 20000, "а" * 20000, "аb " * 9000,
        "h\u0e31" * 9000,
        "\U00020001" * 20000, "\ud800" * 20000, " " * 20000 + "é", "㌀" * 9000, "\U000e0041" * 20000,
    ],
)  # fmt: skip
def test_hostile_texts_grow_eightfold_at_the_most(text):
    assert len(matching_form(text)) <= 3 * 8 * len(text)
    assert len(plain_form(text)) <= 8 * len(text)


def test_a_pile_of_marks_is_never_sorted():
    """Which takes time quadratic in its height. What is seen of it: no mark joins a letter of that text."""
    assert plain_form("e\u0301") == "é"
    assert plain_form("e\u0301 " + "a\u0316\u0301" * 31)[0] == "é"
    assert plain_form("e\u0301 a" + "\u0316\u0301" * 31)[0] == "e"
    assert matching_form("e\u0301 a" + "\u0316\u0301" * 31) == "e a"


def test_what_tables_remember_is_bounded():
    before = len(SKELETON), len(PLAIN)
    text = "".join(map(chr, range(0x20000, 0x110000, 7)))
    matching_form(text)
    plain_form(text)
    assert len(SKELETON) - before[0] < 1000
    assert len(PLAIN) - before[1] < 1000


def test_a_seam_stays_between_pieces_and_is_nothing_in_a_text():
    assert seamed_form(f"Hid{SEAM}den") == f"hid{SEAM}den"
    assert seamed_form(f"Hïd{SEAM} den") == f"hid{SEAM} den"
    assert matching_form(f"Hid{SEAM}den") == matching_form(f"Hïd{SEAM}den") == "hidden"
