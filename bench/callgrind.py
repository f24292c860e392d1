"""What valgrind's callgrind counted, read as far as the bench needs it: instructions by function and by library.

The format is the one of valgrind's manual, "Callgrind Format Specification": `ob=` and `fn=` say whose lines follow, a
line of costs has a position and a number, and the one behind `calls=` is the cost of all that the call did.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_NAME: Final = re.compile(r"\((\d+)\)(?: (.*))?")
"""An id, and what it stands for where it is used first."""


@dataclass(slots=True)
class Function:
    """One function, in instructions; `below` is what it called, `entered` how often it was called."""

    name: str = ""
    own: int = 0
    below: int = 0
    entered: int = 0

    @property
    def whole(self) -> int:
        return self.own + self.below


@dataclass(slots=True)
class Profile:
    """Functions as callgrind tells them apart: of one name there may be several, and one that calls itself has two."""

    functions: dict[str, Function] = field(default_factory=dict)
    libraries: dict[str, int] = field(default_factory=dict)
    """Instructions of its own, by file."""

    @property
    def whole(self) -> int:
        return sum(self.libraries.values())


def read(lines: Iterable[str]) -> Profile:
    """Raises ValueError for what is no such profile."""
    made, objects = Profile(), dict[str, str]()
    library, current, called = "", Function(), False
    for line in lines:
        key, is_said, said = line.rstrip("\n").partition("=")
        if is_said and key in ("ob", "cob"):
            named = _named(said, objects)
            library = named if key == "ob" else library
        elif is_said and key in ("fn", "cfn"):
            function = _function(said, made.functions)
            if key == "fn":
                current = function
            else:
                callee = function
        elif is_said and key == "calls":
            callee.entered += int(said.split()[0])
            called = True
        elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
            cost = int(line.split()[1])
            if called:
                current.below += cost
            else:
                current.own += cost
                made.libraries[library] = made.libraries.get(library, 0) + cost
            called = False
    if not made.functions:
        raise ValueError("no callgrind profile: it names no function")
    return made


def _named(said: str, known: dict[str, str]) -> str:
    found = _NAME.fullmatch(said)
    if found is None:
        return said
    if found[2] is not None:
        known[found[1]] = found[2]
    return known.get(found[1], "")


def _function(said: str, known: dict[str, Function]) -> Function:
    found = _NAME.fullmatch(said)
    if found is None:
        raise ValueError(f"no callgrind profile: a function was expected, found {said[:80]!r}")
    function = known.setdefault(found[1], Function())
    if found[2] is not None:
        function.name = found[2]
    return function
