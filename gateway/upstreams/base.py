"""The small interface between forwarding and the connections below it, so that a faster pool can replace one."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeGuard


@dataclass(slots=True, init=False)
class Call:
    """One request to an upstream. `path` is from our own route table, never from the caller."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    stream: bool
    template: Mapping[str, str] | None
    """What `headers` begins with, where many calls share it: one object that never changes, to be written once."""

    # Written out, as Exchange is.
    def __init__(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        stream: bool,
        *,
        template: Mapping[str, str] | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.stream = stream
        self.template = template


class Answer(Protocol):
    """An upstream's response whose head has arrived. Header names are lower-case.

    Exactly one of `finish` and `abort` must be called, on every path: `finish` when the body was read to its
    end (the connection may be reused), `abort` otherwise (the connection is closed at once).
    """

    status: int
    headers: Mapping[str, str]

    async def read(self) -> bytes:
        """The whole body, bounded by the configured size. Raises UpstreamFailed."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; bounded by the between-bytes and total timeouts. Raises UpstreamFailed.

        Called again after an interrupted (cancelled) iteration it goes on where that one stopped.
        """
        ...

    def finish(self) -> None: ...

    def abort(self) -> None: ...


class Pours(Protocol):
    """An answer whose chunks may also be had in the very callback in which they came, without a task that waits."""

    def pour(self, take: Callable[[bytes], None], ended: Callable[["UpstreamFailed | None"], None]) -> None:
        """Give `take` what is there and what comes, then call `ended` once: with the failure, or None at the end.

        Neither may raise. The bounds are those of `chunks`; a pause of ours does not count as one of the upstream's.
        """
        ...

    def pause(self) -> None:
        """Call nothing until `resume`. What comes meanwhile waits, up to a bound; then the upstream is read no more."""
        ...

    def resume(self) -> None: ...

    def collect(self) -> None:
        """End it: what comes from now on waits for `chunks`."""
        ...


def pours(answer: Answer) -> TypeGuard[Pours]:
    """Whether it is one. `isinstance` would ask for every method, at ten times the price, for every stream."""
    return hasattr(answer, "pour")


class Transport(Protocol):
    """Connections to one upstream."""

    async def send(self, call: Call) -> Answer:
        """Returns when the response head is there. Raises UpstreamFailed."""
        ...

    async def close(self) -> None: ...


class UpstreamFailed(Exception):  # noqa: N818 - named for what happened
    """The upstream could not be reached, broke off or was too slow.

    `phase` is "connect", "send", "first_byte", "body"; `timeout` says a timer fired; `sent` says whether any
    byte of the request may have reached the upstream (then only an idempotent failure mode may be retried).
    `stale` says that a reused keep-alive connection died before any byte of an answer: the upstream had closed
    it while it idled, so one more try is safe. The message names no address and no credential.
    """

    def __init__(
        self, phase: str, message: str, *, timeout: bool = False, sent: bool = True, stale: bool = False
    ) -> None:
        super().__init__(message)
        self.phase = phase
        self.timeout = timeout
        self.sent = sent
        self.stale = stale
