"""Expressions, and what is made of several, searched together in one pass."""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.texts.matcher import FAILED, Matcher
from gateway.texts.near import NearTest, TooManyPlaces
from gateway.texts.patterns import Every, Near, Regex, expression, expressions


class _Shape(NamedTuple):
    owner: int
    needs: frozenset[int]
    """Its expressions, all of which must occur."""
    near: tuple[NearTest, ...]


class Expressions:
    """The patterns that RE2 reads as they are."""

    __slots__ = ("_matcher", "_shapes")

    def __init__(
        self, patterns: Iterable[tuple[Regex | Near | Every, int]], sources: Iterable[tuple[str, int]]
    ) -> None:
        """Patterns, and sources ready for RE2, with their owners. Raises ValueError as `expression` does."""
        wanted = [*sources]
        parts: dict[Regex, int] = {}
        self._shapes: list[_Shape] = []
        for pattern, owner in patterns:
            if isinstance(pattern, Regex):
                wanted.append((expression(pattern), owner))
                continue
            needs = [parts.setdefault(part, -100 - len(parts)) for part in expressions(pattern)]
            inner = pattern.parts if isinstance(pattern, Every) else (pattern,)
            near = tuple(NearTest(part) for part in inner if isinstance(part, Near))
            self._shapes.append(_Shape(owner, frozenset(needs), near))
        wanted += [(expression(part), number) for part, number in parts.items()]
        self._matcher = Matcher(wanted)

    def __bool__(self) -> bool:
        return bool(self._matcher)

    def matches(self, form: str) -> set[int]:
        """The owners of what occurs in the form, and FAILED."""
        found = self._matcher.matches(form)
        for owner, needs, near in self._shapes:
            if needs <= found:
                try:
                    if all(test.holds(form.encode()) for test in near):
                        found.add(owner)
                except TooManyPlaces:
                    found.add(FAILED)
        return found
