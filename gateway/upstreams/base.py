"""The small interface between forwarding and the connections below it, so that a faster pool can replace one."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(slots=True)
class Call:
    """One request to an upstream. `path` is from our own route table, never from the caller."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    stream: bool


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
