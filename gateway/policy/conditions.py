"""Conditions as trees: criteria joined by all, any and not. Half of a tree is decided when a plan is made.

Three answers: yes, no, and not known (a country behind an untrusted proxy). They combine as in Kleene's logic: what
is not known decides nothing by itself, and neither `not` nor `all` turns it into a yes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.policy.criteria.base import Asked, AskTest, Whom, WhomTest
from gateway.policy.inquiry import Inquiry
from gateway.policy.situation import Situation
from gateway.policy.traffic import EVERY, Traffic

Truth = bool | None


@dataclass(frozen=True, slots=True)
class WhomLeaf:
    """One criterion that is decided when a plan is made."""

    criterion: Whom
    value: Any
    test: WhomTest


@dataclass(frozen=True, slots=True)
class AskedLeaf:
    """One criterion that every request must answer."""

    criterion: Asked
    value: Any
    test: AskTest


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; without parts it always does."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part at least holds."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class Named:
    """A fragment, under the name by which a policy uses it."""

    name: str
    part: "Node"


Node = WhomLeaf | AskedLeaf | All | AnyOf | Not | Named
Bound = Truth | AskTest


def bind(node: Node, here: Situation) -> Bound:
    """What is left to ask of each request once it is known who calls: a test, or the answer itself."""
    match node:
        case WhomLeaf():
            return node.test(here)
        case AskedLeaf():
            return node.test
        case Named():
            return _once(node.name, bind(node.part, here))
        case Not():
            return _opposite(bind(node.part, here))
        case All():
            return _joined((bind(part, here) for part in node.parts), decides=False)
        case AnyOf():
            return _joined((bind(part, here) for part in node.parts), decides=True)


def clock(node: Node) -> tuple[WhomLeaf, ...]:
    """The criteria of a tree whose answer is another one as time goes by: few trees have any."""
    return tuple(leaf for leaf in leaves(node) if isinstance(leaf, WhomLeaf) and leaf.criterion.changes_ms is not None)


def changes_ms(timed: Iterable[WhomLeaf], here: Situation) -> int | None:
    """The next moment at which `bind` may give something else for a tree with this `clock`; None for never."""
    moments = (leaf.criterion.changes_ms(leaf.value, here) for leaf in timed if leaf.criterion.changes_ms is not None)
    return min((moment for moment in moments if moment is not None), default=None)


def leaves(node: Node) -> Iterator[WhomLeaf | AskedLeaf]:
    """Every criterion of a tree."""
    match node:
        case WhomLeaf() | AskedLeaf():
            yield node
        case Not() | Named():
            yield from leaves(node.part)
        case All() | AnyOf():
            for part in node.parts:
                yield from leaves(part)


def cover(node: Node, here: Situation) -> Traffic | None:
    """The set of requests that a match, which asks nothing of the request itself, covers; None where it does not.

    The name of the set leaves out what the caller settles, so that a changed tier keeps its counters.
    """
    if bind(node, here) is not True:
        return None
    left = _without_caller(node, here, unknown=False)
    return EVERY if isinstance(left, bool) else _traffic(left, EVERY)


def may_cover(node: Node, here: Situation) -> bool:
    """Whether there is any route and model on which a match covers this caller."""
    return _without_caller(node, here, unknown=False) is not False


def _without_caller(node: Node, here: Situation, *, unknown: bool) -> Node | bool:
    """The tree over route and model alone; what is known of the caller is replaced by its answer.

    What is not known never makes the whole hold: it stands for `unknown`, a no, and a yes under `not`.
    """
    match node:
        case WhomLeaf():
            if node.criterion.traffic is None:
                answer = node.test(here)
                return unknown if answer is None else answer
            return node if node.criterion.traffic(node.value, EVERY) != EVERY else True
        case AskedLeaf():
            raise TypeError(f"'{node.criterion.key}' depends on the request: it cannot say whom a policy covers")
        case Named():
            return _without_caller(node.part, here, unknown=unknown)
        case Not():
            inner = _without_caller(node.part, here, unknown=not unknown)
            return not inner if isinstance(inner, bool) else Not(inner)
        case All() | AnyOf():
            decides = isinstance(node, AnyOf)
            parts = [_without_caller(part, here, unknown=unknown) for part in node.parts]
            if decides in parts:
                return decides
            left = tuple(part for part in parts if not isinstance(part, bool))
            return type(node)(left) if left else not decides


def _traffic(node: Node, traffic: Traffic) -> Traffic:
    """`traffic` narrowed by a tree over route and model. Criteria first and `not` after them, however they stand."""
    match node:
        case WhomLeaf():
            assert node.criterion.traffic is not None
            return node.criterion.traffic(node.value, traffic)
        case Not():
            return traffic.without(_traffic(node.part, EVERY))
        case All():
            for part in sorted(node.parts, key=lambda part: isinstance(part, Not)):
                traffic = _traffic(part, traffic)
            return traffic
        case AnyOf():
            return traffic.on_either(tuple(_traffic(part, EVERY) for part in node.parts))
        case _:
            raise TypeError(node)


def _once(name: str, bound: Bound) -> Bound:
    """A fragment means the same in every rule: the first one that uses it asks for all of them."""
    if bound is None or isinstance(bound, bool):
        return bound

    def test(inquiry: Inquiry) -> Truth:
        said = inquiry.said
        if name in said:
            return said[name]
        answer = said[name] = bound(inquiry)
        return answer

    return test


def _opposite(bound: Bound) -> Bound:
    if bound is None or isinstance(bound, bool):
        return None if bound is None else not bound

    def test(inquiry: Inquiry) -> Truth:
        answer = bound(inquiry)
        return None if answer is None else not answer

    return test


def _joined(parts: Iterable[Bound], *, decides: bool) -> Bound:
    """`any` where a yes decides, `all` where a no does."""
    tests: list[AskTest] = []
    unknown = False
    for part in parts:
        if part is decides:
            return decides
        if part is None:
            unknown = True
        elif not isinstance(part, bool):
            tests.append(part)
    if not tests:
        return None if unknown else not decides
    if len(tests) == 1 and not unknown:
        return tests[0]
    return _combined(tuple(tests), decides=decides, unknown=unknown)


def _combined(tests: tuple[Callable[[Inquiry], Truth], ...], *, decides: bool, unknown: bool) -> AskTest:
    def test(inquiry: Inquiry) -> Truth:
        doubt = unknown
        for one in tests:
            answer = one(inquiry)
            if answer is decides:
                return decides
            doubt = doubt or answer is None
        return None if doubt else not decides

    return test
