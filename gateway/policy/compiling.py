"""Blocks and text patterns of a whole policy set, compiled together: one index for all that rules look for in texts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gateway.policy.blocks import AskedKeys, Block
from gateway.policy.conditions import All, AnyOf, AskedLeaf, Named, Node, Not, WhomLeaf
from gateway.policy.criteria import ASKED, WHOM
from gateway.policy.criteria.text import TextMatch
from gateway.policy.definitions import NONE, Definitions
from gateway.policy.extent import MAX_NESTED, TOO_DEEP, Extent, extent
from gateway.policy.terms import Terms
from gateway.texts.index import TextIndex
from gateway.texts.patterns import Pattern, Phrase, Regex, expression, literals
from gateway.validate import nearest

Path = tuple[str | int, ...]


class Unusable(ValueError):  # noqa: N818 - named for what the value is
    """A part of a policy that means nothing: where, and why. `shared`: the place is one of definitions.yaml."""

    def __init__(self, path: Path, message: str, *, shared: bool = False) -> None:
        super().__init__(message)
        self.path = path
        self.message = message
        self.shared = shared


@dataclass(slots=True)
class Compiler:
    """Turns blocks into conditions; satisfies `Compiling` for the criteria."""

    definitions: Definitions = NONE
    _patterns: dict[Pattern, int] = field(default_factory=dict)
    _fragments: dict[str, Node | None] = field(default_factory=dict)
    """Compiled fragments; None while one is being compiled."""
    _extents: dict[str, Extent] = field(default_factory=dict)
    """Of compiled fragments."""
    _faults: dict[str, Unusable] = field(default_factory=dict)
    """Of fragments that cannot be compiled."""
    _depth: int = 0
    """Blocks that are being compiled inside each other."""

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
        return _index(tuple(self._patterns)) if self._patterns else None

    def condition(self, block: Block | None, path: Path) -> Node:
        """A block as a condition; None is `match: all`. Raises Unusable."""
        if block is None:
            return All(())
        node = self._node(block, path)
        if fault := extent(block, self._extents).fault:
            raise Unusable(path, fault)
        return node

    def _node(self, block: Block, path: Path) -> Node:
        """The condition of a block, in whatever it stands. Bounded on the way down; `condition` bounds the whole."""
        if self._depth >= MAX_NESTED:
            raise Unusable(path, TOO_DEEP)
        self._depth += 1
        try:
            return self._joined(block, path)
        finally:
            self._depth -= 1

    def _joined(self, block: Block, path: Path) -> Node:
        parts: list[Node] = []
        for criterion in WHOM:
            value = getattr(block, criterion.key)
            if value is not None:
                parts.append(WhomLeaf(criterion, value, _compile(criterion, value, self, path)))
        for asked in ASKED if isinstance(block, AskedKeys) else ():
            value = getattr(block, asked.key)
            if value is not None:
                parts.append(AskedLeaf(asked, value, _compile(asked, value, self, path)))
        for key, kind in (("all", All), ("any", AnyOf)):
            blocks = getattr(block, key)
            if blocks is not None:
                inner = (self._node(one, (*path, key, place)) for place, one in enumerate(blocks))
                parts.append(kind(tuple(inner)))
        if block.not_ is not None:
            parts.append(Not(self._node(block.not_, (*path, "not"))))
        if block.use is not None:
            parts.append(self._fragment(block.use, (*path, "use")))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def shared_faults(self) -> Iterator[Unusable]:
        """What is wrong with fragments and word lists, used or not."""
        for name in self.definitions.fragments:
            try:
                self._fragment(name, ("fragments", name))
            except Unusable as error:
                yield error
        for name, words in self.definitions.words.items():
            for place, word in enumerate(words):
                if message := _fault(Phrase(word)):
                    yield Unusable(("words", name, place), message, shared=True)

    def _fragment(self, name: str, path: Path) -> Node:
        known = self.definitions.fragments
        if name not in known:
            raise Unusable(path, f"unknown fragment '{name}'{nearest(name, known)}")
        if name in self._faults:
            raise self._faults[name]
        if name in self._fragments:
            done = self._fragments[name]
            if done is None:
                raise Unusable(path, f"fragment '{name}' uses itself")
            return done
        self._fragments[name] = None
        try:
            node = self._fragments[name] = Named(name, self.condition(known[name], ("fragments", name)))
        except Unusable as error:
            fault = self._faults[name] = Unusable(error.path, error.message, shared=True)
            raise fault from None
        else:
            self._extents[name] = extent(known[name], self._extents)
        finally:
            if self._fragments[name] is None:
                del self._fragments[name]
        return node


@lru_cache(maxsize=2)
def _index(patterns: tuple[Pattern, ...]) -> TextIndex:
    """Of requests and of answers, kept: RE2 does not let requests in between while it compiles, and mostly a reload
    changes no pattern.
    """
    return TextIndex(patterns)


def _compile(criterion: Any, value: Any, compiler: Compiler, path: Path) -> Any:
    try:
        return criterion.compile(value, compiler)
    except ValueError as error:
        place = (*path, criterion.key)
        if isinstance(value, TextMatch):
            raise text_fault(value, compiler, place, error) from None
        raise Unusable(place, str(error)) from None


def text_fault(text: TextMatch, compiler: Compiler, path: Path, error: ValueError) -> Unusable:
    """What an error of a text criterion at `path` is about: the one phrase, pattern or word list."""
    for place, phrase in enumerate(text.phrases or ()):
        if message := _fault(Phrase(phrase)):
            return Unusable((*path, "phrases", place), message)
    for place, source in enumerate(text.patterns or ()):
        if message := _fault(Regex(source)):
            return Unusable((*path, "patterns", place), message)
    for place, name in enumerate(text.words or ()):
        try:
            words = compiler.words(name)
        except ValueError as unknown:
            return Unusable((*path, "words", place), str(unknown))
        for inner, word in enumerate(words):
            if message := _fault(Phrase(word)):
                return Unusable(("words", name, inner), message, shared=True)
    return Unusable(path, str(error))


def _fault(pattern: Pattern) -> str:
    """What is wrong with a pattern; "" for nothing."""
    try:
        _check(pattern)
    except ValueError as error:
        return str(error)
    return ""


def _check(pattern: Pattern) -> None:
    """Raises ValueError, here and not when the index is made: here somebody knows where it stands."""
    if isinstance(pattern, Regex):
        expression(pattern)
    else:
        for _ in literals(pattern):
            pass
