"""Whatever stands in the files of a policy folder: it is read, or refused with places. Never a crash, never a hang."""

import copy
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import yamlio
from gateway.policy.cases import CaseFile
from gateway.policy.compile import compile_files
from gateway.policy.definitions import Definitions, DefinitionsFile, read_definitions
from gateway.policy.fmt import formatted
from gateway.policy.lint import Scene, lint
from gateway.policy.load import PolicyFile
from gateway.policy.model import Policy
from gateway.policy.rules import RULES
from gateway.texts.index import TextIndex
from gateway.texts.patterns import Phrase, Regex
from gateway.validate import build
from gateway.yamlio import Loaded, Problem, YamlProblems
from tests.support.policies import NOW
from tests.support.vectors import needs_vectors

VECTORS = Path(__file__).parents[3] / "shared" / "data" / "vectors" / "yaml.tar.gz"
SHIPPED = sorted((Path(__file__).parents[2] / "policies").glob("*.yaml"))
SHARED = read_definitions(SHIPPED[0].parent)
DOCUMENTS = [(path.name, yamlio.load_file(path).value) for path in SHIPPED]


def whole(text: str, name: str = "p.yaml") -> bool:
    """All that a folder with this one file goes through. Whether it is a good one; YamlProblems are its only end."""
    found = refused(lambda: _meant(yamlio.load(text, name), name))
    assert all(one.line >= 1 and one.column >= 1 and one.message and one.message.isprintable() for one in found or ())
    return found is None


def refused(work: Callable[[], object]) -> Sequence[Problem] | None:
    """What is wrong, at least one thing; None when nothing is."""
    try:
        work()
    except YamlProblems as error:
        return error.problems or pytest.fail("refused without a reason")
    return None


def _meant(loaded: Loaded, name: str) -> None:
    if name.endswith(".test.yaml"):
        build(loaded, CaseFile)
        return
    if name == "definitions.yaml":
        shared = build(loaded, DefinitionsFile)
        definitions = Definitions(shared.fragments, shared.words, shared.terms, loaded)
        compile_files([], definitions)
        lint(Scene([], NOW, definitions=definitions), RULES)
        return
    file = PolicyFile(build(loaded, Policy), loaded)
    compile_files([file], SHARED)
    lint(Scene([file], NOW, definitions=SHARED), RULES)


odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**39), 10**39),
    st.sampled_from([2**53, 2**53 + 1, 2**63, 2**64, 10**39, -1, 0]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12),
    st.sampled_from(
        [
            "all", "1m", "999999999d", "2026-02-30", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59-23:59", "(a+)+$",
            "0.1", "1e999", "unknown", "Ａｌｌ", "p\u200bq", "рolicy", "ı", "∞", "/v1/messages", "::/0", "*", "user",
            "closed-provider", "\x1b[31m", "a\nb",
        ]
    ),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.sampled_from(["all", "any", "not", "use", "tier", "x", "unit"]), st.integers(0, 3), max_size=2),
)  # fmt: skip


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from _places(one, (*path, key))


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[str, str]:
    """A shipped file with a few of its values replaced, or moved to other places."""
    name, value = draw(st.sampled_from(DOCUMENTS))
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        places = [place for place in _places(value) if place]
        place = draw(st.sampled_from(places))
        holder = value
        for step in place[:-1]:
            holder = holder[step]
        borrowed = draw(st.sampled_from(places))
        taken = value
        for step in borrowed:
            taken = taken[step]
        holder[place[-1]] = draw(st.one_of(odd, st.just(copy.deepcopy(taken))))
    return name, yamlio.dump(value)


@given(spoiled())
@settings(max_examples=120, deadline=None)
def test_a_spoiled_file_is_read_or_refused_with_places(document: tuple[str, str]) -> None:
    name, text = document
    whole(text, name)


words = st.sampled_from(
    [
        "version: 1", "id: p", "title: T", "status: stable", "match:", "all", "rules:", "when:", "then:", "text:",
        "- x", "phrases:", "{", "}", "[", "]", "&a", "*a", "'", '"', "|", "#", "not:", "any:", "\t", "\u2028", "\ufeff",
        "!!int", "<<:", "? ",
    ]
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(["\n", " ", "\n  ", "\n    ", ""]), words), max_size=25))
@settings(max_examples=300, deadline=None)
def test_torn_files_are_read_or_refused_with_places(parts: list[tuple[str, str]]) -> None:
    text = "".join(space + word for space, word in parts)
    whole(text)
    refused(lambda: formatted(text, "p.yaml", Policy))


HEAD = "version: 1\nid: {}\ntitle: T\nstatus: testing\nmatch: all\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD.format("p") + "rules: " + "[" * 10_000,
        HEAD.format("p") + "rules: " + "{a: " * 10_000,
        HEAD.format("p") + "".join(f"{'  ' * depth}not:\n" for depth in range(1, 700)),
        HEAD.format("p") + "- " * 10_000,
        HEAD.format("p") + "description: " + "&a [" * 500,
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n" + "".join(f"{n}: [*c, *c, *c]\n" for n in "defghijklm"),
        "a: &a {b: *a}\n",
        HEAD.format("p") + "id: q\n",
        HEAD.format("p") + "limits: {l: {unit: requests, per: key, amount: 1, window: 1m}, l: {}}\n",
        HEAD.format("p") + "limits: {l: {unit: requests, per: key, amount: 1" + "0" * 39 + ", window: 1m}}\n",
        HEAD.format("p") + "limits: {l: {unit: requests, per: key, amount: 1" + "0" * 5000 + ", window: 1m}}\n",
        HEAD.format("p") + "budgets: {b: {unit: usd, per: key, amount: 1e999, period: day}}\n",
        HEAD.format("p") + "exceptions: [{account: a, reason: r, owner: o, until: 2026-02-30}]\n",
        HEAD.format("p") + "description: 'x\ud800'\n",
        HEAD.format("p") + "description: x\x00\n",
        HEAD.format("p") + "owner: " + "x" * (1 << 20) + "\n",
        *(HEAD.format(f"'{name}'") for name in ("all", "Ａ", "p\u200bq", "рolicy", "p q", "ı", "p\\n", "p" * 64, "-p")),
    ],
    ids=range(25),
)  # fmt: skip
def test_what_is_meant_to_hurt_is_refused(text: str) -> None:
    assert not whole(text)


def test_a_name_that_stands_for_every_policy_is_no_id() -> None:
    with pytest.raises(YamlProblems, match=r"p\.yaml:2:5: id: expected another id: 'all' is the switch"):
        build(yamlio.load(HEAD.format("all"), "p.yaml"), Policy)
    assert whole(HEAD.format("all-of-it"))


def calls(work: Callable[[], object]) -> int:
    """How many Python functions it takes: a count that does not depend on the machine."""
    count = 0

    def seen(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def _condition(width: int) -> str:
    either = ", ".join(
        f"{{any: [{{tier: t{n}}}, {{not: {{tags: a{n}}}}}, {{n: {{at_least: {n}}}}}]}}" for n in range(width)
    )
    rule = f"{{when: {{all: [{either}]}}, then: {{reduce: {{max_n: 1}}}}}}"
    return HEAD.format("p") + f"rules: {{a: {rule}, b: {rule}, c: {{when: {{n: {{at_least: 1}}}}, then: deny}}}}\n"


def test_the_work_grows_with_the_file_and_no_faster() -> None:
    small, large = (calls(lambda width=width: whole(_condition(width))) for width in (20, 80))
    assert large < 8 * small
    assert large < 200_000


def test_a_bomb_of_aliases_costs_no_more_than_its_lines() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefg", "bcdefgh", strict=True)
    )
    assert calls(lambda: whole(bomb)) < 20_000


@pytest.mark.parametrize(
    "source", ["(a+)+$", "(a|a)*b", "(.*)(.*)(.*)x", "(x+x+)+y", "([a-z]+)*[0-9]", "(a?){30}a{30}z"]
)
def test_patterns_that_ruin_others_cost_this_matcher_no_more_steps(source: str) -> None:
    try:
        index = TextIndex((Regex(source), Phrase("needle")))
    except ValueError:
        return  # refused: it is found in every text, or too large
    counts = [calls(lambda size=size: index.search("a" * size + " needle")) for size in (1_000, 100_000)]
    assert counts[1] <= counts[0] + 50
    assert index.search("a" * 100_000 + " needle").complete


@given(
    st.lists(st.text(max_size=12), min_size=1, max_size=3),
    st.lists(st.text(max_size=8), max_size=2),
    st.text(max_size=80),
)
@settings(max_examples=200, deadline=None)
def test_no_phrase_no_pattern_and_no_text_breaks_the_matcher(phrases: list[str], sources: list[str], text: str) -> None:
    try:
        index = TextIndex((*map(Phrase, phrases), *map(Regex, sources)))
    except ValueError:
        return
    assert index.search(text).indices <= set(range(len(phrases) + len(sources)))
    assert index.search_pieces([text[:40], text[40:]]).indices <= set(range(len(phrases) + len(sources)))


@needs_vectors
def test_the_public_yaml_suite_is_no_policy_and_no_crash() -> None:
    seen = good = 0
    with tarfile.open(VECTORS) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is None:
                continue
            text = file.read().decode()
            for name in ("p.yaml", "p.test.yaml", "definitions.yaml"):
                seen += 1
                good += whole(text, name)
            whole(HEAD.format("p") + "description:\n" + "".join(f"  {line}\n" for line in text.splitlines()))
    assert seen > 1000
    assert good == 0


def test_a_message_never_steers_a_terminal_or_ends_a_line() -> None:
    with pytest.raises(YamlProblems) as caught:
        build(yamlio.load(HEAD.format("p") + '"x\\e[31m\\ny": 1\n', "p.yaml"), Policy)
    assert str(caught.value) == "p.yaml:6:1: unknown key 'x\\x1b[31m\\ny'"
