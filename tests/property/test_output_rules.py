"""Holding back against a reference that sees the whole text and shares nothing with it but the patterns' meaning."""

import json
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.output_rules import Regex, event, gate, rule, states, window_of

PHRASES = ("top secret", "cat", "inner voice says")
NOT_SEEN = "\u200b\u00ad"
_NONE = f"[{NOT_SEEN}]*"
_SPACE = f"(?:{_NONE}[ \\n]{_NONE})+"


def _spelled(phrase):
    """The phrase in any case, with unseen characters and any white space; as a word, not within one."""
    words = [_NONE.join(map(re.escape, word)) for word in phrase.split()]
    outside = "[0-9a-zA-Z]"
    return re.compile(f"(?<!{outside}){_SPACE.join(words)}(?=$|{_NONE}[^0-9a-zA-Z{NOT_SEEN}]|{_NONE}$)", re.IGNORECASE)


REFERENCE = [_spelled(phrase) for phrase in PHRASES]
WORDS = ["top", "secret", "secrets", "cat", "catalogue", "inner", "voice", "says", "TOP", "SeCret", "a", "x9", "word"]
FRAGMENTS = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from([" ", "  ", "\n", "; ", ". ", "\u200b", "\u00ad", "\u200b\u200b", "(", ") "]),
    st.text("abcdeot cs.;(0", max_size=6),
    st.sampled_from(
        ["top secret", "a cat", "inner  voice\nsays", "t\u200bo\u200bp se\u00adcret", "to", "p sec", "ret "]
    ),
)
TEXT = st.lists(FRAGMENTS, max_size=40).map("".join).map(lambda text: re.sub(r"\n(?=\n)", "", text))
"""Without blank lines: across those, what came before goes out."""


@st.composite
def cut_texts(draw):
    text = draw(TEXT)
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=25)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True) if a < b]


def spans(text):
    """(start, end) of every match, with the unseen characters before its first letter."""
    found = [match.span() for one in REFERENCE for match in one.finditer(text)]
    return [(start, end) for start, end in found if _word_starts(text, start)]


def _word_starts(text, start):
    before = text[:start].rstrip(NOT_SEEN)
    return not before or not before[-1].isalnum()


def through(pieces, made, patterns=PHRASES, *, chunks=1):
    one = gate(made, patterns=patterns)
    out = b""
    events = [event(text) for text in pieces]
    for start in range(0, len(events), chunks):
        if one.broken is None:
            out += one.pass_on(events[start : start + chunks])
    if one.broken is None:
        out += one.finish()
    return one, out, events


@settings(max_examples=400, deadline=None)
@given(cut_texts(), st.integers(1, 4))
@example(["top secret"], 1)
@example(["to", "p\u200b se", "cret", "s top secret"], 1)
def test_holding_back_releases_all_that_matches_nothing_and_not_a_byte_of_a_match(pieces, chunks):
    text = "".join(pieces)
    matches = spans(text)
    one, out, events = through(pieces, rule(patterns=range(3), window=window_of(*PHRASES)), chunks=chunks)
    assert b"".join(events).startswith(out)
    if not matches:
        assert one.broken is None
        assert out == b"".join(events)
        assert states(one) == {"no-secrets": "clear"}
        return
    assert one.broken is not None
    shown = length(out, events)
    assert shown <= min(start for start, _ in matches)
    assert states(one) == {"no-secrets": "matched"}


def length(out, events):
    """Characters of the events that went out."""
    total = count = 0
    for single in events:
        if count + len(single) > len(out):
            break
        count += len(single)
        total += len(json.loads(single.partition(b":")[2]))
    assert count == len(out), "whole events only"
    return total


@settings(max_examples=200, deadline=None)
@given(cut_texts(), st.sampled_from(["windowed", "after"]), st.sampled_from(["enforce", "audit"]))
def test_the_other_ways_find_the_same_and_hold_nothing(pieces, how, mode):
    one = gate(rule(how, mode=mode, patterns=range(3), window=window_of(*PHRASES)), patterns=PHRASES)
    matches = spans("".join(pieces))
    for single in map(event, pieces):
        went = one.pass_on([single])
        if one.broken is not None:
            break
        assert went == single
    assert one.finish() == b""
    assert states(one) == {"no-secrets": "matched" if matches else "clear"}
    assert (one.broken is not None) is (bool(matches) and how == "windowed" and mode == "enforce")


NUMBER = Regex(r"[0-9]{3}-[0-9]{2}", 6)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("0123456789- ax", min_size=1, max_size=4), max_size=30))
def test_expressions_hold_as_long_as_they_may_match(pieces):
    text = "".join(pieces)
    match = re.search(r"[0-9]{3}-[0-9]{2}", text)
    one, out, events = through(pieces, rule(window=6), (NUMBER,))
    assert (one.broken is not None) is (match is not None)
    shown = length(out, events)
    assert shown == len(text) if match is None else shown <= match.start()


ANYTHING = st.lists(
    st.text(max_size=6) | st.sampled_from(["\ud835", "\udc1d", "\\u00", "\\", "top ", "secret"]), max_size=30
)


@settings(max_examples=400, deadline=None)
@given(ANYTHING, st.sampled_from([16, 200, 1 << 16]))
def test_no_text_breaks_a_gate_and_nothing_is_lost_or_moved(pieces, held_bytes):
    one = gate(rule(), held_bytes=held_bytes)
    out = b""
    events = [event(text, number % 3) for number, text in enumerate(pieces)]
    for single in events:
        out += one.pass_on([single])
        assert one.held <= held_bytes
        if one.broken is not None:
            break
    out += one.finish()
    assert b"".join(events).startswith(out)
    assert one.broken is not None or out == b"".join(events)
    assert states(one)["no-secrets"] == ("clear" if one.broken is None else "matched")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["word ", "and ", "so on, ", "12 ", "x", "漢字", "день "]), max_size=60))
def test_text_waits_no_longer_than_two_windows_of_it(pieces):
    """Spaces and signs do not count, so that it may be more than one."""
    window = 20
    one = gate(rule(window=window))
    out = 0
    for number, text in enumerate(pieces):
        out += len(one.pass_on([event(text)]))
        waiting = "".join(pieces[number + 1 - _waiting(pieces[: number + 1], out) : number + 1])
        assert sum(map(str.isalnum, waiting)) < window + len(max(pieces, key=len))


def _waiting(pieces, out):
    """How many of the events have not gone out."""
    gone = 0
    for number, text in enumerate(pieces):
        if gone >= out:
            return len(pieces) - number
        gone += len(event(text))
    return 0
