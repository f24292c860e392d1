"""What lower rooms tell upper ones without importing them: events, injected by runtime."""

from typing import Protocol


class Events(Protocol):
    """Facts for gauges and the log. Implementations never raise and never block.

    `name` is from the closed list in observe/events.py; `fields` hold no key, prompt or address.
    """

    def emit(self, name: str, **fields: str | float) -> None: ...


class NoEvents:
    """For tests and tools that watch nothing."""

    def emit(self, name: str, **fields: str | float) -> None:
        pass
