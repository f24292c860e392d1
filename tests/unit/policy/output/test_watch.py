import pytest

from gateway.policy.output.rule import OutputRules
from gateway.policy.output.watch import OutputWatch
from gateway.texts.index import Found
from tests.support.output_rules import Regex, rule, states, watch, whys

AUDIT = {"mode": "audit"}


def fed(*pieces, made=None, lane=0, **more):
    one = watch(*(made or [rule()]), **more)
    for text in pieces:
        one.feed(lane, text)
    return one


@pytest.mark.parametrize(
    "pieces",
    [
        ("It is top secret.",),
        ("It is top secret", "."),
        tuple("It is top secret. "),
        ("It is TOP", "  SECRET "),
        ("It is t\u200bo\u200bp", "\u200b sec\u00adret "),
        ("It is ｔｏｐ ｓｅｃ", "ｒｅｔ "),
        ("It is top\n", "\nsecret\n"),
        ("It is t o p s e c r e t, "),
    ],
)
@pytest.mark.parametrize("how", ["hold_back", "windowed"])
def test_a_match_ends_the_answer_however_it_is_cut_and_dressed(pieces, how):
    one = fed(*pieces, made=[rule(how)])
    assert one.broken is not None
    assert states(one) == {"no-secrets": "matched"}
    assert one.findings()[0].ended


@pytest.mark.parametrize("text", ["", "Nothing of the sort.", "top secrets", "atop secret", "top sec ret", "top"])
def test_what_does_not_match_is_clear_once_all_of_it_was_seen(text):
    one = fed(text, "")
    assert one.broken is None
    assert whys(one) == {"no-secrets": "cut"}
    one.finish()
    assert states(one) == {"no-secrets": "clear"}


def test_a_word_that_may_go_on_does_not_match_yet():
    one = fed("It is top secret")
    assert one.broken is None
    one.feed(0, "s, all of them. ")
    assert one.broken is None
    one.finish()
    assert one.broken is None


@pytest.mark.parametrize("end", ["finish", "part", "cut"])
def test_the_end_settles_the_last_word(end):
    one = fed("It is top secret")
    {"finish": one.finish, "part": lambda: one.feed(0, ""), "cut": one.stop_waiting}[end]()
    assert one.broken is not None


def test_an_expression_that_needs_a_letter_more_does_not_get_one_of_ours():
    one = fed("key: abc", made=[rule(window=8)], patterns=[Regex(r"abc[a-z]", 4)])
    assert one.broken is None
    one.feed(0, "q")
    one.feed(0, " ")
    assert one.broken is not None


@pytest.mark.parametrize("escaped", ["top\\u0020secret", "t\\u006fp secret", "\\u0074op sec\\u0072et", "top\\nsecret"])
def test_json_text_is_read_as_its_reader_will_read_it(escaped):
    one = fed(*f'{{"note":"{escaped}"}}')
    assert one.broken is not None


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_half_a_character_waits_for_the_other(size):
    text = "It is \U0001d42dop secret. "  # a bold t
    halves = text.encode("utf-16-le", "surrogatepass")
    pieces = [halves[at : at + 2 * size].decode("utf-16-le", "surrogatepass") for at in range(0, len(halves), 2 * size)]
    assert fed(*pieces).broken is not None


def test_texts_are_told_apart():
    one = watch(rule())
    for letter in "top secret ":
        one.feed(0, letter)
        one.feed(1, "-")
    assert one.broken is not None
    other = watch(rule())
    other.feed(0, "top ")
    other.feed(1, "secret ")
    other.finish()
    assert other.broken is None


def test_parts_of_one_text_run_on_but_words_end_between_them():
    parts = watch(rule())
    for text in ("grass is top", "", "secret, they say ", ""):
        parts.feed(0, text)
    assert parts.broken is not None
    apart = watch(rule())
    for text in ("on top sec", "", "ret level", ""):
        apart.feed(0, text)
    apart.finish()
    assert apart.broken is None


@pytest.mark.parametrize("filler", ["word ", "x" * 61, "漢字", "… ", "1234567890"])
@pytest.mark.parametrize("size", [1, 50, 5000])
def test_a_long_answer_is_followed_to_its_end(filler, size):
    one = fed(*[filler * size] * (12_000 // (size * len(filler))), made=[rule(**AUDIT)])
    one.feed(0, " top ")
    one.feed(0, "secret ")
    one.finish()
    assert states(one) == {"no-secrets": "matched"}


@pytest.mark.parametrize("filler", ["desktop secretary ", "atop secret, ", "xtop secret,", "top secrets"])
def test_forgetting_the_front_makes_no_match(filler):
    """Cut off anywhere, the text would begin or end with a forbidden word at some time."""
    one = fed(*filler * 400, made=[rule(**AUDIT)])
    one.finish()
    assert states(one) == {"no-secrets": "clear"}


def test_one_endless_word_makes_no_match():
    one = fed(*["xtopsecretx"] * 300, made=[rule(window=12, **AUDIT)], patterns=["topsecretx", "secretxxtop"])
    one.finish()
    assert states(one) == {"no-secrets": "clear"}


def test_letters_too_far_apart_are_not_evaluated_and_never_clear():
    one = fed(*["\u200b" * 100] * 40, "top secre", *["\u200b" * 100] * 40)
    one.finish()
    assert whys(one) == {"no-secrets": "bound"}
    assert states(one) == {"no-secrets": "not_evaluated"}


def test_how_much_may_be_written():
    made = [rule("windowed", name="short", patterns=(), max_characters=10, window=0),
            rule("windowed", name="long", patterns=(), max_characters=11, window=0)]  # fmt: skip
    one = watch(*made)
    for lane in range(5):
        one.feed(lane, "ab")
        one.feed(lane, "")
    assert one.broken is None, "ten are allowed, and the ends of parts are none"
    one.feed(1, "c")
    assert one.broken.rule == "short"
    assert states(one) == {"short": "matched", "long": "not_evaluated"}


def test_the_first_rule_in_order_is_told_and_all_are_noted():
    made = [
        rule(name="watched", mode="audit"), rule(name="flagged", action="flag"), rule("windowed", name="told"),
        rule(name="second"), rule(name="other", patterns=(1,)), rule("after", name="later"),
    ]  # fmt: skip
    one = fed("top secret, ", made=made, patterns=["top secret", "something else"])
    assert one.broken.rule == "told"
    assert [finding.rule.rule for finding in one.findings() if finding.ended] == ["told"]
    assert states(one) == {
        "watched": "matched", "flagged": "matched", "told": "matched", "second": "matched",
        "other": "not_evaluated", "later": "not_evaluated",
    }  # fmt: skip


@pytest.mark.parametrize(
    "made", [rule(mode="audit"), rule("windowed", mode="audit"), rule(action="flag"), rule("after")]
)
def test_what_does_not_stop_only_notes(made):
    one = fed("top secret, and so on", made=[made])
    one.finish()
    assert one.broken is None
    assert states(one) == {"no-secrets": "matched"}


def test_a_finished_answer_is_looked_at_as_a_whole():
    made = [rule("after", window=0)]
    long_one = [Regex(r"begin.*end", None)]
    one = fed("begin", *["word "] * 150, "end", made=made, patterns=long_one)
    assert whys(one) == {"no-secrets": "cut"}
    one.finish()
    assert states(one) == {"no-secrets": "matched"}


def test_more_than_is_kept_is_not_evaluated():
    one = fed(*["top secret, " * 1000] * 11, made=[rule("after", window=0), rule(name="sliding", action="flag")])
    one.finish()
    assert whys(one) == {"no-secrets": "bound", "sliding": ""}
    assert states(one) == {"no-secrets": "not_evaluated", "sliding": "matched"}


def test_what_could_not_be_read_leaves_nothing_clear():
    made = [rule(name="a"), rule("after", name="b"), rule(name="c", patterns=(), max_characters=5)]
    one = watch(*made)
    one.feed(0, "fine")
    one.miss("unreadable")
    one.finish()
    assert states(one) == dict.fromkeys("abc", "not_evaluated")
    assert whys(one) == dict.fromkeys("abc", "unreadable")


def test_text_after_the_end_is_part_of_the_answer_too():
    one = fed("fine. ")
    one.finish()
    assert states(one) == {"no-secrets": "clear"}
    one.feed(0, "more. ")
    assert whys(one) == {"no-secrets": "cut"}
    one.feed(0, "top secret. ")
    assert one.broken is not None


def test_one_piece_of_any_length_is_looked_at_to_its_end():
    assert fed("word " * 50_000 + "top secret. ").broken is not None


@pytest.mark.parametrize("how", ["windowed", "after"])
def test_a_search_that_could_not_be_made_is_no_clearance(how):
    class Tired:
        def search(self, _text):
            return Found(frozenset(), complete=False)

    one = OutputWatch(OutputRules((rule(how, action="flag"),), Tired()))
    one.feed(0, "fine")
    one.finish()
    assert states(one) == {"no-secrets": "not_evaluated"}
    assert whys(one) == {"no-secrets": "bound"}
