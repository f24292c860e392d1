"""What the data plane sees of a request, whichever lane it came by, and the way back to its caller.

Two lanes implement it: `reference_lane` on aiohttp's server, and `hot_lane`, our own protocol for plain requests.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from multidict import MultiMapping

from gateway.core.refusal import Refusal
from gateway.identity.authenticate import Claim

Fields = list[tuple[str, str]]
"""Header fields of an answer, in order."""
Headers = MultiMapping[str]
"""Header fields by name, in any case; of a repeated one the first, or all of them."""


class Reply:
    """An answer in one piece."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Fields, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class BodyBroken(Exception):  # noqa: N818 - named for what happened
    """The body's framing is broken: what was announced never came whole."""


class Body(Protocol):
    """A request's body as it arrives."""

    @property
    def announced(self) -> int | None:
        """Its content-length in bytes; None where it comes in chunks."""
        ...

    @property
    def arrived(self) -> bool:
        """All of it is here, read or not."""
        ...

    @property
    def awaited(self) -> bool:
        """Its sender waits for `100 Continue` (RFC 9110, section 10.1.1)."""
        ...

    async def go_ahead(self) -> None:
        """Tell a sender that waits to go on."""
        ...

    async def more(self) -> bytes:
        """All that came since, once there is something; empty at the end. Raises BodyBroken."""
        ...


class Pipe(Protocol):
    """The caller's connection for whoever writes without waiting, from the callback in which bytes came."""

    @property
    def full(self) -> bool:
        """The caller takes too little: push nothing more for now."""
        ...

    def push(self, data: bytes) -> None:
        """Write a piece of the stream; nothing happens where the caller has left, whose task is being cancelled."""
        ...

    def on_turn(self, callback: Callable[[], None] | None) -> None:
        """Have `callback` called whenever `full` changes; None ends it."""
        ...


class Stream(Protocol):
    """A streamed answer under way."""

    @property
    def pipe(self) -> Pipe | None:
        """None where the lane can only be written to by `write`."""
        ...

    async def write(self, data: bytes) -> None:
        """Returns when the caller has taken enough for more. Raises ConnectionError when it has left."""
        ...

    async def write_eof(self) -> None:
        """The end of the stream; once."""
        ...


class Inbound(Protocol):
    """One request."""

    @property
    def method(self) -> str: ...

    @property
    def target(self) -> str:
        """The raw request target."""
        ...

    @property
    def headers(self) -> Headers: ...

    @property
    def claimed(self) -> Claim | Refusal:
        """Whose it says it is."""
        ...

    @property
    def remote(self) -> str:
        """The peer's address; empty where there is none."""
        ...

    @property
    def body(self) -> Body: ...

    def fault(self, head_bytes: int) -> Refusal | None:
        """Why the head is not to be served: too large, ambiguous, an upgrade."""
        ...

    async def send(self, reply: Reply) -> None:
        """Send it now, while the handler goes on. Raises ConnectionError when the caller has left."""
        ...

    async def stream(self, headers: Fields) -> Stream:
        """Begin a streamed answer of status 200."""
        ...

    def hang_up(self) -> None:
        """Close the connection after this answer: what follows on it could not be told apart."""
        ...

    def abort(self) -> None:
        """Cut the connection: half of an answer is written and its caller does not read."""
        ...


Serve = Callable[[Inbound], Awaitable[Reply | None]]
"""What answers a request of any lane; None where the answer went out already."""
