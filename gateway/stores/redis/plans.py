"""What follows from the limits of a plan, worked out once: a plan hands in the same sequence with each request."""

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from gateway.engine.spec import Spec

MAX: Final = 8192
T = TypeVar("T")


class ByPlan(Generic[T]):
    """Remembered by identity, so that nobody has to compare limits or hash them."""

    __slots__ = ("_known", "_work")

    def __init__(self, work: Callable[[Sequence[Spec]], T]) -> None:
        self._work = work
        # The sequence is kept alive beside what follows from it, so that its id cannot become another's.
        self._known: dict[int, tuple[Sequence[Spec], T]] = {}

    def of(self, specs: Sequence[Spec]) -> T:
        known = self._known.get(id(specs))
        if known is not None and known[0] is specs:
            return known[1]
        made = self._work(specs)
        if isinstance(specs, tuple):  # which cannot change
            if len(self._known) >= MAX:
                self._known.clear()
            self._known[id(specs)] = (specs, made)
        return made
