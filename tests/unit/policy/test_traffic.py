"""Names of counters against brute force: one set of requests has one name, and no other set shares it."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.compiling import Compiler
from gateway.policy.conditions import Node, cover, may_cover
from gateway.policy.situation import Situation
from tests.support.policies import NOW, model, policy, principal

MODELS = [model("a", family="x"), model("b", family="x"), model("ab", family="y")]
DIALECTS = ["chat", "messages"]
REQUESTS = [(dialect, one) for dialect in DIALECTS for one in MODELS]
Cell = tuple[str, str]
NOT_A, NOT_B = {"not": {"model": "a"}}, {"not": {"model": "b"}}

# Of the caller, who is on the free tier and of unknown age; of the route; of the model.
_LEAVES = st.sampled_from(
    [
        {"tier": "free"}, {"tier": "pro"}, {"account_age": {"below": "7d"}}, {"account_age": {"at_least": "7d"}},
        {"dialect": "chat"}, {"dialect": ["messages", "chat"]}, {"route": "/v1/messages"}, {"model": "a"},
        {"model": "a*"}, {"model": ["b", "ab"]}, {"model": "*"}, {"family": "x"}, {"model": "a", "dialect": "chat"},
    ]
)  # fmt: skip
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda one: {"not": one}, inner),
        st.builds(lambda some: {"all": some}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda some: {"any": some}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)


def node_of(match: Any) -> Node:
    return Compiler().condition(policy(match=yaml.safe_dump(match, default_flow_style=True, width=10_000)).match, ())


def sets(match: Any) -> Iterator[tuple[str, frozenset[Cell]]]:
    """Every counter of a limit on this match, `models: all` and `models: each`, and the requests that it counts."""
    node = node_of(match)
    names = {(dialect, one.id): cover(node, Situation(principal(), dialect, one, NOW)) for dialect, one in REQUESTS}
    covered = {cell: traffic for cell, traffic in names.items() if traffic is not None}
    assert len({str(traffic) for traffic in covered.values()}) <= 1, "one limit, one counter"
    for cell, traffic in covered.items():
        yield str(traffic), frozenset(covered)
        same_model = frozenset(other for other in covered if other[1] == cell[1])
        yield str(traffic.on_model(cell[1])), same_model


@given(st.lists(_TREES, min_size=2, max_size=4))
def test_two_sets_of_requests_never_share_a_name(matches: list[Any]) -> None:
    seen: dict[str, frozenset[Cell]] = {}
    for match in matches:
        for name, requests in sets(match):
            assert seen.setdefault(name, requests) == requests, name


@given(_TREES)
def test_what_may_be_covered_is_told(match: Any) -> None:
    node = node_of(match)
    covered = [cover(node, Situation(principal(), dialect, one, NOW)) is not None for dialect, one in REQUESTS]
    here = Situation(principal(), DIALECTS[0], MODELS[0], NOW)
    assert may_cover(node, here) or not any(covered)


@pytest.mark.parametrize(("one", "other"), [
    ({"all": [NOT_A, NOT_B]}, {"all": [NOT_B, NOT_A]}),
    ({"any": [{"model": "a"}, {"dialect": "chat"}]}, {"any": [{"dialect": "chat"}, {"model": "a"}]}),
    ({"not": {"model": "a"}, "dialect": "chat"}, {"all": [{"dialect": "chat"}, {"not": {"model": "a"}}]}),
    ({"route": "/v1/messages"}, {"dialect": "messages"}),
])  # fmt: skip
def test_the_order_of_a_list_names_no_other_counter(one: Any, other: Any) -> None:
    assert dict(sets(one)) == dict(sets(other)) != {}


def test_what_is_not_known_of_a_caller_widens_no_counter() -> None:
    """Nobody knows how old the account is, so that the match covers one model: its counter is that model's alone."""
    unknown = {"any": [{"not": {"account_age": {"below": "7d"}}}, {"model": "a"}]}
    everything = {"not": {"tier": "pro"}}
    assert not {name for name, _ in sets(unknown)} & {name for name, cells in sets(everything) if len(cells) == 6}
