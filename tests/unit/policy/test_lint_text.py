import pytest

from gateway.policy.lint_text import TEXT_RULES
from tests.support.policies import linted, policy_file, shared

FP = "false_positives: f\n"


def codes(text: str, definitions: str = "", **head: str) -> list[tuple[str, int]]:
    found = linted(TEXT_RULES, policy_file(text, **head), definitions=shared(definitions))
    return [(code, line) for code, line, _ in found]


def rule(when: str, then: str = "flag", more: str = "") -> str:
    return f"rules:\n  r:\n    when: {when}\n    then: {then}\n{more}"


@pytest.mark.parametrize("then", ["deny", "review", "declare"])
def test_p112_a_single_request_refused_for_its_words(then: str) -> None:
    text = rule("{text: {phrases: how to}}", then, "    per_request: true\n")
    contact = "on_violation: {contact: c}\n"
    assert codes(text + contact) == [("P112", 10)]
    assert codes(text + contact + FP) == []
    assert codes(text + contact, status="testing") == []


def test_p112_shares_notes_and_other_conditions_refuse_nobody_for_words() -> None:
    words = "{text: {phrases: how to}}"
    assert codes(rule(words, "deny", "    share: {at_least: 0.5}\n")) == []
    assert codes(rule(words, "{slow: 2s}", "    per_request: true\n")) == []
    assert codes(rule("{seed: true}", "deny", "    per_request: true\n")) == []


def test_p501_phrases_without_a_letter() -> None:
    assert codes(rule("{text: {phrases: [how to, '4711', !!!]}}".replace("!!!", "'!!!'"))) == [("P501", 8)] * 2
    assert codes(rule("{text: {phrases: [how to, 4b, ж]}}")) == []
    assert codes("output: {o: {text: {phrases: '12'}, how: after}}\n") == [("P501", 6)]


def test_p501_in_what_policies_share() -> None:
    text = "words: {w: [x, '42']}\nfragments: {f: {not: {text: {phrases: ['?']}}}}\n"
    found = linted(TEXT_RULES, policy_file(), definitions=shared(text))
    assert found == [("P501", 2, "definitions.yaml"), ("P501", 3, "definitions.yaml")]


@pytest.mark.parametrize("pattern", ["'.'", "'[a-zа-я0-9一-龠ぁ-ん]'", r"'\pL|[0-9]'", "'(?s).+'"])
def test_p502_a_pattern_that_is_in_every_text(pattern: str) -> None:
    assert codes(rule(f"{{text: {{patterns: [x7, {pattern}]}}}}")) == [("P502", 8)]
    fragment = shared(f"fragments:\n  f: {{text: {{patterns: {pattern}}}}}\n")
    assert linted(TEXT_RULES, policy_file(), definitions=fragment) == [("P502", 3, "definitions.yaml")]


@pytest.mark.parametrize("pattern", ["'[a-z]{12}'", "'[0-9]'", "e", "'^.{3}$'"])
def test_p502_a_pattern_that_tells_texts_apart(pattern: str) -> None:
    assert codes(rule(f"{{text: {{patterns: [x7, {pattern}]}}}}")) == []


@pytest.mark.parametrize(
    ("when", "said", "line"),
    [
        ("{text: {phrases: pipe bomb}}", "on_violation: {message: 'No PIPE  BOMBS, no pipe-bomb'}\n", 10),
        ("{text: {words: w}}", "on_violation: {message: we look for nerve agents}\n", 10),
        ("{not: {use: f}}", "on_violation: {message: do not say banana}\n", 10),
    ],
)
def test_p503_a_message_that_tells_what_is_looked_for(when: str, said: str, line: int) -> None:
    definitions = "words: {w: [nerve agents]}\nfragments: {f: {text: {phrases: banana}}}\n"
    assert codes(rule(when) + said, definitions) == [("P503", line)]
    assert codes(rule(when) + "on_violation: {message: this is not allowed here}\n", definitions) == []


def test_p503_a_title_is_read_by_callers_too() -> None:
    assert codes(rule("{text: {phrases: policy p}}")) == [("P503", 3)]
    assert codes("output: {o: {text: {phrases: policy p}, how: after}}\n") == [("P503", 3)]


def test_p504_headers_that_callers_write() -> None:
    assert codes(rule("{any: [{headers: {X-Forwarded-For: '10.*'}}]}")) == [("P504", 8)]
    assert codes(rule("{headers: {user-agent: '*relay*'}}")) == []
    fragment = shared("fragments:\n  f: {headers: {cf-ipcountry: XA}}\n")
    assert linted(TEXT_RULES, policy_file(), definitions=fragment) == [("P504", 3, "definitions.yaml")]


STOP = "output:\n  o:\n    text: {{{}}}\n    how: {}\n    then: stop\n"


def test_p505_a_long_window_of_held_back_text() -> None:
    window = "    window: 300\n"
    assert codes(STOP.format("patterns: x7", "hold_back") + window) == [("P505", 11)]
    assert codes(STOP.format("patterns: x7", "windowed") + window) == []
    assert codes(STOP.format("patterns: x7", "hold_back") + "    window: 100\n") == []
    long = "abcde fghij " * 18
    assert codes(STOP.format(f"phrases: '{long}'", "hold_back")) == [("P505", 8)]
    assert codes("output: {o: {max_characters: 500, how: hold_back, then: stop}}\n") == []
