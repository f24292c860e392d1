"""Blocks and text patterns of a whole policy set, compiled together: one index for all that rules look for in texts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.policy.blocks import Block
from gateway.policy.conditions import All, AnyOf, AskedLeaf, Named, Node, Not, WhomLeaf
from gateway.policy.criteria import ASKED, WHOM
from gateway.policy.definitions import NONE, Definitions
from gateway.policy.terms import Terms
from gateway.texts.index import TextIndex
from gateway.texts.patterns import Pattern, Regex, expression, literals
from gateway.validate import nearest

Path = tuple[str | int, ...]


class Unusable(ValueError):  # noqa: N818 - named for what the value is
    """A part of a policy that means nothing: where, and why."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


@dataclass(slots=True)
class Compiler:
    """Turns blocks into conditions; satisfies `Compiling` for the criteria."""

    definitions: Definitions = NONE
    _patterns: dict[Pattern, int] = field(default_factory=dict)
    _fragments: dict[str, Node | None] = field(default_factory=dict)
    """Compiled fragments; None while one is being compiled."""

    def words(self, name: str) -> tuple[str, ...]:
        if name not in self.definitions.words:
            raise ValueError(f"unknown word list '{name}'{nearest(name, self.definitions.words)}")
        return self.definitions.words[name]

    def terms(self, profile: str) -> Terms | None:
        return self.definitions.terms.get(profile)

    def patterns(self, wanted: Iterable[Pattern]) -> frozenset[int]:
        """Raises ValueError for one that cannot be searched for."""
        numbers = []
        for pattern in wanted:
            if pattern not in self._patterns:
                _check(pattern)
            numbers.append(self._patterns.setdefault(pattern, len(self._patterns)))
        return frozenset(numbers)

    def index(self) -> TextIndex | None:
        """Everything that was asked for; None when nothing was. Raises ValueError for what is too much to search."""
        return TextIndex(tuple(self._patterns)) if self._patterns else None

    def condition(self, block: Block | None, path: Path) -> Node:
        """A block as a condition; None is `match: all`. Raises Unusable."""
        if block is None:
            return All(())
        parts: list[Node] = []
        for criterion in WHOM:
            value = getattr(block, criterion.key)
            if value is not None:
                parts.append(WhomLeaf(criterion, value, _compile(criterion, value, self, path)))
        for asked in ASKED:
            value = getattr(block, asked.key, None)
            if value is not None:
                parts.append(AskedLeaf(asked, value, _compile(asked, value, self, path)))
        for key, kind in (("all", All), ("any", AnyOf)):
            blocks = getattr(block, key)
            if blocks is not None:
                inner = (self.condition(one, (*path, key, place)) for place, one in enumerate(blocks))
                parts.append(kind(tuple(inner)))
        if block.not_ is not None:
            parts.append(Not(self.condition(block.not_, (*path, "not"))))
        if block.use is not None:
            parts.append(self._fragment(block.use, (*path, "use")))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _fragment(self, name: str, path: Path) -> Node:
        known = self.definitions.fragments
        if name not in known:
            raise Unusable(path, f"unknown fragment '{name}'{nearest(name, known)}")
        if name in self._fragments:
            done = self._fragments[name]
            if done is None:
                raise Unusable(path, f"fragment '{name}' uses itself")
            return done
        self._fragments[name] = None
        try:
            node = self._fragments[name] = Named(name, self.condition(known[name], path))
        finally:
            if self._fragments[name] is None:
                del self._fragments[name]
        return node


def _compile(criterion: Any, value: Any, compiler: Compiler, path: Path) -> Any:
    try:
        return criterion.compile(value, compiler)
    except ValueError as error:
        raise Unusable((*path, criterion.key), str(error)) from None


def _check(pattern: Pattern) -> None:
    """Raises ValueError, here and not when the index is made: here somebody knows where it stands."""
    if isinstance(pattern, Regex):
        expression(pattern)
    else:
        for _ in literals(pattern):
            pass
