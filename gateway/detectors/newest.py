"""A bounded table of states by name: the least recently used one makes room."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

State = TypeVar("State")


class Newest(Generic[State]):
    """`make` starts a state that is not there, or no more. ValueError without room for one."""

    def __init__(self, make: Callable[[], State], limit: int) -> None:
        if limit < 1:
            raise ValueError(f"limit: {limit}; expected at least 1")
        self._make = make
        self._limit = limit
        self._states: OrderedDict[str, State] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    def of(self, name: str) -> State:
        state = self._states.get(name)
        if state is None:
            if len(self._states) >= self._limit:
                self._states.popitem(last=False)
            state = self._states[name] = self._make()
        else:
            self._states.move_to_end(name)
        return state
