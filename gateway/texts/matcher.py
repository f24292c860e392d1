"""Many RE2 patterns at once: one pass over the text says which of them occur."""

from collections.abc import Iterable
from typing import Final

import re2

FAILED: Final = -1
"""Stands for a search that could not be made: RE2 ran out of memory for its states."""
_ALWAYS: Final = -2
"""Owns the line end that is in every text; where RE2 does not find even that, it found nothing out."""
_MEMORY: Final = 1 << 26
"""Bytes for one matcher: program and states. Beyond it states are forgotten and made again: slower, never wrong."""


class Matcher:
    """Patterns with the numbers of those who want them."""

    __slots__ = ("_owners", "_set")

    def __init__(self, sources: Iterable[tuple[str, int]]) -> None:
        """Raises ValueError when the patterns together are too many for the memory."""
        options = re2.Options()
        options.max_mem = _MEMORY
        options.log_errors = False
        patterns = re2.Set.SearchSet(options)
        self._owners = [_ALWAYS]
        try:
            patterns.Add(r"\n")
            for source, owner in sources:
                patterns.Add(source)
                self._owners.append(owner)
            patterns.Compile()
        except re2.error:
            raise ValueError(f"the patterns together need more than {_MEMORY >> 20} MiB") from None
        self._set = patterns
        self.matches("")  # RE2 builds its first states now, not under somebody's request

    def __bool__(self) -> bool:
        return len(self._owners) > 1

    def matches(self, form: str) -> set[int]:
        """The owners of what occurs, and `FAILED`. Line ends stand around the form: `^` and `$` are its ends."""
        owners = self._owners
        return {owners[number] for number in self._set.Match(f"\n{form}\n".encode()) or ()} or {FAILED}
