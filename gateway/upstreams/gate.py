"""What stands before an attempt: the limits of the key that the gateway has at an upstream."""

from enum import Enum, auto
from typing import Protocol

from gateway.core.refusal import Refusal


class Left(Enum):
    """How an attempt without an answer left its upstream."""

    UNTOUCHED = auto()
    """No byte of the request can have arrived."""
    REFUSED = auto()
    """It took the request in and refused it with a status."""
    UNKNOWN = auto()
    """It may be at work on it: it was too slow, broke off, or the caller left."""


class Gate(Protocol):
    """The gate of one exchange. What `enter` has taken is given back by `leave`, or settled with the exchange."""

    async def enter(self, upstream: str) -> Refusal | None:
        """Take room at an upstream for the coming attempt. None when there was room, else why not."""
        ...

    def leave(self, left: Left) -> None:
        """The attempt brought no answer: called once for each `enter` that gave room, unless there is an answer."""
        ...
