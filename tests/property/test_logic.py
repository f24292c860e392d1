"""What lint says of conditions, against the conditions themselves: what can never hold never does, whoever asks."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy.compiling import Compiler
from gateway.policy.conditions import bind
from gateway.policy.definitions import NONE
from gateway.policy.inquiry import Inquiry
from gateway.policy.logic import contradiction, formula, implies
from tests.property.test_conditions import Tree, written
from tests.support.inquiries import inquiry
from tests.support.policies import NOW
from tests.unit.policy.test_criteria import when

LEAVES = (
    "{tier: free}", "{tier: [free, pro]}", "{tier: pro}",
    "{country: unknown}", "{country: [DE, FR]}",
    "{verified: true}", "{verified: false}",
    "{tags: a}", "{tags: [a, b]}", "{tags: b}",
    "{standing: clear}", "{standing: [watched, limited]}", "{standing: blocked}",
    "{account_age: {below: 2d}}", "{account_age: {at_least: 1d}}", "{account_age: {at_least: 2d, below: 3d}}",
    "{model: 'm*'}", "{model: m1}", "{model: '*'}",
    "{upstream: u1}", "{upstream: [u1, u2]}",
    "{dialect: chat}", "{route: /v1/messages}",
    "{n: {below: 2}}", "{n: {at_least: 2}}", "{n: {at_least: 2, below: 3}}",
    "{temperature: {below: 0.5}}", "{temperature: {at_least: 0.5}}",
    "{seed: true}", "{seed: false}", "{response_format: text}", "{response_format: [json_object, other]}",
    "{headers: {a: x}}", "{headers: {a: '*'}}", "{headers: {a: 'x*'}}",
    "{address: 192.0.2.0/24}", "{address: [192.0.2.0/25, '2001:db8::/32']}", "{address: 192.0.2.128/25}",
    "{client_country: DE}", "{client_country: FR}",
    "{time: {days: [mon, tue]}}", "{time: {from: '22:00', to: '06:00'}}",
    "{time: {from: '22:00', to: '06:00', days: sun}}", "{time: {from: '05:00', to: '21:00'}}",
    "{n: {below: 3}, tier: free}",
)  # fmt: skip


def trees() -> st.SearchStrategy[Tree]:
    return st.recursive(
        st.sampled_from(LEAVES),
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3).map(tuple)),
            st.tuples(st.just("not"), st.tuples(inner)),
        ),
        max_leaves=6,
    )


@st.composite
def requests(draw: st.DrawFn) -> Inquiry:
    body: dict[str, Any] = {"n": draw(st.integers(1, 4))}
    body |= draw(st.sampled_from([{}, {"seed": 1}, {"temperature": 0.2}, {"temperature": 0.5}]))
    body |= draw(st.sampled_from([{}, {"response_format": {"type": "json_object"}}]))
    now_ms = NOW + draw(st.integers(0, 7 * 24)) * 3_600_000
    address = draw(st.sampled_from(["", "192.0.2.1", "192.0.2.200", "2001:db8::1"]))
    created = draw(st.sampled_from([0, NOW - 86_400_000, NOW - 2 * 86_400_000]))
    return inquiry(
        body,
        now_ms=now_ms,
        address=address,
        countries={"192.0.2.1": "DE", "192.0.2.200": "FR"},
        headers=draw(st.sampled_from([{}, {"a": "x"}, {"a": "xy"}, {"a": "z"}])),
        tier=draw(st.sampled_from(["free", "pro", "other"])),
        country=draw(st.sampled_from(["", "DE", "AT"])),
        verified=draw(st.booleans()),
        tags=frozenset(draw(st.sets(st.sampled_from(["a", "b", "c"])))),
        standing=draw(st.sampled_from(["clear", "watched", "limited", "blocked"])),
        standing_until_ms=NOW + 10**10,
        created_ms=created,
    )


def holds(tree: Tree, asked: Inquiry) -> bool | None:
    bound = bind(Compiler().condition(when(written(tree)), ()), asked.here)
    return bound if bound is None or isinstance(bound, bool) else bound(asked)


@given(trees(), st.lists(requests(), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_what_can_never_hold_never_does(tree: Tree, asked: list[Inquiry]) -> None:
    if contradiction(formula(when(written(tree)), NONE)):
        assert [one for one in asked if holds(tree, one)] == []


@given(trees(), trees(), st.lists(requests(), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_what_implies_another_never_holds_without_it(one: Tree, other: Tree, asked: list[Inquiry]) -> None:
    pairs = [(one, other), (one, ("any", (one, other))), (("all", (one, other)), other)]
    for inner, outer in pairs:
        if implies(formula(when(written(inner)), NONE), formula(when(written(outer)), NONE)):
            assert [here for here in asked if holds(inner, here) is True and holds(outer, here) is False] == []


@given(trees())
def test_everything_implies_itself_and_nothing_is_both(tree: Tree) -> None:
    itself = formula(when(written(tree)), NONE)
    assert implies(itself, itself)
    assert contradiction(formula(when(written(("all", (tree, ("not", (tree,)))))), NONE))
