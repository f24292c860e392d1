"""A plain request and its answer on a connection of ours: `Inbound` of the hot lane."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from multidict import CIMultiDict

from gateway.core.refusal import Refusal
from gateway.identity.authenticate import claim
from gateway.server.answer_head import head_of
from gateway.server.inbound import Fields, Reply
from gateway.server.plain_head import PlainHead

MOST_UNREAD: Final = 1 << 18
"""Bytes of a body that may wait to be read; then the connection is read no further."""
_SMALL: Final = 1 << 10
_BEGIN: Final = tuple(b"%x\r\n" % size for size in range(_SMALL))
"""How a chunk of so many bytes begins, which is nearly every one."""

_READ: Final = CIMultiDict[str]()
_NOBODY: Final = claim(None, None)
"""Stands for whose it said it is, when nobody asks any more."""


class Wire(Protocol):
    """What a request needs of its connection."""

    remote: str
    full: bool

    def write(self, data: bytes) -> None:
        """Nothing happens where the caller has left."""
        ...

    def push(self, data: bytes) -> None:
        """The same for a piece of a stream: it waits for nothing but what was written before it."""
        ...

    async def drained(self) -> None:
        """Returns when there is room. Raises ConnectionResetError where the caller has left."""
        ...

    def hold_reading(self) -> None: ...

    def go_on_reading(self) -> None: ...

    def on_turn(self, callback: Callable[[], None] | None) -> None: ...

    def forget_head(self) -> None:
        """Of the request: it is not repeated for a while."""
        ...

    def abort(self) -> None: ...


class HotBody:
    """A body of known length, as it arrives."""

    __slots__ = ("_held", "_missing", "_pieces", "_unwanted", "_waiter", "_waiting", "_wire", "announced")
    awaited = False

    def __init__(self, wire: Wire, announced: int) -> None:
        self.announced = announced
        self._wire = wire
        self._missing = announced
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._held = False
        self._unwanted = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def arrived(self) -> bool:
        return not self._missing

    def feed(self, data: bytes) -> bytes:
        """Take what is ours of `data`; the rest belongs to the next request."""
        mine, rest = (data, b"") if len(data) <= self._missing else (data[: self._missing], data[self._missing :])
        self._missing -= len(mine)
        if mine and not self._unwanted:
            self._pieces.append(mine)
            self._waiting += len(mine)
            if self._missing and self._waiting > MOST_UNREAD:
                self._held = True
                self._wire.hold_reading()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        return rest

    def refuse(self) -> None:
        """Nobody will read it: let what still comes of it fall."""
        self._unwanted = True
        self._pieces.clear()
        self._go_on()

    async def go_ahead(self) -> None:
        """Nobody waits for it: a request with `Expect` is not plain."""

    async def more(self) -> bytes:
        if not self._pieces and self._missing:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._waiting = 0
        self._go_on()
        return data

    def _go_on(self) -> None:
        if self._held:
            self._held = False
            self._wire.go_on_reading()


class HotStream:
    """A streamed answer in chunks; its own pipe."""

    __slots__ = ("_ended", "_wire")

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._ended = False

    @property
    def pipe(self) -> "HotStream":
        return self

    @property
    def full(self) -> bool:
        return self._wire.full

    def push(self, data: bytes) -> None:
        if data and not self._ended:  # an empty chunk would end the answer; what follows its end is no part of it
            size = len(data)
            begin = _BEGIN[size] if size < _SMALL else b"%x\r\n" % size
            self._wire.push(b"".join((begin, data, b"\r\n")))

    def on_turn(self, callback: Callable[[], None] | None) -> None:
        self._wire.on_turn(callback)

    async def write(self, data: bytes) -> None:
        self.push(data)
        await self._wire.drained()

    async def write_eof(self) -> None:
        if not self._ended:
            self._ended = True
            self._wire.write(b"0\r\n\r\n")
            await self._wire.drained()


class HotRequest:
    """One plain request."""

    __slots__ = ("_wire", "body", "claimed", "closes", "headers", "sent", "target")
    method = "POST"

    def __init__(self, wire: Wire, head: PlainHead) -> None:
        self._wire = wire
        self.target = head.target
        self.headers = head.headers
        self.claimed = head.claimed
        self.body = HotBody(wire, head.length)
        self.closes = False
        self.sent: HotStream | Reply | None = None
        """What has gone out, at least in part."""

    @property
    def remote(self) -> str:
        return self._wire.remote

    def fault(self, head_bytes: int) -> Refusal | None:  # noqa: ARG002 - the lane's rule is stricter than any limit
        """None: what `check_head` refuses is not plain, and came another way."""
        return None

    def reply(self, reply: Reply) -> None:
        """Write an answer in one piece.

        Raises ValueError for a header that cannot be written, RuntimeError where an answer has begun already: a second
        head in the middle of one would be read as its text.
        """
        if self.sent is not None:
            raise RuntimeError("a second answer to one request")
        self.sent = reply
        head = head_of(reply.status, reply.headers, len(reply.body), closes=self.closes)
        self._wire.write(head + reply.body)

    async def send(self, reply: Reply) -> None:
        self.reply(reply)
        await self._wire.drained()

    async def stream(self, headers: Fields) -> HotStream:
        head = head_of(200, headers, None, closes=self.closes)
        # Nobody asks for its head again, and streams are many and long.
        self.headers, self.claimed = _READ, _NOBODY
        self._wire.forget_head()
        self.sent = stream = HotStream(self._wire)
        self._wire.write(head)
        return stream

    async def end(self) -> None:
        """What the handler sent is all. Raises RuntimeError where it sent nothing."""
        if self.sent is None:
            raise RuntimeError("no answer to a request")
        if isinstance(self.sent, HotStream):
            await self.sent.write_eof()

    def hang_up(self) -> None:
        self.closes = True

    def abort(self) -> None:
        self._wire.abort()
