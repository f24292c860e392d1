"""What a criterion is: a key of a `match` or `when`, a test made from its value, and words for both answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.core.account import Account
from gateway.policy.bounds import Count, Quantity, inside
from gateway.policy.inquiry import Inquiry
from gateway.policy.situation import Situation
from gateway.policy.terms import Terms
from gateway.policy.traffic import Traffic
from gateway.texts.patterns import Pattern

WhomTest = Callable[[Situation], bool | None]
AskTest = Callable[[Inquiry], bool | None]
"""None: it could not be found out, which is neither yes nor no."""


class Compiling(Protocol):
    """What a criterion may refer to while it is compiled."""

    def words(self, name: str) -> tuple[str, ...]:
        """A shared word list. Raises KeyError."""
        ...

    def terms(self, profile: str) -> Terms | None:
        """A terms profile of models; None where nobody wrote it."""
        ...

    def patterns(self, wanted: Iterable[Pattern]) -> frozenset[int]:
        """Enter patterns into the one index of the set; the numbers that a search answers with."""
        ...


@dataclass(frozen=True, slots=True)
class Whom:
    """A criterion on what is known before the body: it is decided once, when a plan is made."""

    key: str
    passes: str
    fails: str
    """Stable codes, for explanations and tests."""
    compile: Callable[[Any, Compiling], WhomTest]
    fact: Callable[[Situation], str]
    """What the request has there, in words; never a key's secret."""
    traffic: Callable[[Any, Traffic], Traffic] | None = None
    """For criteria on route and model: they narrow the set of requests that a limit counts."""
    changes_ms: Callable[[Any, Situation], int | None] | None = None
    """The next moment at which the answer may be another; None for never."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A criterion on the request itself: it is decided for every request that a rule with it covers."""

    key: str
    passes: str
    fails: str
    compile: Callable[[Any, Compiling], AskTest]
    fact: Callable[[Inquiry], str]
    """What the request has there, in words; never content."""


Criterion = Whom | Asked


def among(key: str, fact: Callable[[Account], str]) -> Whom:
    """The usual criterion on an account: a fact is one of the words."""

    def compile_words(words: tuple[str, ...], _: Compiling) -> WhomTest:
        wanted = frozenset(words)
        return lambda here: fact(here.principal.account) in wanted

    return Whom(
        key,
        passes=f"{key}_listed",
        fails=f"{key}_not_listed",
        compile=compile_words,
        fact=lambda here: fact(here.principal.account) or "unknown",
    )


def measured(key: str, fact: Callable[[Inquiry], float | None], unit: str = "") -> Asked:
    """The usual criterion on a number of the request: it lies in a range. None where the number is not known."""

    def compile_range(bound: Count | Quantity, _: Compiling) -> AskTest:
        holds = inside(bound)

        def test(inquiry: Inquiry) -> bool | None:
            value = fact(inquiry)
            return None if value is None else holds(value)

        return test

    def fact_in_words(inquiry: Inquiry) -> str:
        value = fact(inquiry)
        return "unknown" if value is None else f"{value:g} {unit}".strip()

    return Asked(key, f"{key}_in_range", f"{key}_out_of_range", compile_range, fact_in_words)


def flagged(key: str, fact: Callable[[Inquiry], bool]) -> Asked:
    """The usual criterion on something that a request has or has not."""

    def compile_flag(wanted: bool, _: Compiling) -> AskTest:
        return lambda inquiry: fact(inquiry) is wanted

    return Asked(
        key, f"{key}_matches", f"{key}_differs", compile_flag, lambda inquiry: "yes" if fact(inquiry) else "no"
    )
