"""Laying a file out loses no comment, changes no meaning, and is done once."""

import random
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway import yamlio
from gateway.policy.compile import PolicySet
from gateway.policy.definitions import read_definitions
from gateway.policy.fmt import formatted
from gateway.policy.load import policy_paths
from gateway.policy.model import Policy
from gateway.validate import build
from gateway.yamlio import YamlProblems

SHIPPED = Path(__file__).parents[2] / "policies"
DEFINITIONS = read_definitions(SHIPPED)
TEXTS = [path.read_text() for path in policy_paths(SHIPPED)]
KEYS = [*Policy.model_fields, "nonsense", "'quoted'"]

blanks = st.sampled_from(["", "\n", "\n\n\n", "  \n"])
comments = st.sampled_from(
    ["", "# one\n", "# two\n# lines\n", "  # indented\n", "# apart\n\n", "#\n", "# yaml-language-server: x\n"]
)
values = st.sampled_from(
    [
        " plain\n", "\n", " 'a\n\n  b'\n", " |\n  # text\n\n\n  more\n", " |+\n  kept\n\n", " >-\n  folded\n",
        " {a: [1,\n  2]}\n", "\n  a: 1\n  # inside\n  b:\n  - x\n", "\n- x\n\n- y  \n", " # behind\n  x\n",
        " |2\n    y\n", ' "q # no"   \n', " &x z\n", " *x\n",
    ]
)  # fmt: skip
blocks = st.tuples(blanks, comments, st.sampled_from(KEYS), values)


@given(st.lists(blocks, min_size=1, max_size=8, unique_by=lambda block: block[2].strip("'")), comments, blanks)
@settings(max_examples=600, deadline=None)
def test_every_document_is_laid_out_whole_or_left_alone(
    parts: list[tuple[str, str, str, str]], tail: str, end: str
) -> None:
    text = "".join(f"{blank}{comment}{key}:{value}" for blank, comment, key, value in parts) + tail + end
    try:
        meant = yamlio.load(text, "f").value
        once = formatted(text, "f", Policy)
    except YamlProblems:
        assume(False)
        return
    assert formatted(once, "f", Policy) == once
    assert yamlio.load(once, "f").value == meant
    assert sorted(_lines(once)) == sorted(_lines(text))
    known = [key for key in yamlio.load(once, "f").value if key in Policy.model_fields]
    assert known == sorted(known, key=list(Policy.model_fields).index)


@given(st.sampled_from(TEXTS), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_a_shipped_policy_in_any_order_means_the_same_and_comes_out_as_it_was(text: str, chance: random.Random) -> None:
    head, *rest = text.splitlines(keepends=True)
    starts = [place for place, line in enumerate(rest) if line[0] not in " #\n"]
    pieces = ["".join(rest[start:end]) for start, end in zip(starts, [*starts[1:], len(rest)], strict=True)]
    chance.shuffle(pieces)
    turned = head + "".join(pieces)
    assert formatted(turned, "f", Policy) == text
    assert _revision(turned) == _revision(text)


def _revision(text: str) -> str:
    return PolicySet([build(yamlio.load(text, "f"), Policy)], DEFINITIONS).revision


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.split("\n") if line.strip()]
