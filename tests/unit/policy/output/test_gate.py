import json

import pytest

from gateway.policy.output.rule import OutputRule
from tests.support.output_rules import Regex, event, gate, rule, states, whys, window_of


def let_out(one, events):
    """What goes out at each event."""
    return [one.pass_on([single]) for single in events]


def test_held_text_goes_out_when_no_match_can_begin_in_it_any_more():
    one = gate(rule(window=10))
    events = [event(letter) for letter in "abcdefghijklmnopqrstuvwxyz"]
    out = let_out(one, events)
    assert out == [b""] * 10 + events[:16]
    assert one.held == sum(map(len, events[16:]))
    assert one.finish() == b"".join(events[16:])
    assert one.held == 0
    assert states(one) == {"no-secrets": "clear"}


def test_nothing_of_a_match_goes_out():
    one = gate(rule(window=window_of("top secret")))
    before = [event(word) for word in ("This is long enough to be past it all: ", "you ", "know, ", "it is ")]
    out = b"".join(let_out(one, [*before, event("to"), event("p sec"), event("ret"), event(" now")]))
    assert one.broken is not None
    assert b"".join(before).startswith(out)
    assert one.held == 0
    assert one.finish() == b""


@pytest.mark.parametrize("how", ["windowed", "after", "hold_back"])
@pytest.mark.parametrize("mode", ["enforce", "audit"])
def test_only_rules_that_hold_back_delay_anything(how, mode):
    one = gate(rule(how, mode=mode))
    events = [event("some "), b"note", event("text "), event("top ")]
    held = how == "hold_back" and mode == "enforce"
    assert let_out(one, events) == ([b""] * 4 if held else events)


def test_a_windowed_match_ends_the_answer_before_the_event_that_completes_it():
    one = gate(rule("windowed"))
    first, last = [event("It is top "), b"note"], [event("secret, "), event("really")]
    assert one.pass_on([*first, *last]) == b"".join(first)
    assert one.broken is not None


def test_a_rule_in_audit_mode_changes_nothing():
    one = gate(rule(mode="audit"))
    events = [event("It is top "), event("secret, "), event("really")]
    assert let_out(one, events) == events
    assert (one.stops, one.broken, one.finish()) == (False, None, b"")
    assert states(one) == {"no-secrets": "matched"}


def test_events_keep_their_order_whatever_they_hold():
    one = gate(rule(window=6))
    events = [b"note 1", event("abc"), b"note 2", event("xyz", lane=1), b"note 3", event("defghi"), event("uvwxyz", 1)]
    out = let_out(one, events)
    assert out[0] == b"note 1"
    assert out[1:5] == [b""] * 4
    assert out[5] == events[1] + b"note 2", "the other choice is not past it yet"
    assert out[6] == events[3] + b"note 3"
    assert one.finish() == events[5] + events[6]


@pytest.mark.parametrize("end", [[event("done.\n\n")], [event("done.\n"), event("\n")], [event("done."), event("")]])
def test_a_blank_line_and_the_end_of_a_part_let_everything_go(end):
    one = gate(rule())
    events = [event("It is all "), b"note", *end]
    assert b"".join(let_out(one, events)) == b"".join(events)
    assert one.held == 0


def test_a_match_across_a_blank_line_still_ends_the_answer():
    one = gate(rule())
    assert one.pass_on([event("It is top\n\n")])
    assert one.pass_on([event("secret, they say")]) == b""
    assert one.broken is not None


def test_heavy_events_go_early_and_a_match_still_ends_the_answer():
    one = gate(rule(), held_bytes=1000)
    heavy = [b"note" + b"." * 600, event("top "), b"note" + b"." * 600, b"note" + b"." * 600]
    assert let_out(one, heavy) == [heavy[0], b"", b"", heavy[1] + heavy[2] + heavy[3]]
    assert one.pass_on([event("secret now")]) == b""
    assert one.broken is not None
    (finding,) = one.findings()
    assert (finding.state, finding.late) == ("matched", True)


@pytest.mark.parametrize("weight", [10, 500, 5000])
def test_never_more_is_held_than_allowed(weight):
    one = gate(rule(window=200), held_bytes=2000)
    out = b""
    events = [event("word " * (weight // 5)) for _ in range(40)]
    for single in events:
        out += one.pass_on([single])
        assert one.held <= 2000
    assert out + one.finish() == b"".join(events)


def test_a_rule_that_saw_everything_is_clear_even_where_text_went_early():
    one = gate(rule(), held_bytes=10)
    one.pass_on([event("Nothing of the sort here.")])
    one.finish()
    (finding,) = one.findings()
    assert (finding.state, finding.late) == ("clear", True)


def test_what_cannot_be_read_passes_in_its_place_and_is_no_pass_for_the_rule():
    one = gate(rule(window=6))
    events = [event("abc"), b"?", event("defghi")]
    assert let_out(one, events) == [b"", b"", events[0] + events[1]]
    assert one.finish() == events[2]
    assert whys(one) == {"no-secrets": "unreadable"}


def test_an_answer_that_is_cut_ends_with_what_has_come_of_it():
    one = gate(rule())
    events = [event("It is "), event("half")]
    assert let_out(one, events) == [b"", b""]
    assert one.cut() == b"".join(events)
    assert whys(one) == {"no-secrets": "cut"}
    other = gate(rule())
    other.pass_on([event("It is top secret")])
    assert other.cut() == b""
    assert other.broken is not None


@pytest.mark.parametrize("text", ["It is top secret.", "It is fine."])
def test_a_whole_answer(text):
    one = gate(rule(), rule("after", name="later", window=0))
    one.whole(event(text))
    matched = "top" in text
    assert (one.broken is not None) is matched
    assert states(one)["later"] == ("matched" if matched else "clear")


def test_a_whole_answer_that_cannot_be_read():
    one = gate(rule(), rule("after", name="later", window=0))
    one.whole(b"?")
    assert set(whys(one).values()) == {"unreadable"}


def test_after_a_fault_nothing_is_held_and_nothing_is_clear():
    class Faulty:
        def search(self, text):
            raise RuntimeError

    one = gate(rule(), rule("after", name="later", window=0))
    object.__setattr__(one._rules, "index", Faulty())
    with pytest.raises(RuntimeError):
        one.pass_on([event("x")])
    one.fail()
    assert (one.failed, one.held) == (True, 0)
    assert set(whys(one).values()) == {"fault"}


def test_a_denial_is_ones_own_and_names_the_rule():
    made = rule()
    first = made.denial()
    first.details["more"] = "x"
    assert made.denial().details == {"policy": "acceptable-use", "rule": "no-secrets"}
    given = OutputRule("p", "r", "enforce", "windowed", "stop", (0,), window=9, refusal=first)
    assert (given.denial().message, given.denial().details) == (first.message, first.details)
    assert given.denial() is not first


@pytest.mark.parametrize(
    ("how", "action", "window"),
    [("after", "stop", 0), ("hold_back", "stop", 0), ("windowed", "flag", 0), ("hold_back", "stop", 1025)],
)
def test_rules_that_no_stream_could_be_judged_by(how, action, window):
    with pytest.raises(ValueError):
        OutputRule("p", "r", "enforce", how, action, (0,), window=window)


def test_an_expression_waits_as_long_as_its_author_says():
    card = Regex(r"[0-9]{4}(?: [0-9]{4}){3}", 19)
    one = gate(rule(window=19), patterns=[card])
    text = "Its number is 4000 1234 5678 9010, remember it."
    out = b"".join(let_out(one, [event(letter) for letter in text]))
    assert one.broken is not None
    shown = "".join(json.loads(piece) for piece in out.decode().split("0:") if piece)
    assert "Its number is ".startswith(shown)
