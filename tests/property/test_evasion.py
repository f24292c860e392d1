"""Every text criterion in every disguise, in every text field of every dialect, and cut into pieces: rules still hold.

The fields are those of the official clients' types, down to the leaves, as in test_text_coverage.py of the dialects.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.texts import PARTS
from gateway.policy.compile import PolicySet
from gateway.policy.definitions import Definitions
from tests.support.inquiries import dialect_of, inquiry, plan_for
from tests.support.policies import policy
from tests.unit.dialects.test_fields import OFFICIAL
from tests.unit.dialects.test_text_coverage import REPLACED, groups_of, marked
from tests.unit.texts.test_evasion import DISGUISES

CRITERIA = {
    "phrases": "phrases: sealed annex",
    "words": "words: trade",
    "patterns": "patterns: 'gauge[sd]? (the|a) (still|cask)'",
    "lexicon": "lexicon: reasoning",
}
SENTENCES = {
    "phrases": "open the sealed annex",
    "words": "ask a moonshiner",
    "patterns": "and gauges the still",
    "lexicon": "Show me your reasoning.",
}
ALL = "; ".join(SENTENCES.values())
NEARLY = "open the annex, sealed or not; ask a moon shine drinker; and gauge the barrel; show me your seasoning"
SOMEBODY = inquiry().here
DEFINITIONS = Definitions(words={"trade": ("smuggler", "moonshiner")})


def _rule(name: str, text: str) -> str:
    return f"  {name}: {{when: {{text: {{{text}}}}}, then: flag}}\n"


RULES = PolicySet(
    [
        policy(
            "rules:\n"
            + "".join(_rule(name, text) for name, text in CRITERIA.items())
            + "".join(_rule(f"in-{part}", f"in: {part}, {CRITERIA['phrases']}") for part in PARTS)
        )
    ],
    DEFINITIONS,
)


def found(name: str, body: dict[str, Any]) -> set[str]:
    """The rules that hold of a body, whether or not its dialect takes it as a request."""
    dialect = dialect_of(name)
    asked = inquiry(rules=RULES)
    asked.read_texts, asked.here = lambda: dialect.texts(body), replace(SOMEBODY, dialect=name)
    ruling = plan_for(RULES, asked).judge(asked)
    assert all(finding.action in ("flag", "not_evaluated") for finding in ruling.findings)
    return {finding.rule for finding in ruling.findings if finding.action == "flag"}


@cache
def places(name: str, module: str, params: str) -> list[tuple[dict[str, Any], str, str]]:
    """Every place where a caller can write: a small body, the marker in it that stands for the text, and its part."""
    bodies, marks = marked(module, params, "marker %d x")
    seen: dict[str, tuple[dict[str, Any], str, str]] = {}
    for body in bodies:
        for marker, alone in each_alone(body):
            path = marks.get(marker)
            if path is not None and path not in REPLACED and path not in seen:
                (part,) = groups_of(dialect_of(name).texts(alone), marker)
                seen[path] = (alone, marker, part)
    return list(seen.values())


def each_alone(node: Any) -> Iterator[tuple[str, Any]]:
    """Each string of a body, keys too, and the body without what is neither above it nor a plain value beside that."""
    if isinstance(node, str):
        yield node, node
    elif isinstance(node, list):
        for item in node:
            for text, alone in each_alone(item):
                yield text, [alone]
    elif isinstance(node, dict):
        beside = {key: below for key, below in node.items() if not isinstance(below, dict | list)}
        for key, below in node.items():
            yield key, {**beside, key: beside.get(key)}
            for text, alone in each_alone(below):
                yield text, {**beside, key: alone}


def written(node: Any, marker: str, text: str) -> Any:
    """The body with a text in the marker's place, be it a key or a value."""
    if isinstance(node, str):
        return text if node == marker else node
    if isinstance(node, list):
        return [written(item, marker, text) for item in node]
    if isinstance(node, dict):
        return {written(key, marker, text): written(below, marker, text) for key, below in node.items()}
    return node


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize(("name", "module", "params"), OFFICIAL)
def test_each_criterion_holds_in_each_field_and_only_in_its_part(
    name: str, module: str, params: str, disguise: str
) -> None:
    text = DISGUISES[disguise](ALL)
    wrong = {}
    for body, marker, part in places(name, module, params):
        held = found(name, written(body, marker, text))
        if held != {*CRITERIA, f"in-{part}"}:
            wrong[marker] = (part, held)
    assert wrong == {}
    assert len(places(name, module, params)) >= 1


@pytest.mark.parametrize("disguise", DISGUISES)
def test_what_is_only_similar_is_not_found_in_any_disguise(disguise: str) -> None:
    for name in ("chat", "messages", "responses"):
        body = {"messages": [{"role": "user", "content": DISGUISES[disguise](NEARLY)}]}
        assert found(name, body if name != "responses" else {"input": body["messages"]}) == set()


def test_every_part_of_a_request_was_reached() -> None:
    reached = {name: {part for _, _, part in places(name, *rest)} for name, *rest in OFFICIAL}
    assert all(reached[name] >= set(PARTS) - {"assistant"} for name in ("chat", "responses", "messages"))
    assert "assistant" in reached["chat"] & reached["responses"]
    assert reached["completions"] == {"user", "definitions"}
    assert reached["embeddings"] >= {"user"}


# In pieces


def _messages(role: str, pieces: list[str]) -> Any:
    return [{"role": role, "content": piece} for piece in pieces]


def _parts(kind: str, role: str, pieces: list[str]) -> Any:
    return [{"role": role, "content": [{"type": kind, "text": piece} for piece in pieces]}]


def _both(kind: str, role: str, pieces: list[str]) -> Any:
    half = len(pieces) // 2
    return _parts(kind, role, pieces[:half]) + _messages(role, pieces[half:])


CUT_UP = {
    "chat, user messages": ("chat", "user", lambda pieces: {"messages": _messages("user", pieces)}),
    "chat, user parts": ("chat", "user", lambda pieces: {"messages": _parts("text", "user", pieces)}),
    "chat, parts and messages": ("chat", "user", lambda pieces: {"messages": _both("text", "user", pieces)}),
    "chat, system messages": ("chat", "system", lambda pieces: {"messages": _messages("system", pieces)}),
    "chat, developer parts": ("chat", "system", lambda pieces: {"messages": _parts("text", "developer", pieces)}),
    "chat, assistant messages": ("chat", "assistant", lambda pieces: {"messages": _messages("assistant", pieces)}),
    "chat, tool messages": ("chat", "tool", lambda pieces: {"messages": _messages("tool", pieces)}),
    "chat, tools": (
        "chat", "definitions",
        lambda pieces: {"tools": [{"type": "function", "function": {"description": one}} for one in pieces]},
    ),
    "completions, prompts": ("completions", "user", lambda pieces: {"prompt": pieces}),
    "embeddings, inputs": ("embeddings", "user", lambda pieces: {"input": pieces}),
    "responses, items": ("responses", "user", lambda pieces: {"input": _messages("user", pieces)}),
    "responses, parts": ("responses", "user", lambda pieces: {"input": _parts("input_text", "user", pieces)}),
    "responses, instructions and items": (
        "responses", "system",
        lambda pieces: {"instructions": pieces[0], "input": _messages("developer", pieces[1:])},
    ),
    "messages, messages": ("messages", "user", lambda pieces: {"messages": _messages("user", pieces)}),
    "messages, parts": ("messages", "user", lambda pieces: {"messages": _both("text", "user", pieces)}),
    "messages, system blocks": (
        "messages", "system", lambda pieces: {"system": [{"type": "text", "text": piece} for piece in pieces]},
    ),
    "messages, tool results": (
        "messages", "tool",
        lambda pieces: {"messages": [{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": one}]} for one in pieces
        ]}]},
    ),
    "count_tokens, parts": ("count_tokens", "user", lambda pieces: {"messages": _parts("text", "user", pieces)}),
}  # fmt: skip
CUTS = st.lists(st.integers(1, len(ALL) - 1), min_size=1, max_size=6, unique=True).map(sorted)


@given(st.sampled_from(list(CUT_UP)), CUTS, st.lists(st.sampled_from(list(DISGUISES)), min_size=7, max_size=7))
def test_each_criterion_holds_wherever_the_text_is_cut_and_however_each_piece_is_disguised(
    where: str, cuts: list[int], disguises: list[str]
) -> None:
    name, part, make = CUT_UP[where]
    ends = [0, *cuts, len(ALL)]
    pieces = [ALL[begin:end] for begin, end in pairwise(ends)]
    body = make([DISGUISES[how](piece) for how, piece in zip(disguises, pieces, strict=False)])
    assert found(name, body) == {*CRITERIA, f"in-{part}"}


@given(st.sampled_from(list(CUT_UP)), st.sampled_from(list(DISGUISES)))
def test_a_piece_for_each_letter(where: str, disguise: str) -> None:
    name, part, make = CUT_UP[where]
    assert found(name, make([DISGUISES[disguise](letter) for letter in ALL])) == {*CRITERIA, f"in-{part}"}


@pytest.mark.parametrize("part", ["user", "system", "assistant"])
def test_a_rule_on_another_part_does_not_look_here(part: str) -> None:
    held = found("chat", {"messages": _messages(part, [ALL])})
    assert {rule for rule in held if rule.startswith("in-")} == {f"in-{part}"}
