"""Conditions against an evaluator of our own that knows nothing of plans: Kleene's three-valued logic by tables."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.compiling import Compiler
from gateway.policy.conditions import bind
from gateway.policy.criteria import ASKED, WHOM
from tests.support.inquiries import inquiry
from tests.unit.policy.test_criteria import when

LEAVES: dict[str, bool | None] = {
    "{tier: free}": True,
    "{tier: pro}": False,
    "{account_age: {below: 7d}}": None,
    "{n: {at_least: 1}}": True,
    "{n: {at_least: 2}}": False,
    "{temperature: {below: 1}}": None,
}
"""Both kinds of criteria, with what each says to the request of this test."""
Tree = str | tuple[str, tuple[Any, ...]]


def trees() -> st.SearchStrategy[Tree]:
    return st.recursive(
        st.sampled_from(sorted(LEAVES)),
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=4).map(tuple)),
            st.tuples(st.just("not"), st.tuples(inner)),
        ),
        max_leaves=12,
    )


def written(tree: Tree) -> str:
    if isinstance(tree, str):
        return tree
    kind, parts = tree
    if kind == "not":
        return f"{{not: {written(parts[0])}}}"
    return f"{{{kind}: [{', '.join(written(part) for part in parts)}]}}"


def expected(tree: Tree) -> bool | None:
    """A no is 0, a yes 2, in doubt 1: all is the least, any the most, not turns them round."""
    rank = {False: 0, None: 1, True: 2}
    back = {0: False, 1: None, 2: True}
    if isinstance(tree, str):
        return LEAVES[tree]
    kind, parts = tree
    ranks = [rank[expected(part)] for part in parts]
    return back[{"all": min, "any": max, "not": lambda some: 2 - some[0]}[kind](ranks)]


@given(trees())
def test_a_tree_says_what_the_tables_say(tree: Tree) -> None:
    asked = inquiry()
    bound = bind(Compiler().condition(when(written(tree)), ()), asked.here)
    assert (bound if bound is None or isinstance(bound, bool) else bound(asked)) is expected(tree)


def test_both_kinds_of_criteria_are_mixed() -> None:
    keys = {text[1:].split(":")[0] for text in LEAVES}
    assert keys & {criterion.key for criterion in WHOM}
    assert keys & {criterion.key for criterion in ASKED}
